"""Packets, what is decided of them, and membership of address lists."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lab.mikrotik.store.names import is_name
from lab.mikrotik.store.table import Change, Row, Table

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
DEFAULT = "default"
# What a packet that is asked for adds to a rule's counter: a first TCP segment with its options.
PACKET_BYTES = 60
# Addresses and networks that are kept read: thousands of subscribers ask again and again.
_KEPT_READ = 32_768


class Packet(NamedTuple):
    """What rules look at. `port` is the destination port; 0 where the protocol has none. `mac` is the sender's where
    the router sees it, `marks` what the hotspot says of it (`from-client`, `to-client`, `auth`, `local-dst`)."""

    source: Address
    target: Address
    protocol: str
    port: int
    came_in: str
    goes_out: str
    state: str = "new"
    source_port: int = 0
    translated: str = ""
    mac: str = ""
    marks: frozenset[str] = frozenset()
    to_router: bool = False


class Verdict(NamedTuple):
    """Whether it passes, and the comment (or `rule N`) of the rule that said so."""

    passes: bool
    by: str
    fasttracked: bool = False
    untracked: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided before the firewall is asked: whether it passes, why, and where it is led instead."""

    passes: bool
    by: str
    to: str = ""
    port: int = 0


class AddressLists:
    """Membership of address lists, kept in step with the table from the first question on: every session may add a
    row, so nobody may look at all."""

    def __init__(self, table: Table) -> None:
        self._table: Table | None = table
        self._taken: dict[Row, tuple[str, int, int]] = {}
        self._single: dict[str, dict[int, int]] = {}
        self._wide: dict[str, dict[Row, tuple[int, int]]] = {}

    def holds(self, name: str, address: Address) -> bool:
        if self._table is not None:
            self._begin(self._table)
        number = int(address)
        if number in self._single.get(name, ()):
            return True
        wide = self._wide.get(name)
        return wide is not None and any(first <= number <= last for first, last in wide.values())

    def _begin(self, table: Table) -> None:
        self._table = None
        for row in table:
            self._changed(Change.ADDED, row)
        table.watchers.append(self._changed)

    def _changed(self, change: Change, row: Row) -> None:
        self._drop(row)
        if change is Change.REMOVED or not row.enabled or is_name(value := row.get("address")):
            return  # of a name, the dynamic rows of its addresses count instead
        name, (first, last) = row.get("list"), span(value)
        self._taken[row] = name, first, last
        if first == last:
            numbers = self._single.setdefault(name, {})
            numbers[first] = numbers.get(first, 0) + 1
        else:
            self._wide.setdefault(name, {})[row] = first, last

    def _drop(self, row: Row) -> None:
        if (taken := self._taken.pop(row, None)) is None:
            return
        name, first, last = taken
        if first != last:
            del self._wide[name][row]
            return
        self._single[name][first] -= 1
        if not self._single[name][first]:
            del self._single[name][first]


@lru_cache(_KEPT_READ)
def address_of(text: str) -> Address:
    """An address out of its text; ValueError when it is none."""
    return ipaddress.ip_address(text)


@lru_cache(_KEPT_READ)
def span(value: str) -> tuple[int, int]:
    """First and last address of `a`, `a/n` or `a-b`, as numbers."""
    first, dash, last = value.partition("-")
    if dash:
        return int(address_of(first)), int(address_of(last))
    if "/" not in value:
        return (number := int(address_of(value))), number
    network = ipaddress.ip_network(value, strict=False)
    return int(network.network_address), int(network.broadcast_address)


def within(value: str, address: Address) -> bool:
    """Whether `a`, `a/n` or `a-b` holds an address."""
    first, last = span(value)
    return first <= int(address) <= last


def port_within(value: str, port: int) -> bool:
    """Whether `80`, `80,443` or `8000-8100` holds a port."""
    for part in value.split(","):
        first, _, last = part.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False
