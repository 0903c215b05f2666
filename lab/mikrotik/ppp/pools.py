"""Address pools: what they hold, what is taken, and the next free address without looking at all that are not."""

import heapq
import ipaddress
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lab.mikrotik.fields.values import split_list
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.store.tables import Tables

MAX_CHAINED_POOLS = 16
# Prefixes of one pool that are looked through: a /32 of /64s would be looked through for ever.
MAX_PREFIXES = 65_536


@dataclass(slots=True)
class _Cursor:
    """How far one pool has been given out, and what came back since."""

    ranges: str
    spans: list[tuple[int, int]]
    upcoming: Iterator[int]
    reached: set[int] = field(default_factory=set)
    heap: list[int] = field(default_factory=list)
    queue: deque[int] = field(default_factory=deque)

    def put_back(self, number: int, *, lowest: bool) -> None:
        if number not in self.reached:
            return
        if lowest:
            heapq.heappush(self.heap, number)
        else:
            self.queue.append(number)

    def candidates(self, *, lowest: bool) -> Iterator[int]:
        while self.heap:
            yield heapq.heappop(self.heap)
        if not lowest:
            yield from self._fresh()
        while self.queue:
            yield self.queue.popleft()
        yield from self._fresh()

    def _fresh(self) -> Iterator[int]:
        for number in self.upcoming:
            self.reached.add(number)
            yield number


class Pools:
    """Reads /ip/pool; an address is used while a row of /ppp/active has it, or while somebody holds it."""

    def __init__(self, tables: Tables, *, lowest: bool = True) -> None:
        self._tables = tables
        self._table = tables.get("/ip/pool")
        self._active = tables.get("/ppp/active")
        self._lowest = lowest
        self._held: dict[str, int] = {}
        self._cursors: dict[str, _Cursor] = {}
        self._active.watchers.append(self._when_active_changes)

    def allocate(self, name: str) -> str | None:
        """A free address of a pool or of the pools chained behind it."""
        found = self.allocate_from(name)
        return None if found is None else found[0]

    def allocate_from(self, name: str) -> tuple[str, str] | None:
        """(address, the pool it came from)."""
        for _ in range(MAX_CHAINED_POOLS):
            row = self._table.find(name)
            if row is None:
                return None
            cursor = self._cursor(row)
            for number in cursor.candidates(lowest=self._lowest):
                address = _text(number)
                if self.is_free(address):
                    cursor.put_back(number, lowest=self._lowest)  # should nobody take it after all
                    return address, row.get("name")
            name = row.get("next-pool")
        return None

    def of(self, address: str) -> str | None:
        """The pool that holds this address."""
        number = _number(address)
        for row in self._table:
            if any(first <= number <= last for first, last in self._cursor(row).spans):
                return row.get("name")
        return None

    def is_free(self, address: str) -> bool:
        return address not in self._held and not any(self._active.with_value("address", address))

    def hold(self, address: str) -> None:
        """Somebody beside the PPP sessions uses this address (a lease, a hotspot host, the near end of a session)."""
        self._held[address] = self._held.get(address, 0) + 1

    def release(self, address: str) -> None:
        """He uses it no more; nothing when he never did."""
        left = self._held.pop(address, 0) - 1
        if left > 0:
            self._held[address] = left
        elif left == 0:
            self._put_back(address)

    def total(self, name: str) -> int:
        row = self._table.find(name)
        return sum(last - first + 1 for first, last in self._cursor(row).spans) if row else 0

    def used(self, name: str) -> int:
        row = self._table.find(name)
        if row is None:
            return 0
        spans = self._cursor(row).spans
        taken = {active.get("address") for active in self._active} | self._held.keys()
        numbers = (_number(address) for address in taken if address)
        return sum(any(first <= number <= last for first, last in spans) for number in numbers)

    def allocate_prefix(self, name: str) -> str:
        """The lowest free prefix of an IPv6 pool, empty when there is none."""
        row = self._tables.get("/ipv6/pool").find(name)
        if row is None:
            return ""
        whole, used = ipaddress.IPv6Network(row.get("prefix")), self._tables.get("/ipv6/pool/used")
        length = max(whole.prefixlen, int(row.get("prefix-length")))
        for network in islice(whole.subnets(new_prefix=length), MAX_PREFIXES):
            if not any(used.with_value("prefix", str(network))):
                return str(network)
        return ""

    def _cursor(self, row: Row) -> _Cursor:
        name, ranges = row.get("name"), row.get("ranges")
        cursor = self._cursors.get(name)
        if cursor is None or cursor.ranges != ranges:
            spans = list(_spans(ranges))
            numbers = (number for first, last in spans for number in range(first, last + 1))
            cursor = self._cursors[name] = _Cursor(ranges, spans, numbers)
        return cursor

    def _when_active_changes(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._put_back(row.get("address"))

    def _put_back(self, address: str) -> None:
        number = _number(address)
        for cursor in self._cursors.values():
            cursor.put_back(number, lowest=self._lowest)


def used_by_sessions(tables: Tables, pools: Pools) -> None:
    """Keep /ip/pool/used in step with /ppp/active: a row for every address that came out of a pool."""
    used = tables.get("/ip/pool/used")

    def changed(change: Change, row: Row) -> None:
        address = row.get("address")
        if change is Change.ADDED and (pool := pools.of(address)) is not None:
            used.insert({"pool": pool, "address": address, "owner": "PPP", "info": row.get("name")}, owner=row)
        elif change is Change.REMOVED:
            for taken in [each for each in used.with_value("address", address) if each.owner is row]:
                used.remove(taken)

    tables.get("/ppp/active").watchers.append(changed)


def _spans(ranges: str) -> Iterator[tuple[int, int]]:
    """(first, last) of each part: a range, a network without its two ends, or one address."""
    for part in split_list(ranges):
        if "-" in part:
            first, last = part.split("-")
            yield _number(first), _number(last)
            continue
        network = ipaddress.IPv4Network(part)
        edge = 1 if network.prefixlen < 31 else 0
        yield int(network.network_address) + edge, int(network.broadcast_address) - edge


def _number(address: str) -> int:
    """A checked IPv4 address as a number; thousands of dials have no time for ipaddress."""
    first, second, third, fourth = address.split(".")
    return int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth)


def _text(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
