"""Packets, what is decided of them, and membership of address lists."""

import ipaddress
from dataclasses import dataclass

from lab.mikrotik.store.names import is_name
from lab.mikrotik.store.table import Table

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
DEFAULT = "default"
# What a packet that is asked for adds to a rule's counter: a first TCP segment with its options.
PACKET_BYTES = 60


@dataclass(frozen=True, slots=True)
class Packet:
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


@dataclass(frozen=True, slots=True)
class Verdict:
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
    """Membership of address lists, kept until the table changes."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._version = -1
        self._single: dict[str, set[str]] = {}
        self._wide: dict[str, list[tuple[int, int]]] = {}

    def holds(self, name: str, address: Address) -> bool:
        self._refresh()
        if str(address) in self._single.get(name, ()):
            return True
        number = int(address)
        return any(first <= number <= last for first, last in self._wide.get(name, ()))

    def _refresh(self) -> None:
        if self._version == self._table.version:
            return
        self._version = self._table.version
        self._single, self._wide = {}, {}
        for row in self._table:
            if row.enabled:
                self._take(row.get("list"), row.get("address"))

    def _take(self, name: str, value: str) -> None:
        if is_name(value):
            return  # the dynamic rows of its addresses count instead
        if "/" in value or "-" in value:
            self._wide.setdefault(name, []).append(span(value))
        else:
            self._single.setdefault(name, set()).add(value)


def span(value: str) -> tuple[int, int]:
    """First and last address of `a`, `a/n` or `a-b`, as numbers."""
    first, dash, last = value.partition("-")
    if dash:
        return int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
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
