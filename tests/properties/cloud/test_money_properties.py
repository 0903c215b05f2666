"""Whatever comes in whatever order: journals sum to zero, no paid time and no shilling is lost."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloud.domain import account_number, phone
from cloud.domain.accounts import Account
from cloud.domain.allocation import Credit, allocate
from cloud.domain.ledger import Journal, move, reverse
from cloud.domain.overdue import judge
from cloud.domain.payment import clean
from cloud.domain.plan import PlanTerms
from cloud.domain.prepaid import Wallet, after_payment, renew_lapsed
from cloud.domain.subscription import Lifecycle, Subscription, pause, resume

START = datetime(2026, 1, 31, 20, 59, 59, tzinfo=UTC)
cents = st.integers(1, 10**9)
ids = st.builds(lambda n: UUID(int=n), st.integers(1, 2**128 - 1))


@given(cents, ids, st.sampled_from([Account.MPESA_CLEARING, Account.SUSPENSE, Account.REVENUE]))
def test_a_journal_and_its_reversal_leave_nothing(amount: int, subscriber: UUID, other: Account) -> None:
    postings = move(debit=other, credit=Account.SUBSCRIBER, amount_cents=amount, subscriber_id=subscriber)
    made = Journal(UUID(int=1), "x", "1", START, postings)
    undone = reverse(made, journal_id=UUID(int=2), source_id="1", occurred_at=START)
    for account in Account:
        assert sum(p.amount_cents for p in (*made.postings, *undone.postings) if p.account is account) == 0


@given(st.lists(cents, min_size=1, max_size=9), st.data())
def test_an_allocation_takes_the_price_exactly_and_empties_older_payments_first(
    amounts: list[int], data: st.DataObject
) -> None:
    credits_ = [Credit(UUID(int=n + 1), c, START + timedelta(days=n)) for n, c in enumerate(amounts)]
    price = data.draw(st.integers(1, sum(amounts)))
    taken, left = allocate(price, UUID(int=99), data.draw(st.permutations(credits_)))
    assert sum(part.amount_cents for part in taken) == price
    assert sum(one.left_cents for one in left) == sum(amounts) - price
    untouched = [one for one in left if one.left_cents == amounts[one.payment_id.int - 1]]
    emptied = [one for one in left if one.left_cents == 0]
    assert not untouched or not emptied or max(e.paid_at for e in emptied) < min(u.paid_at for u in untouched)


@given(st.text(max_size=300))
def test_normal_forms_are_final(typed: str) -> None:
    number = account_number.normalise(typed)
    assert account_number.normalise(number) == account_number.normalise(account_number.normalise(number))
    assert clean(clean(typed)) == clean(typed)
    assert clean(typed).encode().decode() == clean(typed)
    found = phone.find_phone(typed)
    assert found is None or phone.find_phone(found) == found


@given(st.integers(1, 90_000), st.data())
def test_no_single_slip_in_an_account_number_proves_itself(ordinal: int, data: st.DataObject) -> None:
    number = account_number.make(ordinal)
    place = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from("0123456789"))
    wrong = number[:place] + digit + number[place + 1 :]
    assert (wrong == number) == account_number.is_proved(wrong) or wrong[0] == "0"


class PrepaidMachine(RuleBasedStateMachine):
    """Pays, waits, pauses and renews one subscription; a ledger of seconds and cents is kept beside it."""

    @initialize(price=st.integers(1, 5_000), duration_s=st.integers(1, 10**6))
    def begin(self, price: int, duration_s: int) -> None:
        self.ids = count(1)
        self.now = START
        terms = PlanTerms(price, duration_s, 1_000_000, 1_000_000)
        self.wallet = Wallet((), (Subscription(self._id(), terms),))
        self.paid = self.sold = 0
        self.served = timedelta()
        self.bought = timedelta()

    def _id(self) -> UUID:
        return UUID(int=next(self.ids))

    @property
    def subscription(self) -> Subscription:
        return self.wallet.subscriptions[0]

    def _account(self, sales: tuple[object, ...]) -> None:
        self.sold += len(sales) * self.subscription.terms.price_cents
        self.bought += len(sales) * self.subscription.terms.duration

    @rule(amount=st.integers(1, 20_000))
    def pay(self, amount: int) -> None:
        credit = Credit(self._id(), amount, self.now)
        self.wallet, sales = after_payment(
            Wallet((*self.wallet.credits, credit), self.wallet.subscriptions), self.now, self._id
        )
        self.paid += amount
        assert len(sales) <= 1
        self._account(sales)

    @rule(seconds=st.integers(0, 2 * 10**6))
    def wait(self, seconds: int) -> None:
        end = self.now + timedelta(seconds=seconds)
        if judge(self.subscription, self.now).state == "current":
            until = self.subscription.valid_until
            assert until is not None
            self.served += min(end, until) - self.now
        self.now = end

    @rule()
    def tick(self) -> None:
        self.wallet, sales = renew_lapsed(self.wallet, self.now, self._id)
        self._account(sales)
        if self.subscription.is_lapsed(self.now):
            assert self.wallet.credit_cents < self.subscription.terms.price_cents

    @rule()
    def pause_or_resume(self) -> None:
        verb = pause if self.subscription.lifecycle is Lifecycle.ACTIVE else resume
        self.wallet = Wallet(self.wallet.credits, (verb(self.subscription, self.now),))

    @invariant()
    def every_shilling_is_credit_or_sold(self) -> None:
        assert self.paid == self.sold + self.wallet.credit_cents

    @invariant()
    def every_second_bought_is_served_or_still_to_come(self) -> None:
        until = self.subscription.valid_until
        counted_from = self.subscription.paused_at or self.now
        to_come = max(until - counted_from, timedelta()) if until else timedelta()
        assert self.bought == self.served + to_come


TestPrepaid = PrepaidMachine.TestCase
