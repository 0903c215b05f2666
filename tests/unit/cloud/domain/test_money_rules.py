"""Money, postings, journals, allocation."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from cloud.domain.accounts import Account, held_in
from cloud.domain.allocation import Credit, allocate
from cloud.domain.ledger import Journal, Posting, move, reverse
from cloud.domain.money import Money
from cloud.domain.payment import BadPayment, Payment, clean

NOW = datetime(2026, 1, 31, tzinfo=UTC)
ONE, TWO, SALE = UUID(int=1), UUID(int=2), UUID(int=9)


def test_money_adds_only_its_own_currency() -> None:
    assert Money(100) + Money(50) == Money(150)
    assert Money(100) - Money(150) == -Money(50)
    with pytest.raises(ValueError, match="cannot add USD to KES"):
        Money(1) + Money(1, "USD")


@pytest.mark.parametrize("wrong", [1.0, True, "1"])
def test_money_is_whole_cents(wrong: object) -> None:
    with pytest.raises(TypeError):
        Money(wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("cents", "words"), [(150_000, "KES 1,500"), (150_005, "KES 1,500.05"), (-5, "KES -0.05"), (0, "KES 0")]
)
def test_money_is_written_as_people_write_it(cents: int, words: str) -> None:
    assert str(Money(cents)) == words


def test_a_journal_that_does_not_sum_to_zero_cannot_be_made() -> None:
    lines = (Posting(Account.REVENUE, -1), Posting(Account.SUSPENSE, 2))
    with pytest.raises(ValueError, match="sum to zero"):
        Journal(ONE, "x", "1", NOW, lines)


def test_a_subscriber_stands_on_the_subscriber_account_only() -> None:
    with pytest.raises(ValueError, match="no other"):
        Posting(Account.REVENUE, 1, ONE)
    with pytest.raises(ValueError, match="no other"):
        Posting(Account.SUBSCRIBER, 1)


def test_a_reversal_undoes_every_line() -> None:
    postings = move(debit=held_in("mpesa"), credit=Account.SUBSCRIBER, amount_cents=7, subscriber_id=TWO)
    undone = reverse(Journal(ONE, "payment", "p", NOW, postings), journal_id=TWO, source_id="p", occurred_at=NOW)
    assert undone.reverses == ONE
    assert [line.amount_cents for line in undone.postings] == [-7, 7]


def test_the_oldest_payment_is_used_first_whatever_the_order_given() -> None:
    young, old = Credit(ONE, 100, NOW), Credit(TWO, 30, NOW.replace(day=1))
    taken, left = allocate(50, SALE, [young, old])
    assert [(part.payment_id, part.amount_cents) for part in taken] == [(TWO, 30), (ONE, 20)]
    assert {credit.payment_id: credit.left_cents for credit in left} == {TWO: 0, ONE: 80}


def test_credit_that_does_not_cover_the_price_is_not_touched() -> None:
    with pytest.raises(ValueError, match="does not cover"):
        allocate(101, SALE, [Credit(ONE, 100, NOW)])


def payment(**other: object) -> Payment:
    said: dict[str, object] = {"id": ONE, "rail": "mpesa", "shortcode": "1", "receipt": "R", "amount_cents": 1}
    said |= {"bill_reference": "", "payer_key": "", "payer_name": "", "paid_at": NOW, "received_at": NOW}
    return Payment(**(said | other))  # type: ignore[arg-type]  # a dict of mixed values


@pytest.mark.parametrize(
    "wrong", [{"amount_cents": 0}, {"amount_cents": -1}, {"amount_cents": 10**13}, {"receipt": ""}]
)
def test_a_payment_without_receipt_or_sane_amount_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadPayment):
        payment(**wrong)


@pytest.mark.parametrize(
    ("typed", "kept"), [(" a\x00b\n", "ab"), ("\ud800x", "x"), ("é🙂", "é🙂"), ("y" * 999, "y" * 200), ("\u202e", "")]
)
def test_what_a_stranger_typed_is_made_storable(typed: str, kept: str) -> None:
    assert clean(typed) == kept
