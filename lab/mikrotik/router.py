"""The simulated router as a whole: tables, sessions, traffic, clock; what it keeps and what it loses at a boot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lab.clock import Clock, SystemClock
from lab.mikrotik.access import AccessNetwork
from lab.mikrotik.assumed import Assumed
from lab.mikrotik.commands import Verbs
from lab.mikrotik.counters import counter_verbs
from lab.mikrotik.delivery import deliver
from lab.mikrotik.edit import Editor
from lab.mikrotik.faults import Faults
from lab.mikrotik.firewall import Firewall
from lab.mikrotik.ground import Ground
from lab.mikrotik.hosts import BY_DHCP, Host
from lab.mikrotik.hotspot.logins import Login
from lab.mikrotik.journal import Journal
from lab.mikrotik.modems import DEFAULT_REDIAL_S, Modems
from lab.mikrotik.names import NamedRows
from lab.mikrotik.pools import Pools
from lab.mikrotik.schema import Version
from lab.mikrotik.sessions import Moment, Session, Sessions
from lab.mikrotik.stations import Dialled, Stations
from lab.mikrotik.table import Table
from lab.mikrotik.tables import Tables
from lab.mikrotik.timed import TimedRows
from lab.mikrotik.timers import Timers
from lab.mikrotik.traffic import Reach, Traffic

DEFAULT_VERSION = "7.18.2"
# A router without a battery wakes on this day until NTP tells it better.
_EPOCH = datetime(1970, 1, 2, tzinfo=UTC)
_ISO_DATES_SINCE = (7, 10)
MAX_LOG_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Setup:
    """How a router is delivered. `ntp_answers` says whether a configured NTP client ever gets the time;
    `connections_per_session` is what a subscriber opens as soon as he is online."""

    version: str = DEFAULT_VERSION
    user: str = "admin"
    password: str = ""
    group: str = "full"
    empty: bool = False
    ntp_answers: bool = True
    connections_per_session: int = 0
    hosts: Mapping[str, list[str]] = field(default_factory=dict)
    assumed: Assumed = field(default_factory=Assumed)


class Router:
    """One MikroTik. Everything here runs in one thread; `thread.py` has the safe handle for others."""

    def __init__(self, setup: Setup | None = None, clock: Clock | None = None) -> None:
        self.setup = setup or Setup()
        self.clock = clock or SystemClock()
        self.version_text = self.setup.version
        self.version: Version = tuple(int(part) for part in self.setup.version.split("."))
        self.tables = Tables(self.version)
        self.editor = Editor(self.tables)
        self.journal = Journal()
        self.timers = Timers()
        self.faults = Faults()
        self.pools = Pools(self.tables)
        moment = Moment(self.now_us, self.clock.now_us, self.stamp)
        self.sessions = Sessions(self.tables, self.pools, self.journal, moment)
        self.modems = Modems(self.sessions, self.timers)
        self.modems.now_us = self.now_us
        self.sessions.on_end = lambda session, _reason: self.modems.dropped(session)
        self.hosts = dict(self.setup.hosts)
        self.names = NamedRows(self.tables.get("/ip/firewall/address-list"), self.hosts, self.stamp)
        self.stations = Stations(Dialled(self.sessions, self.tables.get("/ppp/active")))
        ground = Ground(
            self.tables, self.pools, self.journal, self.timers, moment, self.log, self.hosts, self.setup.assumed
        )
        self.access = AccessNetwork(ground, self.editor)
        self.stations.add(self.access.hosts)
        self.stations.on_carry.append(self.access.carried)
        firewalls = {4: Firewall(self.tables, "ip", self.stamp), 6: Firewall(self.tables, "ipv6", self.stamp)}
        self.traffic = Traffic(self.tables, self.hosts, firewalls, self.access)
        self.sessions.on_start = self._open_connections
        self.verbs: Verbs = self.access.verbs() | counter_verbs(self.tables)
        """Verbs that single parts bring, beside those every table has."""
        self.boots = 1
        self.booted_us = self.now_us()
        self._writes_before_boot = 0
        for family in ("ip", "ipv6"):
            table = self.tables.get(f"/{family}/firewall/address-list")
            TimedRows(table, self.timers, self.journal, self.clock, self.stamp)
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
        ntp = self.tables.get("/system/ntp/client").rows[0]
        return ntp.get("enabled") == "true" and self.setup.ntp_answers

    def local_time(self) -> datetime:
        """What the router believes (UTC, or time since its boot in 1970)."""
        if self.clock_is_set:
            return datetime.fromtimestamp(self.clock.now_us() // 1_000_000, UTC)
        return _EPOCH + timedelta(microseconds=self.now_us() - self.booted_us)

    def format_date(self, moment: datetime) -> str:
        """A date as this version writes it."""
        if self.version >= _ISO_DATES_SINCE:
            return moment.strftime("%Y-%m-%d")
        return moment.strftime("%b/%d/%Y").lower()

    def stamp(self) -> str:
        """Date and time as this version writes them."""
        moment = self.local_time()
        return f"{self.format_date(moment)} {moment:%H:%M:%S}"

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
        host_name: str = "", takes_offer: bool = True,
    ) -> Host:  # fmt: skip
        """Put a device on the wire, with an address set by hand or by DHCP; HostError when it cannot be there."""
        host = Host(mac, interface, address, name, client_id, host_name)
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

    def _open_connections(self, session: Session) -> None:
        for at in range(self.setup.connections_per_session):
            self.traffic.connect(session, f"203.0.113.{at % 250 + 1}", "tcp", 443)

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
        self.sessions.serving = False
        for session in self.sessions.all():
            self.sessions.end(session, reason)
        self.access.go_down(reason)

    def come_up(self) -> None:
        """Wake with what is on flash."""
        for table in self.tables:
            _forget(table)
        self.names.refresh_all()
        self.boots += 1
        for table in self.tables:
            if not table.menu.singleton:
                table.renumber(self.boots - 1)
        self.booted_us = self.now_us()
        self._writes_before_boot = self.journal.writes_in_all
        self.sessions.serving = True
        self.access.come_up()
        self.journal.event(self.clock.now_us(), "reboot")

    def run_timers(self) -> None:
        """Run what is due by now."""
        self.timers.run_due(self.now_us())

    def log(self, topics: str, message: str) -> None:
        """A line of /log."""
        table = self.tables.get("/log")
        table.insert({"time": self.stamp(), "topics": topics, "message": message})
        while len(table) > MAX_LOG_ROWS:
            table.remove(next(iter(table)))

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
