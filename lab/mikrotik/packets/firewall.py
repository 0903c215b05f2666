"""Does a packet pass: raw, mangle, filter and NAT rules in their order, each counting what it met."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.mikrotik.fields.values import split_list
from lab.mikrotik.menus.firewall import OTHER_MATCHERS
from lab.mikrotik.packets.packets import (
    DEFAULT,
    PACKET_BYTES,
    Address,
    AddressLists,
    Packet,
    Verdict,
    address_of,
    port_within,
    within,
)
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

MAX_JUMPS = 16
_BUILT_IN_LISTS = ("all", "none", "dynamic", "static")
_KINDS = {"all-ppp": "<", "all-ethernet": "ether", "all-vlan": "vlan", "all-wireless": "wlan"}
_TO_LIST = {"add-src-to-address-list": "source", "add-dst-to-address-list": "target"}


class Firewall:
    """The rules of one address family."""

    def __init__(self, tables: Tables, family: str, stamp: Callable[[], str] = lambda: "") -> None:
        self._filter = tables.get(f"/{family}/firewall/filter")
        self._raw = _table(tables, f"/{family}/firewall/raw")
        self._mangle = _table(tables, f"/{family}/firewall/mangle")
        self._nat = _table(tables, f"/{family}/firewall/nat")
        self._interface_lists = tables.get("/interface/list")
        self._members = tables.get("/interface/list/member")
        self._listed = tables.get(f"/{family}/firewall/address-list")
        self._lists = AddressLists(self._listed)
        self._stamp = stamp
        self._read: dict[str, tuple[int, dict[str, list[_Rule]]]] = {}

    def judge(self, chain: str, packet: Packet, *, count: bool = True) -> Verdict:
        """Walk mangle and the filter; what no rule decides passes."""
        track = _Track(count=count)
        self._walk(self._mangle, chain, packet, track, 0)
        verdict = self._walk(self._filter, chain, packet, track, 0) or Verdict(passes=True, by=DEFAULT)
        return verdict._replace(fasttracked=track.fasttracked)

    def before_routing(self, packet: Packet) -> Verdict:
        """Walk raw, then mangle's prerouting: what raw drops was never there."""
        track = _Track()
        verdict = self._walk(self._raw, "prerouting", packet, track, 0) or Verdict(passes=True, by=DEFAULT)
        if verdict.passes:
            self._walk(self._mangle, "prerouting", packet, track, 0)
        return verdict._replace(untracked=track.untracked)

    def count_fasttracked(self) -> None:
        """A packet went past everything: only the dummy rule that is none counts it."""
        for rule in self._filter:
            if rule.dynamic and rule.get("action") == "passthrough":
                _count(rule)
                return

    def translate(self, packet: Packet, here: str) -> tuple[Packet, str]:
        """Destination NAT of a connection's first packet: (packet, comment of the rule or empty). `here` is the
        router's address towards the sender, where `redirect` leads."""
        for rule in self._nat_rules("dstnat", packet, 0):
            action = rule.get("action")
            if action in ("accept", "return"):
                break
            if action in ("dst-nat", "redirect"):
                return _translated(rule, packet, here), rule.get("comment")
        return packet, ""

    def is_source_translated(self, packet: Packet) -> bool:
        """Whether source NAT takes a connection's first packet on its way out."""
        actions = (rule.get("action") for rule in self._nat_rules("srcnat", packet, 0))
        first = next((action for action in actions if action not in ("log", "passthrough", *_TO_LIST)), "")
        return first in ("masquerade", "src-nat", "same", "netmap")

    def _nat_rules(self, chain: str, packet: Packet, depth: int) -> list[Row]:
        """Rules of a NAT chain that match, jumps followed, in order."""
        met: list[Row] = []
        for _, rule, matchers in self._rules(self._nat, chain) if depth <= MAX_JUMPS else ():
            if not self._matches(matchers, packet):
                continue
            _count(rule)
            if rule.get("action") == "jump":
                met += self._nat_rules(rule.get("jump-target"), packet, depth + 1)
            elif rule.get("action") == "return" and depth:
                break
            else:
                met.append(rule)
                if rule.get("action") not in ("log", "passthrough", *_TO_LIST):
                    break
        return met

    def _walk(self, table: Table | None, chain: str, packet: Packet, track: "_Track", depth: int) -> Verdict | None:
        if depth > MAX_JUMPS:
            return None
        for position, rule, matchers in self._rules(table, chain):
            if not self._matches(matchers, packet):
                continue
            action = rule.get("action")
            if track.count:
                _count(rule)
                self._put_on_list(rule, action, packet)
            if action == "return":
                return None
            track.fasttracked |= action == "fasttrack-connection"
            track.untracked |= action == "notrack"
            verdict = _decided(action, rule.get("comment") or f"rule {position}")
            if action == "jump":
                verdict = self._walk(table, rule.get("jump-target"), packet, track, depth + 1)
            if verdict is not None:
                return verdict
        return None

    def _put_on_list(self, rule: Row, action: str, packet: Packet) -> None:
        """`add-src-to-address-list` and its sister: a dynamic row, unless the address is on the list."""
        side, name = _TO_LIST.get(action), rule.get("address-list")
        if side is None or not name:
            return
        address = packet.source if side == "source" else packet.target
        if self._lists.holds(name, address):
            return
        timeout = rule.get("address-list-timeout") or "none-dynamic"
        values = {"list": name, "address": str(address), "disabled": "false", "creation-time": self._stamp()}
        values["dynamic"] = "false" if timeout == "none-static" else "true"
        self._listed.insert(values if timeout.startswith("none") else values | {"timeout": timeout})

    def _rules(self, table: Table | None, chain: str) -> list["_Rule"]:
        """Rules of one chain that can match at all, read once until the table changes."""
        if table is None:
            return []
        version, chains = self._read.get(table.menu.path, (-1, {}))
        if version != table.version:
            chains = {}
            for position, rule in enumerate(table):
                if not rule.dynamic and rule.enabled and OTHER_MATCHERS.isdisjoint(rule.values):
                    chains.setdefault(rule.get("chain"), []).append((position, rule, _matchers(rule)))
            self._read[table.menu.path] = table.version, chains
        return chains.get(chain, [])

    def _matches(self, matchers: list["_Matcher"], packet: Packet) -> bool:
        """All matchers of a rule hold."""
        return all(check(self, wanted, packet) != negated for check, wanted, negated in matchers)

    def in_list(self, name: str, address: Address) -> bool:
        return self._lists.holds(name, address)

    def in_interface_list(self, name: str, interface: str) -> bool:
        """Members, less those of `exclude`, more those of `include`; the built-in lists by what an interface is."""
        return self._is_member(name, interface, 0)

    def _is_member(self, name: str, interface: str, depth: int) -> bool:
        if name in _BUILT_IN_LISTS:
            return name == "all" or ((name == "dynamic") == interface.startswith("<") and name != "none")
        rows = self._members.with_value("list", name)
        if any(row.get("interface") == interface and row.enabled for row in rows):
            return True
        whole = self._interface_lists.find(name)
        if whole is None or depth > MAX_JUMPS:
            return False
        excluded, included = (split_list(whole.get(part)) for part in ("exclude", "include"))
        if any(self._is_member(other, interface, depth + 1) for other in excluded):
            return False
        return any(self._is_member(other, interface, depth + 1) for other in included)


