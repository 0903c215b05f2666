"""Hosts on the wire: plugged in, given an address by hand or by DHCP, seen in ARP, unplugged."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.mikrotik.errors import BadValueError, HostError
from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.fields.values import ip4, mac
from lab.mikrotik.packets.stations import Station
from lab.mikrotik.store.table import Row, Table

MAX_HOSTS = 20_000
BY_DHCP = "dhcp"


@dataclass(eq=False, slots=True)
class Host:
    """One device. `wants` is its address set by hand, or `dhcp`; `address` is what it has now."""

    mac: str
    interface: str
    wants: str
    label: str = ""
    client_id: str = ""
    host_name: str = ""
    address: str = ""
    local_address: str = ""
    prefix: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    packets_up: int = 0
    packets_down: int = 0
    ended: bool = False
    rows: list[tuple[Table, Row]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.label or self.mac


class Hosts:
    """All hosts that are plugged in now."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._by_mac: dict[str, Host] = {}
        self._by_label: dict[str, Host] = {}
        self._by_address: dict[str, Host] = {}
        self._away: dict[str, Host] = {}
        self.takes_any_address: Callable[[str], bool] = lambda _interface: False
        """Whether a hotspot at the interface translates addresses of foreign networks."""
        self.on_leaving: Callable[[Host], None] = lambda _host: None
        """Told while a host that will be unplugged is still there."""
        self.on_unplug: Callable[[Host], None] = lambda _host: None
        self.on_address: Callable[[Host], None] = lambda _host: None
        """Told when a host has got or lost an address."""

    def all(self) -> list[Station]:
        return list(self._by_mac.values())

    def plugged(self) -> list[Host]:
        return list(self._by_mac.values())

    def find(self, who: str) -> Host | None:
        """By name, MAC or address."""
        by_mac = self._by_mac.get(who.upper().replace("-", ":"))
        return by_mac or self._by_label.get(who) or self._by_address.get(who)

    def plug_in(self, host: Host) -> Host:
        """Put a device on the wire (taking it off where it was); HostError when it cannot be there like that."""
        try:
            host.mac = mac(host.mac)
            host.wants = host.wants if host.wants == BY_DHCP else ip4(host.wants)
        except BadValueError as error:
            raise HostError(
                f"{host.mac!r} or {host.wants!r} is no MAC or no address; write 02:00:00:00:00:01"
            ) from error
        row = self._ground.tables.get("/interface").find(host.interface)
        if row is None or not row.enabled:
            raise HostError(f"no running interface {host.interface!r}; /interface/print lists them")
        if len(self._by_mac) >= MAX_HOSTS:
            raise HostError(f"more than {MAX_HOSTS} hosts; unplug some")
        self.unplug(host.mac)
        router_address = "" if host.wants == BY_DHCP else self._place(host)
        host = self._back_again(host)
        self._by_mac[host.mac] = host
        if host.label:
            self._by_label[host.label] = host
        self._ground.counters.resume(host)
        self._ground.event("plug", mac=host.mac, interface=host.interface, name=host.label)
        if host.wants != BY_DHCP:
            self.settle(host, host.wants, router_address)
        return host

    def _back_again(self, host: Host) -> Host:
        """The same device as before where it was before is the same host: hotspot and lease know it still."""
        known = self._away.pop(host.mac, None)
        if known is None or (known.interface, known.wants) != (host.interface, host.wants):
            return host
        known.label, known.client_id, known.host_name = host.label, host.client_id, host.host_name
        known.ended = False
        return known

    def unplug(self, who: str) -> bool:
        """Take a device off the wire; what the router remembers of it stays until it times out."""
        host = self.find(who)
        if host is None:
            return False
        del self._by_mac[host.mac]
        _forget(self._by_label, host.label, host)
        _forget(self._by_address, host.address, host)
        self.on_leaving(host)
        self._ground.counters.dismiss(host)
        host.ended, host.address = True, ""
        _clear_own(host)
        if len(self._away) < MAX_HOSTS:
            self._away[host.mac] = host
        self._ground.event("unplug", mac=host.mac, interface=host.interface, name=host.label)
        self.on_unplug(host)
        return True

    def settle(self, host: Host, address: str, router_address: str = "", *, by_dhcp: bool = False) -> None:
        """The host has this address from now on (or none); its connections under another one are gone."""
        if host.address == address:
            return
        _clear_own(host)
        _forget(self._by_address, host.address, host)
        host.address, host.local_address = address, router_address
        if address:
            self._by_address[address] = host
            self._show_in_arp(host, by_dhcp=by_dhcp)
        self.on_address(host)

    def come_up(self) -> None:
        """After a boot: ARP learns those again whose address was set by hand."""
        for host in self._by_mac.values():
            if host.wants != BY_DHCP:
                self._show_in_arp(host, by_dhcp=False)
                self.on_address(host)

    def answers_arp(self, host: Host) -> bool:
        """False when a static ARP row gives the host's address to another MAC."""
        rows = self._ground.tables.get("/ip/arp").with_value("address", host.address)
        static = [row for row in rows if not row.dynamic and row.enabled and row.get("interface") == host.interface]
        return not static or any(row.get("mac-address") == host.mac for row in static)

    def network_of(self, interface: str, address: str) -> str:
        """The router's own address in the network of this interface that holds an address, or nothing."""
        wanted = ipaddress.IPv4Address(address)
        for row in self._ground.tables.get("/ip/address"):
            own = ipaddress.IPv4Interface(row.get("address"))
            if row.get("interface") == interface and row.enabled and wanted in own.network:
                return str(own.ip)
        return ""

    def _place(self, host: Host) -> str:
        """The router's address towards a host whose address was set by hand; none where a hotspot translates it."""
        own = self.network_of(host.interface, host.wants)
        if not own and not self.takes_any_address(host.interface):
            raise HostError(f"{host.wants} is in no network of {host.interface}; see /ip/address")
        taken = self._by_address.get(host.wants)
        if taken is not None or own == host.wants:
            raise HostError(f"{host.wants} is taken by {taken.name if taken else 'the router'}; give another")
        return own

    def _show_in_arp(self, host: Host, *, by_dhcp: bool) -> None:
        arp = self._ground.tables.get("/ip/arp")
        if any(not row.dynamic for row in arp.with_value("address", host.address)):
            return
        values = {"address": host.address, "mac-address": host.mac, "interface": host.interface, "published": "false"}
        values |= {"dynamic": "true", "complete": "true", "disabled": "false", "invalid": "false"}
        values["DHCP"] = "true" if by_dhcp else "false"
        self._ground.add_row(host.rows, "/ip/arp", values, host)


def _forget(index: dict[str, Host], key: str, host: Host) -> None:
    """Take a host out of an index, unless the key is another's by now."""
    if index.get(key) is host:
        del index[key]


def _clear_own(host: Host) -> None:
    """ARP rows and connections go with the address; queues of a login or a lease are theirs to take."""
    own = [(table, row) for table, row in host.rows if row.owner is host]
    host.rows[:] = [entry for entry in host.rows if entry not in own]
    for table, row in own:
        table.remove(row)
