"""A subscriber's right to a plan, and what staff may do with it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cloud.domain.plan import PlanTerms


class Lifecycle(StrEnum):
    """Where a subscription stands; terminated is the end."""

    ACTIVE = "active"
    PAUSED = "paused"
    TERMINATED = "terminated"


class WrongLifecycle(Exception):
    """The verb does not fit where the subscription stands."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the rules need to know of a subscription. `valid_until` None: nothing was bought yet."""

    id: UUID
    terms: PlanTerms
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    valid_until: datetime | None = None
    paused_at: datetime | None = None
    never_cut: str | None = None

    def is_lapsed(self, now: datetime) -> bool:
        """Say whether it is there to be used but has no paid time."""
        return self.lifecycle is Lifecycle.ACTIVE and (self.valid_until is None or self.valid_until <= now)


def pause(subscription: Subscription, now: datetime) -> Subscription:
    """Stop the service and the clock of the paid time."""
    if subscription.lifecycle is not Lifecycle.ACTIVE:
        raise WrongLifecycle(f"It is {subscription.lifecycle} already. Only an active subscription can be paused.")
    return replace(subscription, lifecycle=Lifecycle.PAUSED, paused_at=now)


def resume(subscription: Subscription, now: datetime) -> Subscription:
    """Go on, with as much paid time as was left when it was paused."""
    if subscription.lifecycle is not Lifecycle.PAUSED or subscription.paused_at is None:
        raise WrongLifecycle(f"It is {subscription.lifecycle}. Only a paused subscription can be resumed.")
    until = subscription.valid_until
    if until is not None and until > subscription.paused_at:
        until += max(now, subscription.paused_at) - subscription.paused_at
    return replace(subscription, lifecycle=Lifecycle.ACTIVE, paused_at=None, valid_until=until)


def terminate(subscription: Subscription) -> Subscription:
    """End it for good."""
    if subscription.lifecycle is Lifecycle.TERMINATED:
        raise WrongLifecycle("It is terminated already. Make a new subscription instead.")
    return replace(subscription, lifecycle=Lifecycle.TERMINATED, paused_at=None)
