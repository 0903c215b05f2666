"""Plans, lifecycles, overdue, entitlements, prepaid sales and addresses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from uuid import UUID

import pytest

from cloud.domain.addresses import check_pool, free_addresses
from cloud.domain.allocation import Credit
from cloud.domain.entitlement import NOTHING_BOUGHT, grant
from cloud.domain.overdue import judge
from cloud.domain.plan import PlanTerms
from cloud.domain.prepaid import Wallet, after_payment, missing_cents, renew_lapsed
from cloud.domain.subscription import Lifecycle, Subscription, WrongLifecycle, pause, resume, terminate

DAY = timedelta(days=1)
NOW = datetime(2026, 1, 31, 21, 0, tzinfo=UTC)
TERMS = PlanTerms(price_cents=1_000, duration_s=86_400, up_bps=1_000_000, down_bps=2_000_000)
SUB = Subscription(UUID(int=1), TERMS)
OTHER = Subscription(UUID(int=2), replace(TERMS, price_cents=300))
_ids = count(100)


def new_id() -> UUID:
    return UUID(int=next(_ids))


def wallet(cents: int, *subscriptions: Subscription) -> Wallet:
    credits_ = (Credit(UUID(int=50), cents, NOW),) if cents else ()
    return Wallet(credits_, subscriptions or (SUB,))


@pytest.mark.parametrize(
    "wrong", [{"price_cents": 0}, {"duration_s": 0}, {"up_bps": 999}, {"down_bps": 10**12}, {"outage_grace_s": -1}]
)
def test_terms_that_nobody_could_sell_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a plan"):
        replace(TERMS, **wrong)


@pytest.mark.parametrize(
    ("subscription", "grace_s", "state", "next_change_at"),
    [
        (SUB, 0, "walled", None),
        (replace(SUB, valid_until=NOW + DAY), 0, "current", NOW + DAY),
        (replace(SUB, valid_until=NOW), 0, "walled", None),
        (replace(SUB, valid_until=NOW - DAY), 0, "walled", None),
        (replace(SUB, valid_until=NOW), 60, "grace", NOW + timedelta(seconds=60)),
        (replace(SUB, valid_until=NOW - timedelta(seconds=60)), 60, "walled", None),
        (replace(SUB, never_cut="the school"), 0, "current", None),
        (replace(SUB, never_cut="the school", valid_until=NOW - DAY), 0, "current", None),
        (replace(SUB, lifecycle=Lifecycle.PAUSED, valid_until=NOW + DAY), 0, "off", None),
        (replace(SUB, lifecycle=Lifecycle.TERMINATED, never_cut="x"), 0, "off", None),
    ],
)
def test_policy_says_what_is_overdue(
    subscription: Subscription, grace_s: int, state: str, next_change_at: datetime | None
) -> None:
    verdict = judge(subscription, NOW, grace_s=grace_s)
    assert (verdict.state, verdict.next_change_at) == (state, next_change_at)
    assert verdict.reason


def test_who_never_bought_is_not_told_to_the_site_as_endless() -> None:
    assert grant(SUB).until == NOTHING_BOUGHT
    assert grant(replace(SUB, never_cut="the school")).until is None
    assert not grant(replace(SUB, lifecycle=Lifecycle.PAUSED)).is_on


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (None, NOW + DAY),
        (NOW - 30 * DAY, NOW + DAY),
        (NOW + timedelta(hours=5), NOW + timedelta(hours=29)),
        (datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2028, 2, 28, 12, tzinfo=UTC), datetime(2028, 2, 29, 12, tzinfo=UTC)),
    ],
)
def test_a_period_begins_now_or_when_the_paid_time_ends(until: datetime | None, expected: datetime) -> None:
    _, [sale] = after_payment(wallet(1_000, replace(SUB, valid_until=until)), NOW, new_id)
    assert sale.valid_until == expected


def test_thirty_days_from_the_31st_of_january_are_thirty_days() -> None:
    month = replace(SUB, terms=replace(TERMS, duration_s=30 * 86_400))
    _, [sale] = after_payment(wallet(1_000, month), NOW, new_id)
    assert sale.valid_until == datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def test_a_cent_short_buys_nothing_and_is_told() -> None:
    short = wallet(999)
    left, sales = after_payment(short, NOW, new_id)
    assert (sales, left) == ((), short)
    assert missing_cents(SUB, short.credit_cents) == 1


def test_ten_times_the_price_buys_exactly_one_period() -> None:
    left, sales = after_payment(wallet(10_000), NOW, new_id)
    assert (len(sales), left.credit_cents) == (1, 9_000)


def test_a_lapsed_subscription_is_served_before_a_running_one() -> None:
    running = replace(OTHER, valid_until=NOW + DAY)
    _, [sale] = after_payment(wallet(1_000, running, SUB), NOW, new_id)
    assert sale.subscription.id == SUB.id


def test_while_one_waits_for_its_price_a_running_one_does_not_eat_the_credit() -> None:
    running = replace(OTHER, valid_until=NOW + DAY)
    assert after_payment(wallet(500, running, SUB), NOW, new_id)[1] == ()


def test_the_subscription_that_the_payer_named_comes_first() -> None:
    running = replace(OTHER, valid_until=NOW + DAY)
    _, sales = after_payment(wallet(1_000, running, SUB), NOW, new_id, meant=OTHER.id)
    assert [sale.subscription.id for sale in sales] == [OTHER.id]


def test_paused_and_terminated_subscriptions_buy_nothing() -> None:
    idle = (replace(SUB, lifecycle=Lifecycle.PAUSED), replace(OTHER, lifecycle=Lifecycle.TERMINATED))
    assert after_payment(wallet(10_000, *idle), NOW, new_id)[1] == ()


def test_credit_renews_what_has_lapsed_and_nothing_else() -> None:
    running = replace(OTHER, valid_until=NOW + DAY)
    left, [sale] = renew_lapsed(wallet(5_000, running, replace(SUB, valid_until=NOW)), NOW, new_id)
    assert (sale.subscription.id, left.credit_cents) == (SUB.id, 4_000)


def test_a_pause_keeps_the_paid_time() -> None:
    paused = pause(replace(SUB, valid_until=NOW + DAY), NOW)
    assert resume(paused, NOW + 10 * DAY).valid_until == NOW + 11 * DAY
    assert resume(replace(paused, valid_until=NOW - DAY), NOW + 10 * DAY).valid_until == NOW - DAY


def test_verbs_that_do_not_fit_are_refused() -> None:
    ended = terminate(SUB)
    for verb in (lambda: pause(ended, NOW), lambda: resume(SUB, NOW), lambda: terminate(ended)):
        with pytest.raises(WrongLifecycle):
            verb()


def test_addresses_leave_out_the_networks_the_routers_and_the_last_one() -> None:
    pool = IPv4Network("100.64.0.0/29")
    used = {IPv4Address("100.64.0.3")}
    assert [str(one) for one in free_addresses(pool, used, 9)] == [f"100.64.0.{n}" for n in (2, 4, 5, 6)]


@pytest.mark.parametrize("text", ["", "100.64.0.0", "100.64.0.1/22", "10.0.0.0/8", "10.0.0.0/30", "fd00::/64"])
def test_pools_that_cannot_serve_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        check_pool(text)
