"""Which part of which payment pays for what: the oldest payment first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Credit:
    """What is left of a payment."""

    payment_id: UUID
    left_cents: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """A part of a payment used for a sale."""

    payment_id: UUID
    sale_id: UUID
    amount_cents: int


def allocate(
    price_cents: int, sale_id: UUID, available: Sequence[Credit]
) -> tuple[tuple[Allocation, ...], tuple[Credit, ...]]:
    """Take `price_cents` from the oldest payments; return what was taken and what is left of each."""
    taken: list[Allocation] = []
    left: list[Credit] = []
    open_cents = price_cents
    for credit in sorted(available, key=lambda credit: (credit.paid_at, credit.payment_id)):
        part = min(open_cents, credit.left_cents)
        open_cents -= part
        if part:
            taken.append(Allocation(credit.payment_id, sale_id, part))
        left.append(replace(credit, left_cents=credit.left_cents - part))
    if open_cents:
        raise ValueError("the credit does not cover the price")
    return tuple(taken), tuple(left)
