"""Subscribers' traffic: can a user reach an address, and the tracked connections that outlive the rules that made
them."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.mikrotik.packets import Address, Firewall, Packet, Verdict
from lab.mikrotik.stations import Station
from lab.mikrotik.table import Row, Table
from lab.mikrotik.tables import Tables

UPLINK = "ether1"
FIRST_SOURCE_PORT = 49_152
SOURCE_PORTS = 16_000
MAX_CONNECTIONS = 100_000
_WITHOUT_PORTS = ("icmp", "icmpv6", "gre")


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer to "does a packet of this user get there"."""

    reach: bool
    by: str
    to: str
    port: int


class Traffic:
    """Packets of stations, held against the firewall as it is now."""

    def __init__(self, tables: Tables, hosts: Mapping[str, list[str]]) -> None:
        self._tables = tables
        self._hosts = hosts
        self._firewalls = {4: Firewall(tables, "ip"), 6: Firewall(tables, "ipv6")}
        self._made = 0

    def reach(self, station: Station | None, to: str, protocol: str, port: int, *, inbound: bool = False) -> Reach:
        """Whether a packet of the station passes now: on a live connection if there is one, else as a new one.
        `inbound` asks for a new connection from `to` towards it."""
        if station is None:
            return Reach(reach=False, by="offline", to=to, port=port)
        target = self._resolve(to)
        if target is None:
            return Reach(reach=False, by="name not resolved", to=to, port=port)
        source = _own_address(station, target.version)
        if source is None:
            return Reach(reach=False, by="no address" if target.version == 4 else "no IPv6 prefix", to=to, port=port)
        packet = Packet(source, target, protocol, port, station.interface, UPLINK)
        if inbound:
            verdict = self._firewalls[target.version].judge("forward", _turned(packet, state="new"))
            return Reach(reach=verdict.passes, by=verdict.by, to=to, port=port)
        live = self._live(station, packet)
        return self._over(live, packet) if live is not None else self._afresh(station, packet)

    def connect(
        self, station: Station | None, to: str, protocol: str, port: int, *, fasttracked: bool | None = None
    ) -> Row | None:
        """Open a tracked connection, if the rules let its first packet through. Whether it is fasttracked follows
        from the rules, unless it is said."""
        answer = self.reach(station, to, protocol, port)
        if not answer.reach or station is None:
            return None
        target = self._resolve(to)
        source = _own_address(station, target.version) if target is not None else None
        if target is None or source is None:
            return None
        packet = Packet(source, target, protocol, port, station.interface, UPLINK)
        if (live := self._live(station, packet)) is not None:
            return live
        return self._track(station, packet, answer, fasttracked=fasttracked)

    def _track(self, station: Station, packet: Packet, answer: Reach, *, fasttracked: bool | None) -> Row | None:
        table = self._connections(packet.target.version)
        if len(table) >= MAX_CONNECTIONS:
            return None
        self._made += 1
        here = _with_port(packet.source, packet.protocol, FIRST_SOURCE_PORT + self._made % SOURCE_PORTS)
        values = {
            "protocol": packet.protocol,
            "src-address": here,
            "dst-address": _with_port(packet.target, packet.protocol, packet.port),
            "reply-src-address": _with_port(ipaddress.ip_address(answer.to), packet.protocol, answer.port),
            "reply-dst-address": here,
            "orig-bytes": "0",
            "repl-bytes": "0",
            "seen-reply": "true",
            "assured": "true",
            "confirmed": "true",
            "dying": "false",
            "srcnat": "false",
            "dstnat": "true" if answer.to != str(packet.target) else "false",
            "fasttrack": "true" if self._is_fasttracked(packet, said=fasttracked) else "false",
        }
        if packet.protocol == "tcp":
            values["tcp-state"] = "established"
        row = table.insert(values, owner=station)
        station.rows.append((table, row))
        return row

    def _is_fasttracked(self, packet: Packet, *, said: bool | None) -> bool:
        """Either direction meeting a fasttrack rule first takes the whole connection past the firewall."""
        if said is not None:
            return said
        firewall = self._firewalls[packet.target.version]
        ways = (replace(packet, state="established"), _turned(packet, state="established"))
        return packet.protocol in ("tcp", "udp") and any(firewall.judge("forward", way).fasttracked for way in ways)

    def _over(self, live: Row, packet: Packet) -> Reach:
        to, port = _split(live.get("reply-src-address"), packet.port)
        if live.get("fasttrack") == "true":
            return Reach(reach=True, by="fasttrack", to=to, port=port)
        moved = replace(packet, state="established", target=ipaddress.ip_address(to), port=port)
        verdict = self._both_ways(moved)
        return Reach(reach=verdict.passes, by=verdict.by, to=to, port=port)

    def _afresh(self, station: Station, packet: Packet) -> Reach:
        firewall = self._firewalls[packet.target.version]
        packet, _ = firewall.translate(packet)
        to, port = str(packet.target), packet.port
        if self._is_router(station, packet.target):
            verdict = firewall.judge("input", packet)
        else:
            verdict = self._both_ways(packet)
        return Reach(reach=verdict.passes, by=verdict.by, to=to, port=port)

    def _both_ways(self, packet: Packet) -> Verdict:
        """The packet out and the answer back."""
        firewall = self._firewalls[packet.target.version]
        out = firewall.judge("forward", packet)
        if not out.passes:
            return out
        back = firewall.judge("forward", _turned(packet, state="established"))
        return out if back.passes else back

    def _live(self, station: Station, packet: Packet) -> Row | None:
        table = self._connections(packet.target.version)
        wanted = _with_port(packet.target, packet.protocol, packet.port)
        for row in table.with_value("dst-address", wanted):
            if row.owner is station and row.get("protocol") == packet.protocol:
                return row
        return None

    def _connections(self, version: int) -> Table:
        return self._tables.get("/ip/firewall/connection" if version == 4 else "/ipv6/firewall/connection")

    def _resolve(self, to: str) -> Address | None:
        try:
            return ipaddress.ip_address(to)
        except ValueError:
            addresses = self._hosts.get(to)
            return ipaddress.ip_address(addresses[0]) if addresses else None

    def _is_router(self, station: Station, target: Address) -> bool:
        if str(target) == station.local_address:
            return True
        own = (row.get("address") for row in self._tables.get("/ip/address") if row.enabled)
        return any(address.partition("/")[0] == str(target) for address in own)


def _own_address(station: Station, version: int) -> Address | None:
    if version == 4:
        return ipaddress.ip_address(station.address) if station.address else None
    if not station.prefix:
        return None
    return ipaddress.IPv6Network(station.prefix)[1]


def _turned(packet: Packet, *, state: str) -> Packet:
    """The same way back."""
    return replace(
        packet, source=packet.target, target=packet.source, came_in=packet.goes_out, goes_out=packet.came_in,
        port=packet.source_port, source_port=packet.port, state=state,
    )  # fmt: skip


def _with_port(address: Address, protocol: str, port: int) -> str:
    if protocol in _WITHOUT_PORTS:
        return str(address)
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


def _split(value: str, port: int) -> tuple[str, int]:
    """(address, port) of what `_with_port` wrote."""
    if value.startswith("["):
        address, _, number = value[1:].partition("]:")
        return address, int(number)
    address, colon, number = value.partition(":")
    return (address, int(number)) if colon and value.count(":") == 1 else (value, port)