@dataclass(slots=True)
class _Track:
    count: bool = True
    fasttracked: bool = False
    untracked: bool = False


def firewalls(tables: Tables, stamp: Callable[[], str]) -> dict[int, Firewall]:
    """By the version of IP."""
    return {4: Firewall(tables, "ip", stamp), 6: Firewall(tables, "ipv6", stamp)}


def reset_counters(rule: Row) -> None:
    """As if the rule had met nothing yet."""
    rule.values["packets"] = rule.values["bytes"] = "0"


def _matchers(rule: Row) -> list["_Matcher"]:
    """What a rule asks of a packet: (check, value, whether it is negated)."""
    found: list[_Matcher] = []
    for name, check in _CHECKS.items():
        wanted = rule.values.get(name)
        if wanted is not None:
            negated = wanted.startswith("!")
            found.append((check, wanted[1:] if negated else wanted, negated))
    marks = rule.values.get("hotspot")
    if marks is not None:
        found.append((_has_marks, marks, False))
    return found


def _has_marks(_firewall: Firewall, marks: str, packet: Packet) -> bool:
    return all(_is_marked(mark, packet) for mark in marks.split(","))


def _table(tables: Tables, path: str) -> Table | None:
    return tables.get(path) if tables.has(path) else None


def _count(rule: Row) -> None:
    """Straight into the row: a counter is no change that a listener hears of."""
    values = rule.values
    values["packets"] = str(int(values.get("packets") or 0) + 1)
    values["bytes"] = str(int(values.get("bytes") or 0) + PACKET_BYTES)


