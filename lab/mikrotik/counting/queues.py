"""Which simple queues a station's packets go through: the first that matches, in order, and its parents.

Queue trees are rows only: nothing is counted or limited by them; `packet-marks`, `dst` and `time` are not looked at.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Protocol

from lab.mikrotik.fields.values import split_list
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

MAX_DEPTH = 8
Chain = tuple[Row, ...]


class Source(Protocol):
    """What of a station a queue can match."""

    interface: str
    rows: list[tuple[Table, Row]]

    @property
    def address(self) -> str: ...


@dataclass(slots=True)
class _Targets:
    """Static queues by what they aim at."""

    interfaces: dict[str, list[Row]] = field(default_factory=dict)
    networks: dict[int, dict[int, list[Row]]] = field(default_factory=dict)
    """prefix length → network number → queues"""

    def add(self, row: Row) -> None:
        for part in split_list(row.get("target")):
            try:
                network = ipaddress.ip_network(part)
            except ValueError:
                self.interfaces.setdefault(part, []).append(row)
                continue
            if network.version == 4:
                by_number = self.networks.setdefault(network.prefixlen, {})
                by_number.setdefault(int(network.network_address), []).append(row)

    def matching(self, interfaces: tuple[str, ...], address: str) -> list[Row]:
        found = [row for name in interfaces for row in self.interfaces.get(name, ())]
        if address and self.networks:
            number = int(ipaddress.IPv4Address(address))
            for length, by_number in self.networks.items():
                found += by_number.get(number >> (32 - length) << (32 - length), ())
        return found


class Queues:
    """Reads /queue/simple."""

    def __init__(self, tables: Tables) -> None:
        self.table = tables.get("/queue/simple")
        self._targets = _Targets()
        self._static_version = -1
        self._dynamic_changes = 0
        self.table.watchers.append(lambda _change, row: self._count(row))

    def _count(self, row: Row) -> None:
        if row.owner is not None:
            self._dynamic_changes += 1

    @property
    def version(self) -> int:
        """Grows when a queue that is not a session's own comes, changes or goes, and when any is moved."""
        return self.table.version - self._dynamic_changes

    def chain_of(self, station: Source, ports: tuple[str, ...]) -> Chain:
        """The queue that takes the station's packets, then its parents; empty when none does. `ports` are further
        interfaces its packets pass."""
        if self._static_version != self.version:
            self._targets = _Targets()
            for row in self.table:
                if row.owner is None and row.enabled:
                    self._targets.add(row)
            self._static_version = self.version
        own = [row for table, row in station.rows if table is self.table and row.enabled]
        static = self._targets.matching((station.interface, *ports), station.address)
        found = own + static
        if not found:
            return ()
        taken = found[0] if len(found) == 1 else self._first(found)
        return self._with_parents(taken)

    def _first(self, rows: list[Row]) -> Row:
        """The first match in order. A match below a parent stands where its topmost parent stands, and the deepest
        of that family takes the packet."""
        families: dict[Row, list[Row]] = {}
        for row in rows:
            families.setdefault(self._with_parents(row)[-1], []).append(row)
        first = next(row for row in self.table if row in families)
        depth = {row: len(self._with_parents(row)) for row in families[first]}
        deepest = [row for row in depth if depth[row] == max(depth.values())]
        return deepest[0] if len(deepest) == 1 else next(row for row in self.table if row in deepest)

    def _with_parents(self, row: Row) -> Chain:
        chain = [row]
        while (name := chain[-1].get("parent")) not in ("", "none") and len(chain) < MAX_DEPTH:
            parent = self.table.find(name)
            if parent is None or parent in chain:
                break
            chain.append(parent)
        return tuple(chain)


def limit_of(chain: Chain) -> tuple[int, int]:
    """(up, down) in bits per second that a station gets through its queues; 0 is no limit. Sharing of a queue by
    several stations is not modelled: each may use the whole of it."""
    limits = [tuple(map(int, row.get("max-limit").split("/"))) for row in chain if row.enabled]
    ups = [pair[0] for pair in limits if pair[0]]
    downs = [pair[1] for pair in limits if pair[1]]
    return min(ups, default=0), min(downs, default=0)
