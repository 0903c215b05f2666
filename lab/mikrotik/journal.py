"""What was written to the router and what happened on it, with wall-clock microseconds: benches read this."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

# Kept per kind; older entries fall off, numbers go on.
MAX_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class Write:
    """One write command as it was answered. `outcome` is `done`, `lost` or the trap's message."""

    n: int
    at_us: int
    connection: int
    wave: int
    tag: str
    menu: str
    verb: str
    values: dict[str, str]
    outcome: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: online, offline, denied, list-add, list-remove, rate, reboot."""

    n: int
    at_us: int
    kind: str
    facts: dict[str, str]


@dataclass(slots=True)
class ConnectionRecord:
    """One API connection. A wave is a burst of bytes that came after all earlier replies had been sent."""

    number: int
    opened_at_us: int
    user: str = ""
    address: str = ""
    tls: bool = False
    waves: int = 0
    commands: int = 0
    writes: int = 0
    closed_at_us: int | None = None
    menus: dict[str, int] = field(default_factory=dict)


class Journal:
    """Bounded records, each with a number that only grows."""

    def __init__(self) -> None:
        self._writes: deque[Write] = deque(maxlen=MAX_ENTRIES)
        self._events: deque[Event] = deque(maxlen=MAX_ENTRIES)
        self._connections: deque[ConnectionRecord] = deque(maxlen=10_000)
        self.writes_in_all = 0
        self.events_in_all = 0
        self._connections_in_all = 0

    def write(
        self, at_us: int, record: ConnectionRecord, tag: str, menu: str, verb: str,
        values: dict[str, str], outcome: str,
    ) -> None:  # fmt: skip
        """Record one write command."""
        self.writes_in_all += 1
        record.writes += 1
        self._writes.append(
            Write(self.writes_in_all, at_us, record.number, record.waves, tag, menu, verb, values, outcome)
        )

    def event(self, at_us: int, kind: str, **facts: str) -> None:
        """Record one happening."""
        self.events_in_all += 1
        self._events.append(Event(self.events_in_all, at_us, kind, facts))

    def connection(self, at_us: int, address: str, *, tls: bool) -> ConnectionRecord:
        """Begin the record of a connection."""
        self._connections_in_all += 1
        record = ConnectionRecord(self._connections_in_all, at_us, address=address, tls=tls)
        self._connections.append(record)
        return record

    def writes_after(self, n: int = 0) -> list[Write]:
        """Writes with a number above `n`."""
        return [write for write in self._writes if write.n > n]

    def events_after(self, n: int = 0, kind: str | None = None) -> list[Event]:
        """Events with a number above `n`, of one kind or all."""
        return [event for event in self._events if event.n > n and kind in (None, event.kind)]

    def connections(self) -> list[ConnectionRecord]:
        return list(self._connections)


def as_json(entry: Write | Event | ConnectionRecord) -> dict[str, Any]:
    """The shape that the control door sends."""
    return asdict(entry)
