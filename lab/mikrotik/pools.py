"""Address pools: what they hold, what is taken of them and by whom, and the next free address."""

import ipaddress
from collections.abc import Container, Iterator

from lab.mikrotik.table import Change, Row
from lab.mikrotik.tables import Tables
from lab.mikrotik.values import split_list

MAX_CHAINED_POOLS = 16
PPP, DHCP, HOTSPOT = "PPP", "DHCP", "hotspot"


class Pools:
    """Reads /ip/pool and keeps /ip/pool/used: rows of /ppp/active take their address by themselves, everybody else
    by `take`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.get("/ip/pool")
        self._active = tables.get("/ppp/active")
        self._used = tables.get("/ip/pool/used")
        self._version = -1
        self._spans: list[tuple[str, int, int]] = []
        self._active.watchers.append(self._session_changed)

    def allocate(self, name: str, but: Container[str] = ()) -> str | None:
        """The lowest free address of a pool or of the pools chained behind it, `but` these."""
        for _ in range(MAX_CHAINED_POOLS):
            row = self._table.find(name)
            if row is None:
                return None
            for address in _addresses(row.get("ranges")):
                if address not in but and self.is_free(address):
                    return address
            name = row.get("next-pool")
        return None

    def is_free(self, address: str) -> bool:
        return not any(self._used.with_value("address", address)) and not any(
            self._active.with_value("address", address)
        )

    def take(self, address: str, owner: str, info: str) -> None:
        """Note an address as used, if it is of a pool."""
        pool = self._pool_of(address)
        if pool and not any(self._used.with_value("address", address)):
            self._used.insert({"pool": pool, "address": address, "owner": owner, "info": info})

    def release(self, address: str, owner: str) -> None:
        """The owner uses it no longer."""
        for row in list(self._used.with_value("address", address)):
            if row.get("owner") == owner:
                self._used.remove(row)

    def total(self, name: str) -> int:
        row = self._table.find(name)
        return sum(last - first + 1 for first, last in _spans(row.get("ranges"))) if row else 0

    def used(self, name: str) -> int:
        row = self._table.find(name)
        if row is None:
            return 0
        spans = list(_spans(row.get("ranges")))
        taken = (int(ipaddress.IPv4Address(used.get("address"))) for used in self._used)
        return sum(any(first <= address <= last for first, last in spans) for address in taken)

    def _pool_of(self, address: str) -> str:
        if self._version != self._table.version:
            self._version = self._table.version
            self._spans = [
                (row.get("name"), first, last) for row in self._table for first, last in _spans(row.get("ranges"))
            ]
        if not self._spans:
            return ""
        number = int(ipaddress.IPv4Address(address))
        return next((name for name, first, last in self._spans if first <= number <= last), "")

    def _session_changed(self, change: Change, row: Row) -> None:
        if change is Change.ADDED:
            self.take(row.get("address"), PPP, row.get("name"))
        elif change is Change.REMOVED:
            self.release(row.get("address"), PPP)


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
