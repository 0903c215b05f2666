"""What agents are told of a subscription: it does not depend on now, because a site enforces expiry by itself."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud.domain.subscription import Lifecycle, Subscription

NOTHING_BOUGHT = datetime(1970, 1, 1, tzinfo=UTC)
"""The end of a right that never began. On the wire no end at all means "for ever", which is the opposite."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`until` None: never cut."""

    is_on: bool
    until: datetime | None
    up_bps: int
    down_bps: int
    outage_grace_s: int


def grant(subscription: Subscription, *, grace_s: int = 0) -> Grant:
    """Say what a subscription may use, and until when."""
    terms = subscription.terms
    is_on = subscription.lifecycle is Lifecycle.ACTIVE
    return Grant(is_on, _until(subscription, grace_s), terms.up_bps, terms.down_bps, terms.outage_grace_s)


def _until(subscription: Subscription, grace_s: int) -> datetime | None:
    if subscription.never_cut is not None:
        return None
    if subscription.valid_until is None:
        return NOTHING_BOUGHT
    return subscription.valid_until + timedelta(seconds=grace_s)
