"""Money that came in, before and after it is known whose it is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.domain.money import AMOUNT_CENTS_MAX

TEXT_MAX = 200


class BadPayment(Exception):
    """What the rail or the clerk says cannot be booked; the message says why."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; `(rail, shortcode, receipt)` is its natural key within the tenant."""

    id: UUID
    rail: str
    shortcode: str
    receipt: str
    amount_cents: int
    bill_reference: str
    payer_key: str
    payer_name: str
    paid_at: datetime
    received_at: datetime
    staff_id: UUID | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.amount_cents <= AMOUNT_CENTS_MAX:
            raise BadPayment("The amount must be at least one cent and at most ten thousand million shillings.")
        if not self.receipt or self.receipt != clean(self.receipt).upper():
            raise BadPayment("The receipt number is missing or holds characters that no receipt has.")


def clean(typed: str) -> str:
    """Make a stranger's text storable: no control characters, no broken surrogates, no endless length."""
    kept = "".join(c for c in typed[: 4 * TEXT_MAX] if c.isprintable())
    return kept.strip()[:TEXT_MAX]
