"""Stations: whatever sends packets from the access network, be it a PPPoE session or a host on the wire."""

from collections.abc import Callable
from typing import Protocol

from lab.mikrotik.ppp.sessions import Session, Sessions
from lab.mikrotik.store.table import Row, Table

# What a counted packet carries at most; a router's counters show whole packets.
PACKET_BYTES = 1_500


class Station(Protocol):
    """Something on the access network that can be asked for by name.

    `mac` is in capitals; `address` is empty while it has none, `prefix` where it has no IPv6; `interface` is where
    its packets come in, `local_address` the router's address towards it. `rows` die with it.
    """

    interface: str
    bytes_up: int
    bytes_down: int
    packets_up: int
    packets_down: int
    ended: bool
    rows: list[tuple[Table, Row]]

    @property
    def name(self) -> str: ...

    @property
    def mac(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def local_address(self) -> str: ...

    @property
    def prefix(self) -> str: ...


class Source(Protocol):
    """One kind of station: all of them, and the one meant by a name, a MAC or an address."""

    def all(self) -> list[Station]: ...

    def find(self, who: str) -> Station | None: ...


class Dialled:
    """PPPoE sessions as stations: by user, by the modem's MAC, by address (the newest where several fit)."""

    def __init__(self, sessions: Sessions, active: Table) -> None:
        self._sessions = sessions
        self._active = active

    def all(self) -> list[Station]:
        return list(self._sessions.all())

    def find(self, who: str) -> Station | None:
        for field, value in (("name", who), ("caller-id", who.upper()), ("address", who)):
            rows = list(self._active.with_value(field, value))
            if rows and isinstance(rows[-1].owner, Session):
                return rows[-1].owner
        return None


class Stations:
    """Every station of the router, whatever its kind; the first source that knows a name wins."""

    def __init__(self, *sources: Source) -> None:
        self._sources = list(sources)
        self.on_carry: list[Callable[[Station], None]] = []
        """Told after a station's counters grew."""

    def add(self, source: Source) -> None:
        """One more kind of station."""
        self._sources.append(source)

    def all(self) -> list[Station]:
        return [station for source in self._sources for station in source.all()]

    def find(self, who: str) -> Station | None:
        """The station of this PPP user, host name, MAC or IPv4 address."""
        for source in self._sources:
            if (station := source.find(who)) is not None:
                return station
        return None

    def carry(self, station: Station, up_bytes: int, down_bytes: int) -> None:
        """Count traffic: `up` is what the station sends."""
        station.bytes_up += up_bytes
        station.bytes_down += down_bytes
        station.packets_up += -(-up_bytes // PACKET_BYTES)
        station.packets_down += -(-down_bytes // PACKET_BYTES)
        for tell in tuple(self.on_carry):
            tell(station)
