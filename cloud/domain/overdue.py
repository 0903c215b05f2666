"""What policy says of a subscription at an instant, why, and when that will change by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cloud.domain.subscription import Lifecycle, Subscription


class OverdueState(StrEnum):
    """current: served; grace: served though unpaid; walled: only the pay page; off: nothing."""

    CURRENT = "current"
    GRACE = "grace"
    WALLED = "walled"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Overdue:
    """The verdict. `next_change_at` None: only somebody's deed will change it."""

    state: OverdueState
    reason: str
    next_change_at: datetime | None


def judge(subscription: Subscription, now: datetime, *, grace_s: int = 0) -> Overdue:
    """Judge a subscription; a pure function of it, the policy and now. At `valid_until` itself the time is over."""
    if subscription.lifecycle is not Lifecycle.ACTIVE:
        words = "paused by staff" if subscription.lifecycle is Lifecycle.PAUSED else "terminated"
        return Overdue(OverdueState.OFF, words, None)
    until = subscription.valid_until
    if subscription.never_cut is not None:
        renews_at = until if until is not None and until > now else None
        return Overdue(OverdueState.CURRENT, f"never cut: {subscription.never_cut}", renews_at)
    if until is None:
        return Overdue(OverdueState.WALLED, "nothing was bought yet", None)
    if now < until:
        return Overdue(OverdueState.CURRENT, "the paid time runs", until)
    grace_until = until + timedelta(seconds=grace_s)
    if now < grace_until:
        return Overdue(OverdueState.GRACE, "the paid time is over, the grace runs", grace_until)
    return Overdue(OverdueState.WALLED, "the paid time is over", None)
