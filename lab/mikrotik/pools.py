"""Address pools: what they hold, what live sessions have taken, and the next free address."""

import ipaddress
from collections.abc import Iterator

from lab.mikrotik.table import Change, Row
from lab.mikrotik.tables import Tables
from lab.mikrotik.values import split_list

MAX_CHAINED_POOLS = 16


class Pools:
    """Reads /ip/pool; an address is used while a row of /ppp/active has it."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.get("/ip/pool")
        self._active = tables.get("/ppp/active")

    def allocate(self, name: str) -> str | None:
        """The lowest free address of a pool or of the pools chained behind it."""
        for _ in range(MAX_CHAINED_POOLS):
            row = self._table.find(name)
            if row is None:
                return None
            for address in _addresses(row.get("ranges")):
                if not any(self._active.with_value("address", address)):
                    return address
            name = row.get("next-pool")
        return None

    def of(self, address: str) -> str | None:
        """The pool that holds this address."""
        number = int(ipaddress.IPv4Address(address))
        for row in self._table:
            if any(first <= number <= last for first, last in _spans(row.get("ranges"))):
                return row.get("name")
        return None

    def total(self, name: str) -> int:
        row = self._table.find(name)
        return sum(last - first + 1 for first, last in _spans(row.get("ranges"))) if row else 0

    def used(self, name: str) -> int:
        row = self._table.find(name)
        if row is None:
            return 0
        spans = list(_spans(row.get("ranges")))
        taken = (int(ipaddress.IPv4Address(active.get("address"))) for active in self._active)
        return sum(any(first <= address <= last for first, last in spans) for address in taken)


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


def _addresses(ranges: str) -> Iterator[str]:
    for first, last in _spans(ranges):
        for number in range(first, last + 1):
            yield str(ipaddress.IPv4Address(number))


def _spans(ranges: str) -> Iterator[tuple[int, int]]:
    """(first, last) of each part: a range, a network without its two ends, or one address."""
    for part in split_list(ranges):
        if "-" in part:
            first, last = part.split("-")
            yield int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last))
            continue
        network = ipaddress.IPv4Network(part)
        edge = 1 if network.prefixlen < 31 else 0
        yield int(network.network_address) + edge, int(network.broadcast_address) - edge
