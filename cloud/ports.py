"""What has several real forms: the clock, ids, and the rails that money comes by."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """Time, as `cloud.clock.SystemClock` gives it and tests set it."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        ...


class IdFactory(Protocol):
    """Makes ids that sort by their birth: `cloud.ids.new_id`, or a counter in tests."""

    def __call__(self) -> UUID:
        """Return a new id."""
        ...


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Money that a rail says has arrived. Every text in it may be hostile: a stranger typed it."""

    receipt: str
    """The rail's own id of the payment, trimmed and upper-cased."""
    amount_cents: int
    shortcode: str
    bill_reference: str
    """What the payer typed as the account; empty when the rail has no such field."""
    payer_key: str
    """Whom the rail names as payer: a full phone number (2547XXXXXXXX), its SHA-256 hex, or "" when masked."""
    payer_name: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A raw body that is no confirmation. `reason` is one sentence for staff."""

    reason: str


class PaymentRail(Protocol):
    """Reads what a rail sends; knows nothing of subscribers."""

    def parse_confirmation(self, raw: bytes, received_at: datetime) -> Confirmation | Refused:
        """Read one stored body. It never raises for anything that a stranger could have sent.

        `received_at`, when the body reached us, stands in where the body's own time is unreadable.
        """
        ...
