"""Prepaid: money becomes credit, credit becomes paid time, one period at a time.

A payment sells one period when the account holds its price. Whatever stays is credit, and it is used by itself, again
one period at a time, when the paid time of a subscription is over: nobody is cut while we hold the price of his plan.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from cloud.domain.allocation import Allocation, Credit, allocate
from cloud.domain.subscription import Lifecycle, Subscription

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wallet:
    """A subscriber's unused payments and his subscriptions."""

    credits: tuple[Credit, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()

    @property
    def credit_cents(self) -> int:
        """What the subscriber may still spend."""
        return sum(credit.left_cents for credit in self.credits)


@dataclass(frozen=True, slots=True)
class Sale:
    """One period sold: [from_at, valid_until)."""

    id: UUID
    subscription: Subscription
    from_at: datetime
    valid_until: datetime
    allocations: tuple[Allocation, ...]

    @property
    def price_cents(self) -> int:
        """What it cost."""
        return self.subscription.terms.price_cents


def missing_cents(subscription: Subscription, credit_cents: int) -> int:
    """Return what has to be paid before the next period can be sold."""
    return max(0, subscription.terms.price_cents - credit_cents)


def after_payment(
    wallet: Wallet, now: datetime, new_id: Callable[[], UUID], *, meant: UUID | None = None
) -> tuple[Wallet, tuple[Sale, ...]]:
    """Sell one period for a payment that was just added; `meant` is the subscription that the payer named."""
    chosen = _choose(wallet, now, meant)
    if chosen is None:
        return renew_lapsed(wallet, now, new_id)
    wallet, sale = _sell(wallet, chosen, now, new_id())
    wallet, others = renew_lapsed(wallet, now, new_id)
    return wallet, (sale, *others)


def renew_lapsed(wallet: Wallet, now: datetime, new_id: Callable[[], UUID]) -> tuple[Wallet, tuple[Sale, ...]]:
    """Sell one period to each subscription without paid time, while the credit lasts."""
    sales: list[Sale] = []
    for subscription in _by_need(wallet):
        if subscription.is_lapsed(now) and missing_cents(subscription, wallet.credit_cents) == 0:
            wallet, sale = _sell(wallet, subscription, now, new_id())
            sales.append(sale)
    return wallet, tuple(sales)


def _choose(wallet: Wallet, now: datetime, meant: UUID | None) -> Subscription | None:
    """Pick what to sell to: the one meant, else a lapsed one, else (none being lapsed) the one that ends first."""
    open_ones = _by_need(wallet)
    affordable = [one for one in open_ones if missing_cents(one, wallet.credit_cents) == 0]
    named = [one for one in affordable if one.id == meant]
    lapsed = [one for one in affordable if one.is_lapsed(now)]
    nobody_waits = not any(one.is_lapsed(now) for one in open_ones)
    return next(iter(named or lapsed or (affordable if nobody_waits else ())), None)


def _by_need(wallet: Wallet) -> list[Subscription]:
    usable = (one for one in wallet.subscriptions if one.lifecycle is Lifecycle.ACTIVE)
    return sorted(usable, key=lambda one: (one.valid_until or _NEVER, one.id))


def _sell(wallet: Wallet, subscription: Subscription, now: datetime, sale_id: UUID) -> tuple[Wallet, Sale]:
    from_at = max(now, subscription.valid_until or now)
    valid_until = from_at + subscription.terms.duration
    allocations, left = allocate(subscription.terms.price_cents, sale_id, wallet.credits)
    sold = replace(subscription, valid_until=valid_until)
    others = tuple(sold if one.id == sold.id else one for one in wallet.subscriptions)
    still = tuple(credit for credit in left if credit.left_cents)
    return Wallet(still, others), Sale(sale_id, subscription, from_at, valid_until, allocations)
