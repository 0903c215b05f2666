"""/ip/hotspot/host: the hosts a hotspot has heard of, and what /ip/hotspot/ip-binding makes of each."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hosts import Host
from lab.mikrotik.ethernet.hotspot.servers import Servers
from lab.mikrotik.ethernet.hotspot.totals import Totals
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.packets.packets import span
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.timers import Timer

MAX_PRESENCES = 20_000
REGULAR = "regular"


@dataclass(eq=False, slots=True)
class Presence:
    """A host as one hotspot server knows it. `to_address` is what its own address is translated to (itself, mostly),
    `bound` the kind of binding it met when it came."""

    host: Host
    server: Row
    row: Row
    address: str
    since_us: int
    heard_us: int
    before: Totals
    to_address: str
    bound: str = REGULAR
    of_pool: bool = False
    logged_in: bool = False
    timer: Timer | None = None

    def carried(self) -> Totals:
        """What it carried since the hotspot knows it."""
        return Totals.of(self.host).less(self.before)


class Presences:
    """Rows come with a host's first packet and go when it was silent too long, or by hand."""

    def __init__(self, ground: Ground, servers: Servers) -> None:
        self._ground = ground
        self._servers = servers
        self._table = ground.tables.get("/ip/hotspot/host")
        self._bindings = ground.tables.get("/ip/hotspot/ip-binding")
        self._by_host: dict[Host, Presence] = {}
        self.on_gone: Callable[[Presence, str], None] = lambda _presence, _reason: None
        self._table.watchers.append(self._changed)

    def of_row(self, row: Row) -> Presence | None:
        """The presence behind a row of host or active."""
        owner = row.owner
        if isinstance(owner, Presence):
            return owner
        inner = getattr(owner, "presence", None)
        return inner if isinstance(inner, Presence) else None

    def of_host(self, host: Host) -> Presence | None:
        return self._by_host.get(host)

    def at_address(self, address: str) -> Presence | None:
        rows = [*self._table.with_value("address", address), *self._table.with_value("to-address", address)]
        return next((found for row in rows if (found := self.of_row(row)) is not None), None)

    def of_mac(self, mac: str) -> Presence | None:
        rows = self._table.with_value("mac-address", mac)
        return next((found for row in rows if (found := self.of_row(row)) is not None), None)

    def heard(self, host: Host) -> tuple[Presence | None, bool]:
        """A packet of the host came in: (its presence, whether that is new); None where no hotspot runs."""
        presence = self._by_host.get(host)
        server = self._servers.at(host.interface)
        if presence is not None and (server is not presence.server or presence.address != host.address):
            self.drop(presence, "lost dhcp lease")
            presence = None
        if server is None or not host.address:
            return None, False
        if presence is not None:
            presence.heard_us = self._ground.now_us()
            return presence, False
        if len(self._by_host) >= MAX_PRESENCES:
            return None, False
        return self._appear(host, server), True

    def _appear(self, host: Host, server: Row) -> Presence:
        now_us = self._ground.now_us()
        row = self._table.insert({
            "mac-address": host.mac, "address": host.address,
            "server": server.get("name"), "idle-timeout": server.get("idle-timeout"),
            "keepalive-timeout": server.get("keepalive-timeout"), "found-by": f"dhcp {host.address}",
            "dynamic": "true", "static": "false", "DHCP": "true" if host.wants == "dhcp" else "false",
        })  # fmt: skip
        if host.wants != "dhcp":
            row.values["found-by"] = "ARP"
        before = Totals.of(self._ground.counters.of_station(host))
        presence = Presence(host, server, row, host.address, now_us, now_us, before, host.address)
        row.owner = presence
        self._translate(presence)
        self._table.change(row, {"to-address": presence.to_address})
        self._by_host[host] = presence
        self.watch(presence)
        return presence

    def _translate(self, presence: Presence) -> None:
        """One-to-one NAT: the binding's to-address, or an address of the server's pool for who is in no network."""
        binding = self._first_binding(presence)
        presence.bound = binding.get("type") if binding is not None else REGULAR
        if binding is not None and binding.get("to-address"):
            presence.to_address = binding.get("to-address")
        elif not presence.host.local_address:
            given = self._ground.pools.allocate(presence.server.get("address-pool"))
            if given is not None:
                presence.to_address, presence.of_pool = given, True
                self._ground.take_address(given, "hotspot", presence.host.mac)

    def binding(self, presence: Presence) -> str:
        """`regular`, `bypassed` or `blocked`: the first enabled binding that fits."""
        if not self._ground.switches.bindings_at_once:
            return presence.bound
        row = self._first_binding(presence)
        return REGULAR if row is None else row.get("type")

    def _first_binding(self, presence: Presence) -> Row | None:
        return next((row for row in self._bindings if row.enabled and _fits(row, presence)), None)

    def watch(self, presence: Presence) -> None:
        """Hosts that are not logged in go after the server's idle-timeout (or keepalive-timeout, when unplugged)."""
        if presence.timer is not None:
            presence.timer.cancel()
        if self._by_host.get(presence.host) is not presence:
            return
        waits = [_timeout(presence.server.get("idle-timeout"))]
        if presence.host.ended:
            waits.append(_timeout(presence.server.get("keepalive-timeout")))
        known = [wait for wait in waits if wait is not None]
        if known:
            due_us = presence.heard_us + min(known)
            presence.timer = self._ground.timers.at(due_us, lambda: self._silent(presence, due_us))

    def _silent(self, presence: Presence, due_us: int) -> None:
        if self._by_host.get(presence.host) is not presence or presence.logged_in:
            return
        idle = _timeout(presence.server.get("idle-timeout"))
        if not presence.host.ended and idle is not None and presence.heard_us + idle > due_us:
            self.watch(presence)
            return
        self.drop(presence, "idle timeout")

    def drop(self, presence: Presence, reason: str) -> None:
        """The hotspot forgets a host (its next packet makes it known again)."""
        if self._by_host.get(presence.host) is not presence:
            return
        del self._by_host[presence.host]
        if presence.timer is not None:
            presence.timer.cancel()
        self._table.remove(presence.row)
        if presence.of_pool:
            self._ground.free_address(presence.to_address, "hotspot")
        self.on_gone(presence, reason)

    def forget_all(self) -> None:
        """The power is gone: nothing is told to anybody."""
        for presence in self._by_host.values():
            if presence.timer is not None:
                presence.timer.cancel()
            if presence.of_pool:
                self._ground.free_address(presence.to_address, "hotspot")
        self._by_host.clear()

    def all(self) -> list[Presence]:
        return list(self._by_host.values())

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED and isinstance(row.owner, Presence):
            self.drop(row.owner, "admin reset")


def _timeout(value: str) -> int | None:
    """Microseconds, or None for `none`."""
    return None if value in ("", "none") else duration_us(value)


def _fits(binding: Row, presence: Presence) -> bool:
    if binding.get("server") not in ("", "all", presence.server.get("name")):
        return False
    mac, address = binding.get("mac-address"), binding.get("address")
    if mac and mac != presence.host.mac:
        return False
    if address:
        first, last = span(address)
        return first <= int(ipaddress.IPv4Address(presence.address)) <= last
    return bool(mac)
