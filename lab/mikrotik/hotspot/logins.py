"""Logins: who is let in by which right, what a login makes, and what ends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.mikrotik.dynamic_queue import give_queue, take_queue
from lab.mikrotik.errors import HotspotError
from lab.mikrotik.ground import Ground, clear
from lab.mikrotik.hotspot.presence import Presence
from lab.mikrotik.hotspot.totals import Totals
from lab.mikrotik.table import Change, Row, Table
from lab.mikrotik.timers import Timer
from lab.mikrotik.values import duration_us

MAX_LOGINS = 20_000
# A byte limit is looked at no more often than this, and no less often than that, while a habit runs.
MIN_LOOK_US = 100_000
MAX_LOOK_US = 600_000_000
_LOG_TOPICS = "hotspot,info,debug"
_BYTE_LIMITS = ("limit-bytes-in", "limit-bytes-out", "limit-bytes-total")


@dataclass(eq=False, slots=True)
class Login:
    """One logged-in device. `before` is what it had carried when it came, `settled` what is in the user's totals."""

    presence: Presence
    user: Row
    way: str
    since_us: int
    before: Totals
    settled: Totals
    settled_us: int
    until_us: int | None = None
    limits: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    timer: Timer | None = None
    queue: Row | None = None
    rows: list[tuple[Table, Row]] = field(default_factory=list)

    def carried(self) -> Totals:
        return Totals.of(self.presence.host).less(self.before)

    def unsettled(self, now_us: int) -> Totals:
        """What is not in the user's totals yet."""
        return Totals.of(self.presence.host).less(self.settled).plus(Totals(uptime_us=now_us - self.settled_us))


