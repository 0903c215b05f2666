"""PPPoE sessions: who is let in, which dynamic rows a session makes, and what takes them away again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.mikrotik.errors import DialError
from lab.mikrotik.journal import Journal
from lab.mikrotik.pools import Pools
from lab.mikrotik.table import Change, Row, Table
from lab.mikrotik.tables import Tables
from lab.mikrotik.values import Kind, duration, rate, split_list, text

MAX_SESSIONS = 20_000
BEFORE_ALL = "first"


@dataclass(eq=False, slots=True)
class Session:
    """One live PPPoE session and the dynamic rows that live and die with it."""

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
    """The PPPoE server of the router."""

    def __init__(self, tables: Tables, pools: Pools, journal: Journal, moment: Moment) -> None:
        self._tables = tables
        self._pools = pools
        self._journal = journal
        self._moment = moment
        self._secrets = tables.get("/ppp/secret")
        self._profiles = tables.get("/ppp/profile")
        self._active = tables.get("/ppp/active")
        self._servers = tables.get("/interface/pppoe-server/server")
        self._count = 0
        self.serving = True
        self.on_start: Callable[[Session], None] = lambda _session: None
        self.on_end: Callable[[Session, str], None] = lambda _session, _reason: None
        self._active.watchers.append(self._when_removed)
        tables.get("/interface/pppoe-server").watchers.append(self._when_removed)

    def of_row(self, row: Row) -> Session | None:
        """The session that made a dynamic row."""
        return row.owner if isinstance(row.owner, Session) else None

    def of_user(self, user: str) -> Session | None:
        """The newest session of a user."""
        rows = list(self._active.with_value("name", user))
        return self.of_row(rows[-1]) if rows else None

    def all(self) -> list[Session]:
        return [session for row in self._active if (session := self.of_row(row)) is not None]

    def dial(self, user: str, password: str, caller_id: str | None = None, service: str = "") -> Session:
        """Let a client in, or raise DialError with what the router would log."""
        try:
            return self._dial(user, password, caller_id or mac_of(user), service)
        except DialError as error:
            self._journal.event(self._moment.wall_us(), "denied", user=user, reason=str(error))
            raise

    def _dial(self, user: str, password: str, caller_id: str, service: str) -> Session:
        server = self._server(service)
        secret = self._secret(user, password, caller_id)
        profile = _Profile(self._profiles, secret.get("profile"), server.get("default-profile"))
        if server.get("one-session-per-host") == "true":
            for row in list(self._active.with_value("caller-id", caller_id)):
                self.end(row.owner, "peer-request")
        if profile.get("only-one") == "yes" and any(self._active.with_value("name", user)):
            raise DialError(f"user {user} is already active")
        if len(self._active) >= MAX_SESSIONS:
            raise DialError("too many sessions")
        session = Session(
            user=user,
            address=self._address(secret, profile),
            local_address=secret.get("local-address") or self._one_address(profile.get("local-address")),
            prefix=secret.get("remote-ipv6-prefix"),
            caller_id=caller_id,
            profile=profile.name,
            rate_limit=profile.get("rate-limit"),
            interface=self._interface_name(user),
            since_us=self._moment.monotonic_us(),
        )
        self._make_rows(session, profile, server)
        self._journal.event(
            self._moment.wall_us(), "online", user=user, address=session.address, rate=session.rate_limit,
            profile=session.profile,
        )  # fmt: skip
        self.on_start(session)
        return session

    def _server(self, service: str) -> Row:
        for server in self._servers if self.serving else ():
            if server.enabled and service in ("", server.get("service-name")):
                return server
        raise DialError("no PPPoE server answers (timeout)")

    def _secret(self, user: str, password: str, caller_id: str) -> Row:
        secret = self._secrets.find(user) if not user.startswith("*") else None
        right = (
            secret is not None
            and secret.enabled
            and secret.get("service") in ("any", "pppoe")
            and secret.get("password") == password
            and secret.get("caller-id") in ("", caller_id)
        )
        if secret is None or not right:
            raise DialError("user authentication failed")
        return secret

    def _address(self, secret: Row, profile: "_Profile") -> str:
        fixed = secret.get("remote-address")
        address = fixed or self._one_address(profile.get("remote-address"))
        if not address:
            raise DialError("could not determine remote address")
        return address

    def _one_address(self, value: str) -> str:
        """An address as it is, or the next one of a pool."""
        if not value or (value[0].isdecimal() and value.count(".") == 3):
            return value
        return self._pools.allocate(value) or ""

    def _interface_name(self, user: str) -> str:
        interfaces = self._tables.get("/interface")
        name, count = f"<pppoe-{user}>", 0
        while interfaces.find(name) is not None:
            count += 1
            name = f"<pppoe-{user}-{count}>"
        return name

    def _make_rows(self, session: Session, profile: "_Profile", server: Row) -> None:
        self._count += 1
        self._add(session, "/interface", {
            "name": session.interface, "type": "pppoe-in", "actual-mtu": "1480", "running": "true",
            "disabled": "false", "dynamic": "true",
        })  # fmt: skip
        self._add(session, "/interface/pppoe-server", {
            "name": session.interface, "user": session.user, "service": server.get("service-name"),
            "mtu": "1480", "mru": "1480", "remote-address": session.caller_id, "encoding": "",
            "interface": server.get("interface"), "dynamic": "true", "running": "true", "disabled": "false",
        })  # fmt: skip
        self._add_queue(session, profile)
        for name in split_list(profile.get("address-list")):
            self._add(session, "/ip/firewall/address-list", {
                "list": name, "address": session.address, "dynamic": "true", "disabled": "false",
                "creation-time": self._moment.router_time(),
            })  # fmt: skip
        self._add(session, "/ppp/active", {
            "name": session.user, "service": "pppoe", "caller-id": session.caller_id,
            "address": session.address, "encoding": "", "session-id": f"0x{0x81000000 + self._count:08x}",
            "limit-bytes-in": "0", "limit-bytes-out": "0",
        })  # fmt: skip

    def _add_queue(self, session: Session, profile: "_Profile") -> None:
        """The speed of a session is a queue made at login; no rate-limit means no queue at all."""
        if not session.rate_limit:
            return
        queues = self._tables.get("/queue/simple")
        where = profile.get("insert-queue-before")
        before = queues.at_position(0) if where == BEFORE_ALL else queues.find(where) if where else None
        values = {
            name: known.default
            for name, known in queues.fields.items()
            if known.default is not None and known.default not in known.absent_when
        }
        values |= queue_limits(session.rate_limit)
        values |= {"name": session.interface, "target": session.interface, "dynamic": "true"}
        values["parent"] = profile.get("parent-queue") or "none"
        session.rows.append((queues, queues.insert(values, owner=session, before=before)))

    def _add(self, session: Session, path: str, values: dict[str, str]) -> None:
        table = self._tables.get(path)
        session.rows.append((table, table.insert(values, owner=session)))

    def _when_removed(self, change: Change, row: Row) -> None:
        """Whoever removes the active row hangs up."""
        if change is Change.REMOVED and isinstance(row.owner, Session):
            self.end(row.owner, "nas-request")

    def end(self, session: object, reason: str) -> None:
        """Take a session down with all its rows; nothing when it is down already."""
        if not isinstance(session, Session) or session.ended:
            return
        session.ended = True
        for table, row in session.rows:
            table.remove(row)
        self._remember(session, reason)
        self._journal.event(
            self._moment.wall_us(), "offline", user=session.user, address=session.address, reason=reason
        )
        self.on_end(session, reason)

    def _remember(self, session: Session, reason: str) -> None:
        """On the secret, unless the power is gone (no reason)."""
        secret = self._secrets.find(session.user)
        if secret is None or not reason:
            return
        values = {"last-logged-out": self._moment.router_time(), "last-caller-id": session.caller_id}
        if self._tables.version >= (7,):
            values["last-disconnect-reason"] = reason
        self._secrets.change(secret, values)


class _Profile:
    """A secret's profile; what it leaves unset comes from the server's default profile."""

    def __init__(self, profiles: Table, name: str, fallback: str) -> None:
        self.name = name
        self._rows = [row for row in (profiles.find(name), profiles.find(fallback)) if row is not None]

    def get(self, field: str) -> str:
        for row in self._rows:
            value = row.get(field)
            if value and value != "default":
                return value
        return ""


_LIMIT_KINDS: dict[str, Kind] = {"burst-time": duration(), "priority": text}


def queue_limits(rate_limit: str) -> dict[str, str]:
    """Queue properties of a profile's `rx/tx rx-burst/tx-burst …`: rx is what the subscriber sends."""
    names = ("max-limit", "burst-limit", "burst-threshold", "burst-time", "priority", "limit-at")
    limits: dict[str, str] = {}
    for name, part in zip(names, rate_limit.split(), strict=False):
        up, _, down = part.partition("/")
        down = down or up
        kind = _LIMIT_KINDS.get(name, rate)
        limits[name] = f"{kind(up)}/{kind(down)}"
    return limits


def mac_of(user: str) -> str:
    """A steady hardware address for the modem of a user."""
    digest = hashlib.sha256(user.encode("utf-8", "surrogateescape")).digest()
    return ":".join(f"{octet:02X}" for octet in (0x02, *digest[:5]))
