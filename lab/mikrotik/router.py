"""The simulated router as a whole: tables, sessions, traffic, clock; what it keeps and what it loses at a boot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lab.clock import Clock, SystemClock
from lab.mikrotik.console.desk import Desk
from lab.mikrotik.counting.connection_bytes import ConnectionBytes
from lab.mikrotik.counting.counters import Counters
from lab.mikrotik.delivery import deliver
from lab.mikrotik.ethernet.access import access_network
from lab.mikrotik.ethernet.hosts import BY_DHCP, Host
from lab.mikrotik.ethernet.hotspot.login import Login
from lab.mikrotik.faults import Faults
from lab.mikrotik.fields.schema import Version
from lab.mikrotik.journal import Journal
from lab.mikrotik.life import monitor
from lab.mikrotik.life.clock import RouterClock
from lab.mikrotik.life.device import Device, serve_device_mode
from lab.mikrotik.life.life import Life
from lab.mikrotik.life.living import bind
from lab.mikrotik.life.load import Load
from lab.mikrotik.life.log import Log
from lab.mikrotik.life.ping import ping_verbs
from lab.mikrotik.life.timed import TimedRows
from lab.mikrotik.packets.firewall import firewalls
from lab.mikrotik.packets.resolver import Resolver
from lab.mikrotik.packets.rule_counters import counter_verbs
from lab.mikrotik.packets.stations import Dialled, Stations
from lab.mikrotik.packets.traffic import Reach, Traffic
from lab.mikrotik.ppp.modems import DEFAULT_REDIAL_S, Modems
from lab.mikrotik.ppp.pools import Pools, used_by_sessions
from lab.mikrotik.ppp.sessions import Moment, Session, Sessions
from lab.mikrotik.speech.commands import Access, Command, Outcome, Verbs
from lab.mikrotik.speech.edit import Editor
from lab.mikrotik.store.names import NamedRows
from lab.mikrotik.store.table import Table
from lab.mikrotik.store.tables import Tables
from lab.mikrotik.store.twins import Twins
from lab.mikrotik.switches import Switches
from lab.mikrotik.timers import Timers

DEFAULT_VERSION = "7.18.2"


@dataclass(frozen=True, slots=True)
class Setup:
    """How a router is delivered. `ntp_answers` says whether a configured NTP client ever gets the time;
    `connections_per_session` is what a subscriber opens as soon as he is online; `ntp_delay_s` is how long NTP takes to
    answer, `has_battery` keeps the clock over a boot, `habit` is how everybody uses his line unless told otherwise;
    `channel` stands behind the version, `stable` or `long-term` (empty: by the version); `board` is `RB5009` or `CHR`;
    `device_mode` is `advanced`, `home` or `basic` (the latter two have no hotspot)."""

    version: str = DEFAULT_VERSION
    user: str = "admin"
    password: str = ""
    group: str = "full"
    empty: bool = False
    ntp_answers: bool = True
    connections_per_session: int = 0
    board: str = "RB5009"
    device_mode: str = "advanced"
    hosts: Mapping[str, list[str]] = field(default_factory=dict)
    ntp_delay_s: float = 0.0
    has_battery: bool = False
    habit: str = "quiet"
    seed: int = 1
    channel: str = ""
    switches: Switches = field(default_factory=Switches)


class Router:
    """One MikroTik. Everything here runs in one thread; `thread.py` has the safe handle for others."""

    def __init__(self, setup: Setup | None = None, clock: Clock | None = None) -> None:
        self.setup = setup or Setup()
        self.clock = clock or SystemClock()
        self.version_text = self.setup.version
        self.version: Version = tuple(int(part) for part in self.setup.version.split("."))
        self.tables = Tables(self.version, self.setup.board)
        Twins(self.tables)
        self.editor = Editor(self.tables, completes=self.setup.switches.completes_values)
        self.journal = Journal()
        self.timers = Timers()
        self.faults = Faults()
        self.wall = RouterClock(
            self.tables, self.timers, self.clock, ntp_answers=self.setup.ntp_answers,
            ntp_delay_s=self.setup.ntp_delay_s, has_battery=self.setup.has_battery,
        )  # fmt: skip
        self.log_rows = Log(self.tables.get("/log"), self.wall)
        self.pools = Pools(self.tables, lowest=self.setup.switches.pool_gives_lowest)
        moment = Moment(self.now_us, self.clock.now_us, self.stamp)
        self.sessions = Sessions(self.tables, self.pools, self.journal, moment, self.setup.switches)
        self.modems = Modems(self.sessions, self.timers)
        self.modems.now_us = self.now_us
        self.hosts = dict(self.setup.hosts)
        self.names = NamedRows(self.tables.get("/ip/firewall/address-list"), self.hosts, self.stamp)
        self.stations = Stations(Dialled(self.sessions, self.tables.get("/ppp/active")))
        self.counters = Counters(
            self.tables, self.stations, self.now_us, habit=self.setup.habit, seed=self.setup.seed
        )  # fmt: skip
        self.device = Device(self.setup.device_mode)
        self.resolver = Resolver(self.tables, self.hosts)
        self.access = access_network(self, moment)
        self.traffic = Traffic(self.tables, self.resolver, firewalls(self.tables, self.stamp), self.access)
        self.connection_bytes = ConnectionBytes(self.tables, self.counters)
        self.load = Load(self.tables, self.now_us)
        self.verbs: Verbs = monitor.verbs(self) | ping_verbs(self) | self.access.verbs() | counter_verbs(self.tables)
        """Verbs that single parts bring, beside those every table has."""
        serve_device_mode(self)
        used_by_sessions(self.tables, self.pools)
        self.life = Life(self)
        bind(self.tables)
        self.boots = 1
        self.booted_us = self.now_us()
        self._writes_before_boot = 0
        for family in ("ip", "ipv6"):
            table = self.tables.get(f"/{family}/firewall/address-list")
            TimedRows(table, self.timers, self.journal, self.clock, self.stamp)
        self.desk = Desk(self)
        deliver(
            self.tables, self.editor, user=self.setup.user, password=self.setup.password,
            group=self.setup.group, empty=self.setup.empty,
        )  # fmt: skip

    # -- time ---------------------------------------------------------------------------------------------------

    def now_us(self) -> int:
        """The monotonic clock everything inside is measured on."""
        return self.clock.monotonic_us()

    @property
    def clock_is_set(self) -> bool:
        """True when the NTP client has told the time."""
        return self.wall.is_synchronized

    def local_time(self) -> datetime:
        """What the router believes, in its time zone."""
        return self.wall.local()

    def format_date(self, moment: datetime) -> str:
        """A date as this version writes it."""
        return self.wall.format_date(moment)

    def stamp(self) -> str:
        """Date and time as this version writes them."""
        return self.wall.stamp()

    # -- subscribers --------------------------------------------------------------------------------------------

    def dial(self, user: str, password: str, caller_id: str | None = None) -> Session:
        """A modem dials once; DialError says why it was not let in."""
        return self.modems.dial(user, password, caller_id)

    def redial(self, user: str, password: str | None = None, every_s: float = DEFAULT_REDIAL_S) -> None:
        """A modem that dials now and after every drop. Without a password: the one it last used, else the
        secret's."""
        if password is None:
            password = self.modems.password_of(user)
        if password is None:
            secret = self.tables.get("/ppp/secret").find(user)
            password = secret.get("password") if secret is not None else ""
        self.modems.keep_dialling(user, password, every_s)

    def hangup(self, user: str) -> bool:
        """The modem is switched off. False when it was not online."""
        return self.modems.hang_up(user)

    def vanish(self, user: str) -> bool:
        """The modem loses its power without a word: the session stays until its keepalive is over. False when it was
        not online."""
        session = self.sessions.of_user(user)
        if session is None or not self.modems.vanish(user):
            return False
        self.life.limits.vanished(session)
        return True

    def habit(self, user: str, habit: str) -> None:
        """How a user or a device uses the line from now on: one of habits.HABITS."""
        station = self.stations.find(user)
        user = user if station is None else station.name
        self.counters.set_habit(user, habit)

    def reach(self, who: str, to: str, protocol: str = "tcp", port: int = 443, *, inbound: bool = False) -> Reach:
        """Whether a packet of this station (PPP user, host name, MAC or address) gets there, and which rule said so."""
        return self.traffic.reach(self.stations.find(who), to, protocol, port, inbound=inbound)

    def connect(
        self, who: str, to: str, protocol: str = "tcp", port: int = 443, *, fasttracked: bool | None = None
    ) -> bool:
        """Open a connection that stays in /ip/firewall/connection. False when it was not let through."""
        return self.traffic.connect(self.stations.find(who), to, protocol, port, fasttracked=fasttracked) is not None

    def carry(self, who: str, up_bytes: int, down_bytes: int) -> bool:
        """Count traffic of a station. False when it is offline."""
        station = self.stations.find(who)
        if station is None:
            return False
        self.stations.carry(station, up_bytes, down_bytes)
        return True

    def plug_in(
        self, mac: str, interface: str = "bridge", *, address: str = BY_DHCP, name: str = "", client_id: str = "",
        host_name: str = "", prefix: str = "", takes_offer: bool = True,
    ) -> Host:  # fmt: skip
        """Put a device on the wire, with an address set by hand or by DHCP; HostError when it cannot be there."""
        host = Host(mac, interface, address, name, client_id, host_name, prefix=prefix)
        return self.access.plug_in(host, takes_offer=takes_offer)

    def unplug(self, who: str) -> bool:
        """Take a device off the wire. False when there was none."""
        return self.access.hosts.unplug(who)

    def hotspot_login(self, who: str, user: str = "", password: str = "") -> Login:
        """Log a device in as the hotspot's page would (without a user: by its browser's cookie). HotspotError with
        the page's text when it is not let in."""
        return self.access.hotspot.log_in(who, user, password)

    def hotspot_logout(self, who: str, *, erase_cookie: bool = True) -> bool:
        """The user presses "log off". False when he was not logged in."""
        return self.access.hotspot.log_out(who, erase_cookie=erase_cookie)

    def set_host(self, name: str, addresses: list[str]) -> None:
        """What DNS answers for this name from now on; address lists that hold the name follow."""
        self.hosts[name] = list(addresses)
        self.names.refresh(name)

    # -- life ---------------------------------------------------------------------------------------------------

    @property
    def writes_since_boot(self) -> int:
        return self.journal.writes_in_all - self._writes_before_boot

    def reboot(self) -> None:
        """Start again: config stays, ids change; sessions, dynamic and timed rows, connections are gone.
        A served router also drops its API connections: see `Server.reboot`."""
        self.go_down("reboot")
        self.come_up()

    def go_down(self, reason: str) -> None:
        """Everything in memory ends; no modem is answered until `come_up`. Without a reason: the power failed."""
        self.life.going_down(reason)
        self.sessions.serving = False
        if not reason:
            self.device.confirm(self.now_us())
        for session in self.sessions.all():
            self.sessions.end(session, reason)
        self.access.go_down(reason)

    def come_up(self) -> None:
        """Wake with what is on flash."""
        self.desk.woken()
        for table in self.tables:
            _forget(table)
        self.names.refresh_all()
        self.boots += 1
        for table in self.tables:
            if not table.menu.singleton:
                table.renumber(self.boots - 1)
        self.booted_us = self.now_us()
        self._writes_before_boot = self.journal.writes_in_all
        self.life.came_up()
        self.sessions.serving = True
        self.access.come_up()
        self.journal.event(self.clock.now_us(), "reboot")
        self.desk.started()

    def run_timers(self) -> None:
        """Run what is due by now."""
        self.timers.run_due(self.now_us())

    def log(self, topics: str, message: str) -> None:
        """A line of /log."""
        self.log_rows.write(topics, message)

    def written(self, command: Command, access: Access, outcome: Outcome) -> None:
        """Told by the language after every write that was done."""
        self.life.written(command, access, outcome)

    @property
    def cpu_load(self) -> int:
        """Percent, as /system/resource shows it."""
        return self.load.percent()

    @cpu_load.setter
    def cpu_load(self, percent: int | None) -> None:
        self.load.override = percent

    def rows(self, path: str) -> list[dict[str, str]]:
        """Every row of a menu as it is stored, passwords and live values included."""
        table = self.tables.get(path)
        return [
            {".id": row.id, **row.values}
            | {f.name: v for f in table.fields.values() if f.live and (v := f.live(self, row)) is not None}
            for row in table
        ]


def _forget(table: Table) -> None:
    for row in list(table):
        dynamic = row.dynamic and not table.menu.dynamic_survives_reboot
        lost = dynamic or not table.menu.survives_reboot or row.owner is not None
        if lost and not row.builtin:
            table.remove(row)
