"""A payment's way in milliseconds, read from the timeline that the cloud shows to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.cloud_door import CloudDoor, Row

KINDS = ("payment_received", "payment_posted", "desired", "applied", "online")
_WITHIN_APPLIED = {
    "sent_at_us": "sent",
    "received_at_us": "agent received",
    "stored_at_us": "agent stored",
    "read_at_us": "router read",
    "wrote_at_us": "router wrote",
    "verified_at_us": "router read back",
}
_NAMES = {
    "payment_received": "callback received",
    "payment_posted": "posted",
    "desired": "desired state written",
    "applied": "applied told",
    "online": "online",
}


@dataclass(frozen=True, slots=True)
class Hop:
    """One station of the way and when it was passed."""

    name: str
    at_us: int


def instant_us(text: str) -> int:
    """Read an RFC 3339 instant as microseconds since 1970."""
    at = datetime.fromisoformat(text)
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def at_us(item: Row) -> int:
    """When a timeline item happened: the exact instant in its data, or else the row's own."""
    exact = item["data"].get("at_us")
    return int(exact) if exact is not None else instant_us(item["at"])


def first_of(items: Sequence[Row], kind: str, since_us: int) -> Row | None:
    """The first item of a kind at or after an instant."""
    found = [item for item in items if item["kind"] == kind and at_us(item) >= since_us]
    return min(found, key=at_us) if found else None


def hops(items: Sequence[Row], since_us: int) -> list[Hop]:
    """Every station passed since the payment left the phone, in order."""
    passed: list[Hop] = []
    for kind in KINDS:
        item = first_of(items, kind, since_us)
        if item is None:
            continue
        if kind == "applied":
            inside = {name: item["data"].get(key) for key, name in _WITHIN_APPLIED.items()}
            passed += [Hop(name, int(at)) for name, at in inside.items() if at and at >= since_us]
        passed.append(Hop(_NAMES[kind], at_us(item)))
    return sorted(passed, key=lambda hop: hop.at_us)


async def list_timeline(cloud: CloudDoor, subscriber_id: str) -> list[Row]:
    """The whole timeline of a subscriber."""
    return await cloud.list_all(f"/v1/subscribers/{subscriber_id}/timeline")
