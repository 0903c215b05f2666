"""The simulated router as a whole: tables, sessions, traffic, clock; what it keeps and what it loses at a boot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lab.clock import Clock, SystemClock
from lab.mikrotik.commands import Verbs
from lab.mikrotik.console.desk import Desk
from lab.mikrotik.delivery import deliver
from lab.mikrotik.edit import Editor
from lab.mikrotik.faults import Faults
from lab.mikrotik.journal import Journal
from lab.mikrotik.modems import DEFAULT_REDIAL_S, Modems
from lab.mikrotik.names import NamedRows
from lab.mikrotik.pools import Pools
from lab.mikrotik.schema import Version
from lab.mikrotik.sessions import Moment, Session, Sessions
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
    `connections_per_session` is what a subscriber opens as soon as he is online; `import_reads_whole` that `/import`
    reads a file to its end before the first command runs."""

    version: str = DEFAULT_VERSION
    user: str = "admin"
    password: str = ""
    group: str = "full"
    empty: bool = False
    ntp_answers: bool = True
    connections_per_session: int = 0
    import_reads_whole: bool = False
    hosts: Mapping[str, list[str]] = field(default_factory=dict)


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
        self.traffic = Traffic(self.tables, self.sessions, self.hosts)
        self.sessions.on_start = self._open_connections
        self.verbs: Verbs = {}
        """Verbs that single parts bring, beside those every table has."""
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

    def reach(self, user: str, to: str, protocol: str = "tcp", port: int = 443, *, inbound: bool = False) -> Reach:
        """Whether a packet of the user gets there, and which rule said so."""
        return self.traffic.reach(user, to, protocol, port, inbound=inbound)

    def connect(
        self, user: str, to: str, protocol: str = "tcp", port: int = 443, *, fasttracked: bool | None = None
    ) -> bool:
        """Open a connection that stays in /ip/firewall/connection. False when it was not let through."""
        return self.traffic.connect(user, to, protocol, port, fasttracked=fasttracked) is not None

    def carry(self, user: str, up_bytes: int, down_bytes: int) -> bool:
        """Count traffic on the user's session. False when he is offline."""
        session = self.sessions.of_user(user)
        if session is None:
            return False
        session.bytes_up += up_bytes
        session.bytes_down += down_bytes
        return True

    def set_host(self, name: str, addresses: list[str]) -> None:
        """What DNS answers for this name from now on; address lists that hold the name follow."""
        self.hosts[name] = list(addresses)
        self.names.refresh(name)

    def _open_connections(self, session: Session) -> None:
        for at in range(self.setup.connections_per_session):
            self.traffic.connect(session.user, f"203.0.113.{at % 250 + 1}", "tcp", 443)

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
        self.sessions.serving = True
        self.journal.event(self.clock.now_us(), "reboot")
        self.desk.started()

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
        lost = row.dynamic or not table.menu.survives_reboot or row.owner is not None
        if lost and not row.builtin:
            table.remove(row)