def _decided(action: str, by: str) -> Verdict | None:
    if action in ("accept", "notrack"):
        return Verdict(passes=True, by=by)
    return Verdict(passes=False, by=by) if action in ("drop", "reject", "tarpit") else None


def _is_marked(mark: str, packet: Packet) -> bool:
    """One of the parts of `hotspot=from-client,!auth`, each negated by itself."""
    return mark[1:] not in packet.marks if mark.startswith("!") else mark in packet.marks


def _is_interface(value: str, interface: str) -> bool:
    """An interface by name, or one of a kind (`all-ppp`, `all-ethernet`) by how the model names its own."""
    stem = _KINDS.get(value)
    return value == interface if stem is None else interface.startswith(stem)


def _is_of_type(value: str, packet: Packet) -> bool:
    kind = "local" if packet.to_router else "multicast" if packet.target.is_multicast else "unicast"
    return kind in value.split(",")


def _translated(rule: Row, packet: Packet, here: str) -> Packet:
    port = rule.get("to-ports").split("-")[0]
    to = rule.get("to-addresses").split("-")[0].split("/")[0] or (here if rule.get("action") == "redirect" else "")
    return packet._replace(
        target=address_of(to) if to else packet.target,
        port=int(port) if port else packet.port,
        translated="dstnat",
    )


_Check = Callable[[Firewall, str, Packet], bool]
_Matcher = tuple[_Check, str, bool]
_Rule = tuple[int, Row, list[_Matcher]]
_CHECKS: dict[str, _Check] = {
    "connection-state": lambda _, value, packet: packet.state in value.split(","),
    "protocol": lambda _, value, packet: value == packet.protocol,
    "src-address": lambda _, value, packet: within(value, packet.source),
    "dst-address": lambda _, value, packet: within(value, packet.target),
    "src-address-list": lambda firewall, value, packet: firewall.in_list(value, packet.source),
    "dst-address-list": lambda firewall, value, packet: firewall.in_list(value, packet.target),
    "src-port": lambda _, value, packet: port_within(value, packet.source_port),
    "dst-port": lambda _, value, packet: port_within(value, packet.port),
    "port": lambda _, value, packet: port_within(value, packet.port) or port_within(value, packet.source_port),
    "in-interface": lambda _, value, packet: _is_interface(value, packet.came_in),
    "out-interface": lambda _, value, packet: _is_interface(value, packet.goes_out),
    "in-interface-list": lambda firewall, value, packet: firewall.in_interface_list(value, packet.came_in),
    "out-interface-list": lambda firewall, value, packet: firewall.in_interface_list(value, packet.goes_out),
    "connection-nat-state": lambda _, value, packet: packet.translated in value.split(","),
    "src-mac-address": lambda _, value, packet: value.upper() == packet.mac,
    "dst-address-type": lambda _, value, packet: _is_of_type(value, packet),
}
