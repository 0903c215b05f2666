"""Whatever is done, the simulated Safaricom makes no money and loses none, and every balance is its lines' sum."""

import csv
import random
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.safaricom.accounts import Account
from lab.safaricom.core import Core, Told
from lab.safaricom.organisations import Directory, Organisation
from lab.safaricom.phones import Phones
from lab.safaricom.receipts import Receipts
from lab.safaricom.record import PhonePayment
from lab.safaricom.result_codes import Declined
from lab.safaricom.statement import COLUMNS, statement_csv
from lab.safaricom.switches import MoneySwitches, StatementSwitches
from lab.safaricom.transactions import B2C, C2B, State

NOON_US = 1_763_715_600_000_000
SHORTCODES = ("600001", "600002")
PHONES = tuple(f"25472200000{digit}" for digit in range(4))
STEP_US = 250_000  # several things happen in one second

shortcodes, phones = st.sampled_from(SHORTCODES), st.sampled_from(PHONES)
amounts = st.one_of(st.integers(1, 9_000), st.integers(1, 300_000)).map(lambda kes: kes * 100)
picks = st.integers(0, 40)
sources = st.sampled_from([Account.UTILITY, Account.UTILITY, Account.WORKING, Account.MERCHANT])
steps = st.one_of(
    st.tuples(st.just("pay"), shortcodes, phones, amounts, st.booleans()),
    st.tuples(st.just("refuse"), shortcodes, phones, amounts),
    st.tuples(st.just("pay_out"), shortcodes, phones, amounts, st.sampled_from(sorted(B2C))),
    st.tuples(st.just("reverse"), shortcodes, picks, st.integers(-10, 150)),
    st.tuples(st.just("transfer"), shortcodes, sources, st.sampled_from(Account), amounts),
    st.tuples(st.just("withdraw"), shortcodes, sources, amounts),
)
switches = st.builds(
    MoneySwitches,
    b2c_from=st.sampled_from(["utility", "working"]),
    charge_from=st.sampled_from(["charges", "drawn"]),
    c2b_charge_ppm=st.integers(0, 20_000),
)


class World:
    """A core with phones and two organisations; every step is tried, and may be declined."""

    def __init__(self, money: MoneySwitches) -> None:
        directory = Directory()
        for shortcode in SHORTCODES:
            directory.add(Organisation(shortcode))
        self.phones, self.money, self.now_us = Phones(1), money, NOON_US
        self.receipts = Receipts(random.Random(1))
        self.core = Core(self.receipts, self.phones, directory)
        self.dealt: list[str] = []
        for shortcode in SHORTCODES:
            self.do(("pay", shortcode, PHONES[0], 5_000_000, False))

    def do(self, step: tuple[Any, ...]) -> None:
        self.now_us += STEP_US
        with suppress(Declined):
            getattr(self, step[0])(*step[1:])

    def pay(self, shortcode: str, msisdn: str, cents: int, till: bool) -> None:
        phone = self.phones.get(msisdn)
        if phone.balance_cents < cents:
            self.phones.put_in(phone, cents - phone.balance_cents)
        self.phones.spend(phone, shortcode, cents, self.now_us)
        self.core.receive(self.payment(shortcode, msisdn, cents, till), self.now_us, self.money)

    def refuse(self, shortcode: str, msisdn: str, cents: int) -> None:
        self.core.refuse(self.payment(shortcode, msisdn, cents, till=False), self.now_us)

    def pay_out(self, shortcode: str, msisdn: str, cents: int, kind: Any) -> None:
        self.core.pay_out(shortcode, msisdn, cents, kind, self.now_us, Told(), self.money)

    def reverse(self, shortcode: str, pick: int, percent: int) -> None:
        original = self.core.journal.find(self.dealt[pick % len(self.dealt)])
        assert original is not None
        self.core.reverse(shortcode, original.receipt, original.amount_cents * percent // 100, self.now_us, Told())

    def transfer(self, shortcode: str, source: Account, target: Account, cents: int) -> None:
        if source is not target and target is not Account.CHARGES:
            self.core.transfer(shortcode, source, target, cents, self.now_us)

    def withdraw(self, shortcode: str, source: Account, cents: int) -> None:
        self.core.withdraw(shortcode, source, cents, self.now_us)

    def payment(self, shortcode: str, msisdn: str, cents: int, till: bool) -> PhonePayment:
        receipt = self.receipts.deal(self.now_us)
        self.dealt.append(receipt)
        return PhonePayment(receipt, shortcode, msisdn, "JANE DOE", cents, "A1", self.now_us, till="5551" * till)


@given(switches, st.lists(steps, min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_money_is_neither_made_nor_lost(money: MoneySwitches, done: list[tuple[Any, ...]]) -> None:
    world = World(money)
    for step in done:
        world.do(step)
        assert world.phones.total_cents + world.core.accounts.total_cents == world.phones.brought_in_cents
    for shortcode in SHORTCODES:
        balances = world.core.accounts.of(shortcode).balances
        assert all(cents >= 0 for account, cents in balances.items() if may_not_owe(account, money))
        reversed_cents = {each.receipt: each.reversed_cents for each in world.core.journal.of(shortcode)}
        for each in world.core.journal.of(shortcode):
            assert 0 <= each.reversed_cents <= each.amount_cents
            assert each.reversed_cents == 0 or (each.kind in C2B and each.state is State.COMPLETED)
            if each.linked:
                reversed_cents[each.linked] -= each.amount_cents
        assert not any(reversed_cents.values())  # every reversed cent has its own transaction


def may_not_owe(account: Account, money: MoneySwitches) -> bool:
    """The charges are owed; an account that pays the customer's charge out of what he paid stays above nothing."""
    return account is not Account.CHARGES or money.charge_from == "drawn"


@given(switches, st.lists(steps, max_size=25), st.integers(0, 25), st.booleans())
@settings(max_examples=75, deadline=None)
def test_a_statement_of_any_period_adds_up(
    money: MoneySwitches, done: list[tuple[Any, ...]], cut: int, newest_first: bool
) -> None:
    world = World(money)
    for step in done:
        world.do(step)
    cut_us = NOON_US + cut * STEP_US
    said = StatementSwitches(newest_first=newest_first, withdrawn_negative=True)
    for shortcode in SHORTCODES:
        for account in Account:
            running = 0
            for from_us, to_us in ((0, cut_us), (cut_us, world.now_us + 1)):
                text = statement_csv(world.core.accounts.of(shortcode), "X", account, from_us, to_us, said)
                preamble, rows = parsed(text)
                assert cents(preamble["Opening Balance:"]) == running
                for row in rows[::-1] if newest_first else rows:
                    running += cents(row["Paid In"] or "0") + cents(row["Withdrawn"] or "0")
                    assert cents(row["Balance"]) == running
                assert cents(preamble["Closing Balance:"]) == running
            assert running == world.core.accounts.of(shortcode).balances[account]


def parsed(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    lines = list(csv.reader(text.splitlines()))
    start = lines.index(list(COLUMNS))
    preamble = {row[0]: row[1] for row in lines[:start] if row}
    return preamble, [dict(zip(COLUMNS, row, strict=True)) for row in lines[start + 1 :]]


def cents(said: str) -> int:
    return round(float(said) * 100)
