"""PPPoE sessions: how one begins, which dynamic rows it makes, and what takes them away again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.mikrotik.errors import DialError
from lab.mikrotik.journal import Journal
from lab.mikrotik.ppp.admission import Admission, Caller
from lab.mikrotik.ppp.pools import Pools
from lab.mikrotik.ppp.profiles import Profile, Profiles
from lab.mikrotik.ppp.session_rows import SessionRows
from lab.mikrotik.store.table import Change, Row, Table
from lab.mikrotik.store.tables import Tables
from lab.mikrotik.switches import Switches
from lab.mikrotik.timers import Timer

# A session whose peer vanished is kept this long where the server does not say (seconds).
DEFAULT_KEEPALIVE_S = 10


@dataclass(eq=False, slots=True)
class Session:
    """One live PPPoE session and the dynamic rows that live and die with it.

    `port` is where its server listens; limits are bytes, 0 for none; `keepalive_us` is None when the server asks for
    no sign of life; `silent` once the peer is gone without a word.
    """

    user: str
    address: str
    local_address: str
    prefix: str
    caller_id: str
    profile: str
    rate_limit: str
    interface: str
    since_us: int
    bytes_up: int = 0
    bytes_down: int = 0
    packets_up: int = 0
    packets_down: int = 0
    ended: bool = False
    rows: list[tuple[Table, Row]] = field(default_factory=list)
    number: int = 0
    port: str = ""
    server: Row | None = None
    session_timeout_us: int = 0
    idle_timeout_us: int = 0
    limit_up: int = 0
    limit_down: int = 0
    keepalive_us: int | None = None
    silent: bool = False
    held: str = ""
    prefix_pool: str = ""
    on_up: str = ""
    on_down: str = ""
    timers: list[Timer] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.user

    @property
    def mac(self) -> str:
        return self.caller_id


@dataclass(frozen=True, slots=True)
class Moment:
    """The two clocks and the router's own notion of local time, as functions."""

    monotonic_us: Callable[[], int]
    wall_us: Callable[[], int]
    router_time: Callable[[], str]


