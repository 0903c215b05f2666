"""Checks a batch of events before it is stored: what the cloud will never take, and where the batch fits in the
outbox."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from cloud.clock import from_micros
from cloud.db.fleet import TakenEvent
from protocol.limits import EVENT_BYTES_MAX
from protocol.messages import Event

_YEAR_2100_US = 4_102_444_800_000_000
_GENERATION_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch taken apart."""

    taken: list[TakenEvent]
    refused: list[int]


def fits(first: int, stored: int | None, outbox_low: int | None) -> bool:
    """Tell whether a batch beginning at `first` leaves no gap: an ack up to its end lets the agent delete all before
    it.

    `outbox_low` is the lowest number that the agent still holds, from its hello: everything below was acknowledged.
    """
    known = max(stored or 0, (outbox_low or 1) - 1)
    return first <= known + 1


def check(events: list[Event], new_id: Callable[[], UUID]) -> Checked:
    """Separate what can be stored from what never can."""
    taken, refused = [], []
    for event in events:
        found = _take(event, new_id)
        if found is None:
            refused.append(event.number)
        else:
            taken.append(found)
    return Checked(taken, refused)


def _take(event: Event, new_id: Callable[[], UUID]) -> TakenEvent | None:
    generation, access = event.data.get("generation"), event.data.get("access")
    data = json.dumps(event.data | {"generation": generation, "at_us": event.at, "quality": event.quality})
    if len(data) > EVENT_BYTES_MAX or "\\u0000" in data or not 0 <= event.at <= _YEAR_2100_US or event.number >= 2**63:
        return None
    return TakenEvent(
        id=new_id(),
        number=event.number,
        kind=event.kind,
        subscription_id=_uuid(event.entitlement),
        data=data,
        at=from_micros(event.at),
        generation=generation if isinstance(generation, int) and 0 <= generation < _GENERATION_MAX else None,
        access=access[:32] if isinstance(access, str) else None,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