class Logins:
    """/ip/hotspot/active, and the totals of /ip/hotspot/user."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._users = ground.tables.get("/ip/hotspot/user")
        self._profiles = ground.tables.get("/ip/hotspot/user/profile")
        self._active = ground.tables.get("/ip/hotspot/active")
        self._of_presence: dict[Presence, Login] = {}
        self._totals: dict[Row, Totals] = {}
        self._active.watchers.append(self._active_changed)
        self._users.watchers.append(self._users_changed)

    def of_row(self, row: Row) -> Login | None:
        return row.owner if isinstance(row.owner, Login) else None

    def of_presence(self, presence: Presence) -> Login | None:
        return self._of_presence.get(presence)

    def all(self) -> list[Login]:
        return list(self._of_presence.values())

    def user(self, name: str, server: str) -> Row | None:
        """The user row that counts at a server: its own before one for all."""
        rows = [row for row in self._users.with_value("name", name) if row.get("server") in ("all", server)]
        rows.sort(key=lambda row: row.get("server") == "all")
        return rows[0] if rows else None

    def profile(self, user: Row) -> Row:
        return self._profiles.find(user.get("profile")) or next(iter(self._profiles))

    # -- in -----------------------------------------------------------------------------------------------------

    def log_in(self, presence: Presence, name: str, password: str | None, way: str) -> Login:
        """Let a device in; HotspotError with the page's text when it may not. None as a password is not asked for."""
        who = f"{name} ({presence.address})"
        self._ground.log(_LOG_TOPICS, f"{who}: trying to log in by {way}")
        try:
            user = self._right(presence, name, password)
        except HotspotError as error:
            self._ground.log(_LOG_TOPICS, f"{who}: login failed: {error}")
            self._ground.event("hotspot-denied", user=name, mac=presence.host.mac, way=way, reason=str(error))
            raise
        old = self._of_presence.get(presence)
        if old is not None:
            self.end(old, "user request")
        login = self._begin(presence, user, way)
        self._ground.log(_LOG_TOPICS.replace("info", "account,info"), f"{who}: logged in")
        self._ground.event("hotspot-login", user=name, mac=presence.host.mac, address=presence.address, way=way)
        return login

    def _right(self, presence: Presence, name: str, password: str | None) -> Row:
        user = self.user(name, presence.server.get("name"))
        if user is None or not user.enabled or password not in (None, user.get("password")):
            raise HotspotError("invalid username or password")
        if user.get("mac-address") not in ("", presence.host.mac):
            raise HotspotError(f"user {name} is not allowed to log in from this MAC address")
        totals = self.totals_of(user)
        if (limit := user.get("limit-uptime")) and totals.uptime_us >= duration_us(limit):
            raise HotspotError(f"user {name} has reached uptime limit")
        if any(left <= 0 for left in _left(user, totals).values()):
            raise HotspotError(f"user {name} has reached traffic limit")
        shared = self.profile(user).get("shared-users")
        others = [one for one in self.of_user(user) if one.presence is not presence]
        if (shared != "unlimited" and len(others) >= int(shared or 1)) or len(self._of_presence) >= MAX_LOGINS:
            raise HotspotError(f"no more sessions are allowed for user {name}")
        return user

    def _begin(self, presence: Presence, user: Row, way: str) -> Login:
        now_us, carried = self._ground.now_us(), self._up_to_now(presence)
        login = Login(presence, user, way, now_us, carried, carried, now_us)
        totals, profile = self.totals_of(user), self.profile(user)
        login.limits = _left(user, totals)
        spans = [duration_us(value) for value in (profile.get("session-timeout"),) if value]
        if limit := user.get("limit-uptime"):
            spans.append(duration_us(limit) - totals.uptime_us)
        login.until_us = now_us + min(spans) if spans else None
        self._of_presence[presence] = login
        presence.logged_in = True
        name, address = user.get("name"), presence.address
        queue_name = f"<hotspot-{name}>"
        login.queue = give_queue(self._ground, presence.host, login, profile, name=queue_name, address=address)
        self._ground.list_address(login.rows, profile.get("address-list"), address, login)
        self._ground.add_row(login.rows, "/ip/hotspot/active", {
            "server": presence.server.get("name"), "user": name, "address": address, "mac-address": presence.host.mac,
            "login-by": way, "idle-timeout": profile.get("idle-timeout"), "radius": "false", "blocked": "false",
            "keepalive-timeout": profile.get("keepalive-timeout"),
        } | {limit: str(left) for limit, left in login.limits.items()}, login)  # fmt: skip
        self.watch(login)
        return login

    # -- out ----------------------------------------------------------------------------------------------------

    def watch(self, login: Login) -> None:
        """Wait for what ends the login first: its time, silence, or the time after it was unplugged."""
        if login.timer is not None:
            login.timer.cancel()
        ends = list(self._ends(login))
        if ends and not login.ended:
            login.timer = self._ground.timers.at(min(ends)[0], lambda: self._due(login))

    def _ends(self, login: Login) -> Iterable[tuple[int, str]]:
        """(when, why) of everything that will end it."""
        profile, heard_us = self.profile(login.user), self._heard_us(login.presence)
        if login.until_us is not None:
            timeout = profile.get("session-timeout")
            by_time = timeout and login.until_us == login.since_us + duration_us(timeout)
            yield login.until_us, "session timeout" if by_time else "uptime limit reached"
        if (idle := profile.get("idle-timeout")) not in ("", "none"):
            yield heard_us + duration_us(idle), "idle timeout"
        keepalive = profile.get("keepalive-timeout")
        if login.presence.host.ended and keepalive not in ("", "none"):
            yield heard_us + duration_us(keepalive), "keepalive timeout"
        if login.limits and not login.presence.host.ended and (look := self._look_us(login)):
            yield self._ground.now_us() + look, ""

    def _look_us(self, login: Login) -> int:
        """When a habit may have used up the bytes that are left, at its fastest; 0 for a quiet one."""
        peak_bps = self._ground.counters.peak_bps(login.presence.host)
        left = min(limit - used for limit, used in self._of_limits(login))
        return max(MIN_LOOK_US, min(MAX_LOOK_US, left * 8_000_000 // peak_bps)) if peak_bps else 0

    def _of_limits(self, login: Login) -> list[tuple[int, int]]:
        """(limit, used) of each."""
        used = dict(zip(_BYTE_LIMITS, _used(login.carried()), strict=True))
        return [(limit, used[name]) for name, limit in login.limits.items()]

    def _heard_us(self, presence: Presence) -> int:
        """When the device last sent something, by hand or by habit."""
        if presence.host.ended:
            return presence.heard_us
        return max(presence.heard_us, self._ground.now_us() - self._ground.counters.idle_us(presence.host))

    def note_heard(self, presence: Presence) -> None:
        """Its habit ends here: remember when it last sent something."""
        presence.heard_us = self._heard_us(presence)

    def _up_to_now(self, presence: Presence) -> Totals:
        if not presence.host.ended:
            self._ground.counters.of_station(presence.host)
        return Totals.of(presence.host)

    def _due(self, login: Login) -> None:
        self.counted(login)
        if login.ended:
            return
        first = min(self._ends(login), default=None)
        if first is not None and first[0] <= self._ground.now_us():
            self.end(login, first[1])
        else:
            self.watch(login)

    def counted(self, login: Login) -> None:
        """End a login that has used up its bytes."""
        self._up_to_now(login.presence)
        if any(used >= limit for limit, used in self._of_limits(login)):
            self.end(login, "traffic limit reached")

    def end(self, login: Login, reason: str) -> None:
        """Log a device out; its host stays. Nothing when it is out already."""
        if login.ended:
            return
        login.ended = True
        login.presence.logged_in = False
        self._of_presence.pop(login.presence, None)
        if login.timer is not None:
            login.timer.cancel()
        self._settle(login)
        take_queue(self._ground, login.presence.host, login.queue)
        clear(login.rows)
        name, address = login.user.get("name"), login.presence.address
        self._ground.log(_LOG_TOPICS.replace("info", "account,info"), f"{name} ({address}): logged out: {reason}")
        self._ground.event("hotspot-logout", user=name, mac=login.presence.host.mac, address=address, reason=reason)

    def _active_changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED and isinstance(row.owner, Login):
            self.end(row.owner, "admin reset")

    # -- totals -------------------------------------------------------------------------------------------------

    def of_user(self, user: Row) -> list[Login]:
        """The user's live logins."""
        rows = self._active.with_value("user", user.get("name"))
        return [login for row in rows if (login := self.of_row(row)) is not None and login.user is user]

    def totals_of(self, user: Row) -> Totals:
        """What counts against the user's limits: past logins and live ones."""
        totals, now_us = self._totals.get(user, Totals()), self._ground.now_us()
        for login in self.of_user(user):
            self._up_to_now(login.presence)
            totals = totals.plus(login.unsettled(now_us))
        return totals

    def reset(self, user: Row) -> None:
        """Count anew; limits of a live login stay as they were dealt."""
        for login in self.of_user(user):
            self._settle(login)
        self._totals.pop(user, None)

    def _settle(self, login: Login) -> None:
        now_us = self._ground.now_us()
        self._up_to_now(login.presence)
        if self._users.has(login.user):
            self._totals[login.user] = self._totals.get(login.user, Totals()).plus(login.unsettled(now_us))
        login.settled, login.settled_us = Totals.of(login.presence.host), now_us

    def _users_changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._totals.pop(row, None)

    def go_down(self, *, told: bool) -> None:
        """Nobody is logged in any more; an orderly reboot adds what they used to their totals first."""
        for login in self.all():
            login.ended = True
            login.presence.logged_in = False
            if login.timer is not None:
                login.timer.cancel()
            if told:
                self._settle(login)
            login.rows.clear()
        self._of_presence.clear()
        if not self._ground.switches.hotspot_counters_survive_reboot:
            self._totals.clear()


def _left(user: Row, totals: Totals) -> dict[str, int]:
    """Bytes left of each limit the user has."""
    limits = zip(_BYTE_LIMITS, _used(totals), strict=True)
    return {name: int(user.get(name)) - spent for name, spent in limits if user.get(name)}


def _used(totals: Totals) -> tuple[int, int, int]:
    """In the order of the limits."""
    return totals.bytes_in, totals.bytes_out, totals.bytes_in + totals.bytes_out