class Sessions:
    """The PPPoE servers of the router and everybody they let in."""

    def __init__(
        self, tables: Tables, pools: Pools, journal: Journal, moment: Moment, switches: Switches | None = None
    ) -> None:
        self._tables = tables
        self._pools = pools
        self._journal = journal
        self._moment = moment
        self._switches = switches or Switches()
        self._secrets = tables.get("/ppp/secret")
        self._active = tables.get("/ppp/active")
        self._servers = tables.get("/interface/pppoe-server/server")
        self._profiles = Profiles(tables)
        self._rows = SessionRows(tables, moment.router_time)
        self._per_server: dict[Row, int] = {}
        self._admission = Admission(tables, lambda server: self._per_server.get(server, 0))
        self._count = 0
        self.serving = True
        self.on_start: list[Callable[[Session], None]] = []
        self.on_end: list[Callable[[Session, str], None]] = []
        self.on_refused: list[Callable[[Caller, DialError], None]] = []
        self._active.watchers.append(self._when_removed)
        tables.get("/interface/pppoe-server").watchers.append(self._when_removed)
        self._servers.watchers.append(self._when_server_changes)

    def of_row(self, row: Row) -> Session | None:
        """The session that made a dynamic row."""
        return row.owner if isinstance(row.owner, Session) else None

    def of_user(self, user: str) -> Session | None:
        """The newest session of a user."""
        rows = list(self._active.with_value("name", user))
        return self.of_row(rows[-1]) if rows else None

    def all(self) -> list[Session]:
        return [session for row in self._active if (session := self.of_row(row)) is not None]

    # -- beginning ----------------------------------------------------------------------------------------------

    def dial(self, user: str, password: str, caller_id: str | None = None, service: str = "") -> Session:
        """Let a client in, or raise DialError with what the router would log."""
        caller = Caller(user, password, caller_id or mac_of(user), service)
        try:
            return self._dial(caller)
        except DialError as error:
            self._journal.event(self._moment.wall_us(), "denied", user=caller.user, reason=str(error), why=error.why)
            for tell in self.on_refused:
                tell(caller, error)
            raise

    def _dial(self, caller: Caller) -> Session:
        if not self.serving:
            raise DialError("no PPPoE server answers (timeout)", "no-server")
        server = self._admission.server_for(caller.service)
        secret = self._admission.secret_for(caller)
        if self._switches.license_limits_sessions:
            self._admission.check_licence(len(self._active))
        profile = self._profiles.get(secret.get("profile"), server.get("default-profile"))
        self._make_room(caller, server, profile)
        session = self._session(caller, server, secret, profile)
        self._per_server[server] = self._per_server.get(server, 0) + 1
        self._rows.make(session, profile)
        self._journal.event(
            self._moment.wall_us(), "online", user=session.user, address=session.address, rate=session.rate_limit,
            profile=session.profile,
        )  # fmt: skip
        for tell in self.on_start:
            tell(session)
        return session

    def _make_room(self, caller: Caller, server: Row, profile: Profile) -> None:
        """A host that dials again takes its own place; a second host of an `only-one` user finds none."""
        if server.get("one-session-per-host") == "true":
            for row in list(self._active.with_value("caller-id", caller.mac)):
                self.end(row.owner, "peer-request")
        if profile.get("only-one") != "yes":
            return
        for row in list(self._active.with_value("name", caller.user)):
            if not self._switches.only_one_drops_old:
                raise DialError(f"user {caller.user} is already active", "only-one")
            self.end(row.owner, "nas-request")

    def _session(self, caller: Caller, server: Row, secret: Row, profile: Profile) -> Session:
        address = secret.get("remote-address") or self._one_address(profile.get("remote-address"))
        if not address:
            raise DialError("could not determine remote address", "no-address")
        self._count += 1
        local, held = self._local_address(secret, profile, address)
        prefix, prefix_pool = self._prefix(secret, profile)
        return Session(
            user=caller.user,
            address=address,
            local_address=local,
            prefix=prefix,
            prefix_pool=prefix_pool,
            caller_id=caller.mac,
            profile=profile.name,
            rate_limit=profile.get("rate-limit"),
            interface=self._rows.interface_name(caller.user),
            since_us=self._moment.monotonic_us(),
            number=self._count,
            port=server.get("interface"),
            server=server,
            session_timeout_us=profile.session_timeout_us,
            idle_timeout_us=profile.idle_timeout_us,
            limit_up=int(secret.get("limit-bytes-in") or 0),
            limit_down=int(secret.get("limit-bytes-out") or 0),
            keepalive_us=_keepalive_us(server.get("keepalive-timeout")),
            held=held,
            on_up=profile.get("on-up"),
            on_down=profile.get("on-down"),
        )

    def _one_address(self, value: str) -> str:
        """An address as it is, or the next one of a pool."""
        return value if not value or _is_address(value) else self._pools.allocate(value) or ""

    def _local_address(self, secret: Row, profile: Profile, remote: str) -> tuple[str, str]:
        """(the router's end, the same when it came from a pool and is to be given back)."""
        value = secret.get("local-address") or profile.get("local-address")
        if not value or _is_address(value):
            return value, ""
        self._pools.hold(remote)  # not in /ppp/active yet, and the same pool may serve both ends
        address = self._pools.allocate(value) or ""
        self._pools.release(remote)
        if address:
            self._pools.hold(address)
        return address, address

    def _prefix(self, secret: Row, profile: Profile) -> tuple[str, str]:
        """(the session's IPv6 prefix, the pool it came from), both empty without one."""
        if profile.get("use-ipv6") == "no":
            return "", ""
        if fixed := secret.get("remote-ipv6-prefix"):
            return fixed, ""
        pool = profile.get("remote-ipv6-prefix-pool")
        prefix = self._pools.allocate_prefix(pool) if pool else ""
        return prefix, pool if prefix else ""

    # -- end ----------------------------------------------------------------------------------------------------

    def _when_removed(self, change: Change, row: Row) -> None:
        """Whoever removes the active row hangs up."""
        if change is Change.REMOVED and isinstance(row.owner, Session):
            self.end(row.owner, "nas-request")

    def _when_server_changes(self, change: Change, row: Row) -> None:
        if change is Change.ADDED or not self._switches.disabled_server_ends_sessions:
            return
        if change is Change.REMOVED or not row.enabled:
            for session in self.all() if self._per_server.get(row) else ():
                if session.server is row:
                    self.end(session, "nas-request")

    def end(self, session: object, reason: str) -> None:
        """Take a session down with all its rows; nothing when it is down already."""
        if not isinstance(session, Session) or session.ended:
            return
        session.ended = True
        for timer in session.timers:
            timer.cancel()
        # First whoever counts, while the rows are still there to count on.
        for tell in self.on_end:
            tell(session, reason)
        for table, row in session.rows:
            table.remove(row)
        if session.server is not None:
            self._per_server[session.server] -= 1
        self._pools.release(session.held)
        self._remember(session, reason)
        self._journal.event(
            self._moment.wall_us(), "offline", user=session.user, address=session.address, reason=reason
        )

    def _remember(self, session: Session, reason: str) -> None:
        """On the secret, unless the power is gone (no reason)."""
        secret = self._secrets.find(session.user)
        if secret is None or not reason:
            return
        values = {"last-logged-out": self._moment.router_time(), "last-caller-id": session.caller_id}
        if self._tables.version >= (7,):
            values["last-disconnect-reason"] = reason
        self._secrets.change(secret, values)


def _is_address(value: str) -> bool:
    return value[0].isdecimal() and value.count(".") == 3


def _keepalive_us(value: str) -> int | None:
    if value == "disabled":
        return None
    return (int(value) if value.isdecimal() else DEFAULT_KEEPALIVE_S) * 1_000_000


def mac_of(user: str) -> str:
    """A steady hardware address for the modem of a user."""
    digest = hashlib.sha256(user.encode("utf-8", "surrogateescape")).digest()
    return ":".join(f"{octet:02X}" for octet in (0x02, *digest[:5]))
