"""What is offered: the terms of one immutable plan version."""

from dataclasses import dataclass
from datetime import timedelta

from cloud.domain.money import AMOUNT_CENTS_MAX

DURATION_S_MAX = 3 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A price for a duration at a speed, named from the subscriber's side."""

    price_cents: int
    duration_s: int
    up_bps: int
    down_bps: int
    outage_grace_s: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.price_cents <= AMOUNT_CENTS_MAX:
            raise ValueError("a plan needs a price of at least one cent")
        if not 0 < self.duration_s <= DURATION_S_MAX:
            raise ValueError("a plan lasts from one second to three years")
        if not (1_000 <= self.up_bps <= 100_000_000_000 and 1_000 <= self.down_bps <= 100_000_000_000):
            raise ValueError("a plan's speed lies between 1 kbit/s and 100 Gbit/s each way")
        if not 0 <= self.outage_grace_s <= 30 * 86_400:
            raise ValueError("a plan's outage grace is at most 30 days")

    @property
    def duration(self) -> timedelta:
        """How long one sold period lasts: elapsed time, so that month ends do not matter."""
        return timedelta(seconds=self.duration_s)
