"""Subscribers' traffic: can a station reach an address, and the tracked connections that outlive the rules that made
them."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lab.mikrotik.packets.firewall import Firewall
from lab.mikrotik.packets.own_addresses import OwnAddresses
from lab.mikrotik.packets.packets import Address, Packet, Ruling, Verdict, address_of
from lab.mikrotik.packets.stations import Station
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

UPLINK = "ether1"
FIRST_SOURCE_PORT = 49_152
SOURCE_PORTS = 16_000
MAX_CONNECTIONS = 100_000
_WITHOUT_PORTS = ("icmp", "icmpv6", "gre")


class Gate(Protocol):
    """What stands between the wire and the firewall: ARP, and the hotspot."""

    def hears(self, station: Station) -> None:
        """A packet of the station came in."""

    def source(self, station: Station) -> str:
        """The IPv4 address its packets have behind the gate; empty while it has none."""

    def marks(self, station: Station) -> frozenset[str]:
        """What the matcher `hotspot` sees of its packets."""

    def ruling(self, station: Station, packet: Packet, asked: str) -> Ruling | None:
        """What is decided before the firewall is asked."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer to "does a packet of this user get there"."""

    reach: bool
    by: str
    to: str
    port: int


class Traffic:
    """Packets of stations, held against gate and firewall as they are now."""

    def __init__(
        self, tables: Tables, hosts: Mapping[str, list[str]], firewalls: Mapping[int, Firewall], gate: Gate
    ) -> None:
        self._tables = tables
        self._hosts = hosts
        self._firewalls = firewalls
        self._gate = gate
        self._own = OwnAddresses(tables.get("/ip/address"))
        self._made = 0

    def reach(self, station: Station | None, to: str, protocol: str, port: int, *, inbound: bool = False) -> Reach:
        """Whether a packet of the station passes now: on a live connection if there is one, else as a new one.
        `inbound` asks for a new connection from `to` towards it."""
        packet = self._packet(station, to, protocol, port, heard=not inbound)
        if station is None or isinstance(packet, str):
            return Reach(reach=False, by=str(packet), to=to, port=port)
        if inbound:
            verdict = self._inwards(station, packet, to)
            return Reach(reach=verdict.passes, by=verdict.by, to=to, port=port)
        live = self._live(station, packet)
        return self._afresh(station, packet, to) if live is None else self._over(live, station, packet, to)

    def connect(
        self, station: Station | None, to: str, protocol: str, port: int, *, fasttracked: bool | None = None
    ) -> Row | None:
        """Open a tracked connection, if the rules let its first packet through. Whether it is fasttracked follows
        from the rules, unless it is said."""
        answer = self.reach(station, to, protocol, port)
        packet = self._packet(station, to, protocol, port, heard=False)
        if not answer.reach or station is None or isinstance(packet, str):
            return None
        if (live := self._live(station, packet)) is not None:
            return live
        return self._track(station, packet, answer, fasttracked=fasttracked)

    def _packet(self, station: Station | None, to: str, protocol: str, port: int, *, heard: bool) -> Packet | str:
        """The station's packet, or why there can be none."""
        if station is None or station.ended:
            return "offline"
        if heard:
            self._gate.hears(station)
        target = self._resolve(to)
        if target is None:
            return "name not resolved"
        source = self._source(station, target.version)
        if source is None:
            return "no address" if target.version == 4 else "no IPv6 prefix"
        to_router = self._is_router(station, target)
        marks = self._gate.marks(station)
        if marks and to_router:
            marks |= {"local-dst"}
        return Packet(
            source, target, protocol, port, station.interface, self._way_out(target, to_router=to_router),
            mac=station.mac, marks=marks, to_router=to_router,
        )  # fmt: skip

    # -- connections --------------------------------------------------------------------------------------------

    def _track(self, station: Station, packet: Packet, answer: Reach, *, fasttracked: bool | None) -> Row | None:
        table = self._connections(packet.target.version)
        if len(table) >= MAX_CONNECTIONS:
            return None
        self._made += 1
        port = FIRST_SOURCE_PORT + self._made % SOURCE_PORTS
        here = _with_port(packet.source, packet.protocol, port)
        outside = self._outside(packet, address_of(answer.to))
        values = {
            "protocol": packet.protocol,
            "src-address": here,
            "dst-address": _with_port(packet.target, packet.protocol, packet.port),
            "reply-src-address": _with_port(address_of(answer.to), packet.protocol, answer.port),
            "reply-dst-address": here if outside is None else _with_port(outside, packet.protocol, port),
            "orig-bytes": "0",
            "repl-bytes": "0",
            "seen-reply": "true",
            "assured": "true",
            "confirmed": "true",
            "dying": "false",
            "srcnat": "false" if outside is None else "true",
            "dstnat": "true" if answer.to != str(packet.target) else "false",
            "fasttrack": "true" if self._is_fasttracked(packet, said=fasttracked) else "false",
        }
        if packet.protocol == "tcp":
            values["tcp-state"] = "established"
        row = table.insert(values, owner=station)
        station.rows.append((table, row))
        return row

    def _outside(self, packet: Packet, target: Address) -> Address | None:
        """The router's own address that a masqueraded packet to a target leaves with."""
        packet = packet._replace(goes_out=self._way_out(target, to_router=packet.to_router))
        if packet.to_router or not self._firewalls[packet.target.version].is_source_translated(packet):
            return None
        own = (row.get("address") for row in self._tables.get("/ip/address") if row.get("interface") == UPLINK)
        return next((address_of(address.partition("/")[0]) for address in own), None)

    def _is_fasttracked(self, packet: Packet, *, said: bool | None) -> bool:
        """Either direction meeting a fasttrack rule first takes the whole connection past the firewall."""
        if said is not None:
            return said
        if packet.to_router or packet.protocol not in ("tcp", "udp"):
            return False
        firewall = self._firewalls[packet.target.version]
        ways = (packet._replace(state="established"), _turned(packet, state="established"))
        return any(firewall.judge("forward", way, count=False).fasttracked for way in ways)

    def _live(self, station: Station, packet: Packet) -> Row | None:
        table = self._connections(packet.target.version)
        wanted = _with_port(packet.target, packet.protocol, packet.port)
        # The station's own rows, not all to this target: thousands may talk to the same server.
        mine = (row for held_in, row in station.rows if held_in is table and row.get("dst-address") == wanted)
        return next((row for row in mine if row.get("protocol") == packet.protocol and table.has(row)), None)

    def _connections(self, version: int) -> Table:
        return self._tables.get("/ip/firewall/connection" if version == 4 else "/ipv6/firewall/connection")

    # -- ways through the router --------------------------------------------------------------------------------

    def _over(self, live: Row, station: Station, packet: Packet, asked: str) -> Reach:
        """On a live connection: past everything when it is fasttracked, else through gate and filter, not NAT."""
        firewall = self._firewalls[packet.target.version]
        to, port = _split(live.get("reply-src-address"), packet.port)
        if live.get("fasttrack") == "true":
            firewall.count_fasttracked()
            return Reach(reach=True, by="fasttrack", to=to, port=port)
        early = firewall.before_routing(packet._replace(state="established"))
        if not early.passes:
            return Reach(reach=False, by=early.by, to=to, port=port)
        ruling = self._gate.ruling(station, packet, asked)
        if ruling is not None:
            return Reach(reach=ruling.passes, by=ruling.by, to=ruling.to or to, port=ruling.port or port)
        target = address_of(to)
        to_router = self._is_router(station, target)
        way_out = self._way_out(target, to_router=to_router)
        moved = packet._replace(
            state="established", target=target, port=port, goes_out=way_out, to_router=to_router
        )  # fmt: skip
        verdict = self._through(moved)
        return Reach(reach=verdict.passes, by=verdict.by, to=to, port=port)

    def _afresh(self, station: Station, packet: Packet, asked: str) -> Reach:
        """A first packet: raw, the gate, destination NAT, then the filter."""
        firewall = self._firewalls[packet.target.version]
        early = firewall.before_routing(packet)
        if not early.passes:
            return Reach(reach=False, by=early.by, to=str(packet.target), port=packet.port)
        ruling = self._gate.ruling(station, packet, asked)
        if ruling is not None:
            to, port = ruling.to or str(packet.target), ruling.port or packet.port
            return Reach(reach=ruling.passes, by=ruling.by, to=to, port=port)
        if early.untracked:
            packet = packet._replace(state="untracked")
        else:
            packet, _ = firewall.translate(packet, station.local_address)
            to_router = self._is_router(station, packet.target)
            way_out = self._way_out(packet.target, to_router=to_router)
            packet = packet._replace(to_router=to_router, goes_out=way_out)
        verdict = self._through(packet)
        return Reach(reach=verdict.passes, by=verdict.by, to=str(packet.target), port=packet.port)

    def _through(self, packet: Packet) -> Verdict:
        """To the router itself: chain input. Past it: the packet out and the answer back."""
        firewall = self._firewalls[packet.target.version]
        if packet.to_router:
            return firewall.judge("input", packet)
        out = firewall.judge("forward", packet)
        if not out.passes:
            return out
        state = "untracked" if packet.state == "untracked" else "established"
        answer = _turned(packet, state=state)
        early = firewall.before_routing(answer)
        back = firewall.judge("forward", answer) if early.passes else early
        return out if back.passes else back

    def _inwards(self, station: Station, packet: Packet, asked: str) -> Verdict:
        """A new connection from outside towards the station."""
        firewall = self._firewalls[packet.target.version]
        coming = _turned(packet, state="new")
        early = firewall.before_routing(coming)
        ruling = self._gate.ruling(station, packet, asked) if early.passes else None
        if ruling is not None:
            return Verdict(passes=False, by=ruling.by)
        return firewall.judge("forward", coming) if early.passes else early

    def _resolve(self, to: str) -> Address | None:
        try:
            return address_of(to)
        except ValueError:
            addresses = self._hosts.get(to)
            return address_of(addresses[0]) if addresses else None

    def _source(self, station: Station, version: int) -> Address | None:
        """The address its packets come from, None where it has none of this version."""
        if version == 6:
            return ipaddress.IPv6Network(station.prefix)[1] if station.prefix else None
        address = self._gate.source(station)
        return address_of(address) if address else None

    def _way_out(self, target: Address, *, to_router: bool) -> str:
        """The interface in whose network the target is, else the uplink; none to the router itself."""
        return "" if to_router else self._own.interface_to(target) or UPLINK

    def _is_router(self, station: Station, target: Address) -> bool:
        return str(target) == station.local_address or str(target) in self._own


def _turned(packet: Packet, *, state: str) -> Packet:
    """The same way back."""
    marks = frozenset("to-client" if mark == "from-client" else mark for mark in packet.marks)
    return packet._replace(
        source=packet.target, target=packet.source, came_in=packet.goes_out, goes_out=packet.came_in,
        port=packet.source_port, source_port=packet.port, state=state, mac="", marks=marks,
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
