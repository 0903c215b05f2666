"""Does a packet pass: address lists, filter rules in their order, NAT on the first packet, fasttrack past them all."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace

from lab.mikrotik.menus.firewall import OTHER_MATCHERS
from lab.mikrotik.names import is_name
from lab.mikrotik.table import Row, Table
from lab.mikrotik.tables import Tables

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_JUMPS = 16
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Packet:
    """What rules look at. `port` is the destination port; 0 where the protocol has none."""

    source: Address
    target: Address
    protocol: str
    port: int
    came_in: str
    goes_out: str
    state: str = "new"
    source_port: int = 0
    translated: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it passes, and the comment (or `rule N`) of the rule that said so."""

    passes: bool
    by: str
    fasttracked: bool = False


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


class Firewall:
    """The rules of one address family."""

    def __init__(self, tables: Tables, family: str) -> None:
        self._filter = tables.get(f"/{family}/firewall/filter")
        self._nat = tables.get("/ip/firewall/nat") if family == "ip" else None
        self._members = tables.get("/interface/list/member")
        self._lists = AddressLists(tables.get(f"/{family}/firewall/address-list"))

    def judge(self, chain: str, packet: Packet) -> Verdict:
        """Walk the filter; what no rule decides passes."""
        track = _Track()
        verdict = self._walk(chain, packet, track, 0)
        if verdict is None:
            verdict = Verdict(passes=True, by=DEFAULT)
        return replace(verdict, fasttracked=track.fasttracked)

    def _walk(self, chain: str, packet: Packet, track: "_Track", depth: int) -> Verdict | None:
        if depth > MAX_JUMPS:
            return None
        for position, rule in enumerate(self._filter):
            if rule.get("chain") != chain or not rule.enabled or not self._matches(rule, packet):
                continue
            action = rule.get("action")
            if action == "return":
                return None
            if action == "fasttrack-connection":
                track.fasttracked = True
            verdict = _decided(action, rule.get("comment") or f"rule {position}")
            if action == "jump":
                verdict = self._walk(rule.get("jump-target"), packet, track, depth + 1)
            if verdict is not None:
                return verdict
        return None

    def translate(self, packet: Packet) -> tuple[Packet, str]:
        """Destination NAT of a connection's first packet: (packet, comment of the rule or empty)."""
        for rule in self._nat or ():
            if rule.get("chain") != "dstnat" or not rule.enabled or not self._matches(rule, packet):
                continue
            action = rule.get("action")
            if action in ("accept", "return"):
                break
            if action in ("dst-nat", "redirect"):
                return _translated(rule, packet), rule.get("comment")
        return packet, ""

    def _matches(self, rule: Row, packet: Packet) -> bool:
        """All matchers of the rule hold. A matcher that is not modelled never holds."""
        values = rule.values
        if not OTHER_MATCHERS.isdisjoint(values):
            return False
        for name, check in _CHECKS.items():
            wanted = values.get(name)
            if wanted is None:
                continue
            negated = wanted.startswith("!")
            if check(self, wanted[1:] if negated else wanted, packet) == negated:
                return False
        return True

    def in_list(self, name: str, address: Address) -> bool:
        return self._lists.holds(name, address)

    def in_interface_list(self, name: str, interface: str) -> bool:
        if name in ("all", "dynamic") and (name == "all" or interface.startswith("<")):
            return True
        rows = self._members.with_value("list", name)
        return any(row.get("interface") == interface and row.enabled for row in rows)


@dataclass(slots=True)
class _Track:
    fasttracked: bool = False


def _decided(action: str, by: str) -> Verdict | None:
    if action == "accept":
        return Verdict(passes=True, by=by)
    return Verdict(passes=False, by=by) if action in ("drop", "reject", "tarpit") else None


def _within(value: str, address: Address) -> bool:
    first, last = span(value)
    return first <= int(address) <= last


def _port_within(value: str, port: int) -> bool:
    for part in value.split(","):
        first, _, last = part.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False


def _translated(rule: Row, packet: Packet) -> Packet:
    port = rule.get("to-ports").split("-")[0]
    to = rule.get("to-addresses").split("-")[0].split("/")[0]
    return replace(
        packet,
        target=ipaddress.ip_address(to) if to else packet.target,
        port=int(port) if port else packet.port,
        translated="dstnat",
    )


_CHECKS: dict[str, Callable[[Firewall, str, Packet], bool]] = {
    "connection-state": lambda _, value, packet: packet.state in value.split(","),
    "protocol": lambda _, value, packet: value == packet.protocol,
    "src-address": lambda _, value, packet: _within(value, packet.source),
    "dst-address": lambda _, value, packet: _within(value, packet.target),
    "src-address-list": lambda firewall, value, packet: firewall.in_list(value, packet.source),
    "dst-address-list": lambda firewall, value, packet: firewall.in_list(value, packet.target),
    "src-port": lambda _, value, packet: _port_within(value, packet.source_port),
    "dst-port": lambda _, value, packet: _port_within(value, packet.port),
    "in-interface": lambda _, value, packet: value == packet.came_in,
    "out-interface": lambda _, value, packet: value == packet.goes_out,
    "in-interface-list": lambda firewall, value, packet: firewall.in_interface_list(value, packet.came_in),
    "out-interface-list": lambda firewall, value, packet: firewall.in_interface_list(value, packet.goes_out),
    "connection-nat-state": lambda _, value, packet: packet.translated in value.split(","),
}
