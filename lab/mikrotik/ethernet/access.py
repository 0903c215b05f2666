"""The access network beside PPP: hosts, their leases and the hotspot, as one thing that a router has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hosts import Host, Hosts
from lab.mikrotik.ethernet.hotspot.gate import Hotspot
from lab.mikrotik.ethernet.hotspot.verbs import HotspotVerbs, meant
from lab.mikrotik.ethernet.leases import Leases
from lab.mikrotik.packets.packets import Packet, Ruling
from lab.mikrotik.packets.stations import Station
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb, Verbs
from lab.mikrotik.speech.edit import Editor, rows_meant
from lab.mikrotik.store.table import Row

if TYPE_CHECKING:
    from lab.mikrotik.ppp.sessions import Moment
    from lab.mikrotik.router import Router


def access_network(router: Router, moment: Moment) -> AccessNetwork:
    """The access network of a router whose tables, pools and counters are there."""
    ground = Ground(
        router.tables, router.pools, router.journal, router.timers, moment, router.log, router.resolver,
        router.setup.switches, router.device.allows, router.counters,
    )  # fmt: skip
    network = AccessNetwork(ground, router.editor)
    router.stations.add(network.hosts)
    router.stations.on_carry.append(network.carried)
    return network


class AccessNetwork:
    """Hosts on the wire and what the router makes of them. It is the gate that traffic passes."""

    def __init__(self, ground: Ground, editor: Editor) -> None:
        self._ground = ground
        self._editor = editor
        self.hosts = Hosts(ground)
        self.leases = Leases(ground, self.hosts)
        self.hotspot = Hotspot(ground, self.hosts)
        self.hosts.on_address = self._settled
        self.hosts.takes_any_address = self.hotspot.takes_any_address
        self.hosts.on_leaving = self.hotspot.leaving
        self.hosts.on_unplug = self._unplugged

    def plug_in(self, host: Host, *, takes_offer: bool = True) -> Host:
        """Put a device on the wire; one that does DHCP asks at once (and takes what it is offered, or not)."""
        host = self.hosts.plug_in(host)
        self.leases.ask(host, only_offer=not takes_offer)
        return host

    def _settled(self, host: Host) -> None:
        if host.address:
            self.hotspot.heard(host)

    def _unplugged(self, host: Host) -> None:
        self.hotspot.unplugged(host)

    # -- the gate -----------------------------------------------------------------------------------------------

    def hears(self, station: Station) -> None:
        """A packet came in."""
        if isinstance(station, Host):
            self.hotspot.heard(station)

    def source(self, station: Station) -> str:
        """The IPv4 address its packets have behind the hotspot."""
        return self.hotspot.source(station) if isinstance(station, Host) else station.address

    def marks(self, station: Station) -> frozenset[str]:
        return self.hotspot.marks(station) if isinstance(station, Host) else frozenset()

    def ruling(self, station: Station, packet: Packet, asked: str) -> Ruling | None:
        if not isinstance(station, Host) or packet.target.version != 4:
            return None  # the manual: a hotspot works with IPv4 only, so IPv6 goes past it
        if not self.hosts.answers_arp(station):
            return Ruling(passes=False, by="arp: the address is another MAC's")
        return self.hotspot.ruling(station, packet, asked, to_router=packet.to_router)

    def carried(self, station: Station) -> None:
        """A station's counters grew."""
        if isinstance(station, Host):
            self.hotspot.counted(station)

    # -- life ---------------------------------------------------------------------------------------------------

    def go_down(self, reason: str) -> None:
        """Nothing is answered any more. Without a reason the power failed, and nobody's totals were kept."""
        self.leases.go_down()
        self.hotspot.go_down(told=bool(reason))

    def come_up(self) -> None:
        """Clients saw the link go: they ask for their addresses again."""
        for host in self.hosts.plugged():
            host.rows.clear()
        self.hotspot.come_up()
        self.leases.come_up()
        self.hosts.come_up()

    def verbs(self) -> Verbs:
        """What these menus can do beside what every table can."""
        table = self._ground.tables.get("/ip/dhcp-server/lease")

        def on_rows(act: str) -> Verb:
            def run(command: Command, _access: Access) -> Outcome:
                for row in rows_meant(table, meant(command)):
                    self._on_lease(act, row)
                return Done()

            return Verb(run)

        leases = {("/ip/dhcp-server/lease", act): on_rows(act) for act in ("make-static", "check-status")}
        return leases | HotspotVerbs(self._ground.tables, self._editor, self.hotspot).all()

    def _on_lease(self, act: str, row: Row) -> None:
        if act == "make-static":
            self.leases.make_static(row)
        else:
            self.leases.check_status(row)
