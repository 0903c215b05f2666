"""Logins: what one makes, and what ends it."""

from collections.abc import Callable, Iterable

from lab.mikrotik.errors import HotspotError
from lab.mikrotik.ethernet.dynamic_queue import give_queue, take_queue
from lab.mikrotik.ethernet.ground import Ground, clear
from lab.mikrotik.ethernet.hotspot.login import Login, left_of
from lab.mikrotik.ethernet.hotspot.presence import Presence
from lab.mikrotik.ethernet.hotspot.users import Users
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.store.table import Change, Row

MAX_LOGINS = 20_000
# A byte limit is looked at no more often than this, and no less often than that, while a habit runs.
MIN_LOOK_US = 100_000
MAX_LOOK_US = 600_000_000
_LOG_TOPICS = "hotspot,info,debug"


class Logins:
    """/ip/hotspot/active."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.users = Users(ground)
        self._active = ground.tables.get("/ip/hotspot/active")
        self._of_presence: dict[Presence, Login] = {}
        self.on_login: list[Callable[[Login], None]] = []
        self.on_logout: list[Callable[[Login, str], None]] = []
        self._active.watchers.append(self._active_changed)

    def of_row(self, row: Row) -> Login | None:
        return row.owner if isinstance(row.owner, Login) else None

    def of_presence(self, presence: Presence) -> Login | None:
        return self._of_presence.get(presence)

    def all(self) -> list[Login]:
        return list(self._of_presence.values())

    # -- in -----------------------------------------------------------------------------------------------------

    def log_in(self, presence: Presence, name: str, password: str | None, way: str) -> Login:
        """Let a device in; HotspotError with the page's text when it may not. None as a password is not asked for."""
        who = f"{name} ({presence.to_address})"
        self._ground.log(_LOG_TOPICS, f"{who}: trying to log in by {way}")
        try:
            user = self.users.entitled(presence, name, password)
            if len(self._of_presence) >= MAX_LOGINS:
                raise HotspotError("session limit reached")
        except HotspotError as error:
            self._ground.log(_LOG_TOPICS, f"{who}: login failed: {error}")
            self._ground.event("hotspot-denied", user=name, mac=presence.host.mac, way=way, reason=str(error))
            raise
        old = self._of_presence.get(presence)
        if old is not None:
            self.end(old, "user request")
        login = self._begin(presence, user, way)
        self._ground.log(_LOG_TOPICS.replace("info", "account,info"), f"{who}: logged in")
        self._ground.event("hotspot-login", user=name, mac=presence.host.mac, address=presence.to_address, way=way)
        for tell in self.on_login:
            tell(login)
        return login

    def _begin(self, presence: Presence, user: Row, way: str) -> Login:
        now_us, carried = self._ground.now_us(), self.users.used_by(presence)
        login = Login(presence, user, way, now_us, carried, carried, now_us)
        totals, profile = self.users.totals_of(user), self.users.profile(user)
        login.limits = left_of(user, totals)
        spans = [duration_us(value) for value in (profile.get("session-timeout"),) if value]
        if limit := user.get("limit-uptime"):
            spans.append(duration_us(limit) - totals.uptime_us)
        login.until_us = now_us + min(spans) if spans else None
        self._of_presence[presence] = login
        self.users.comes(login)
        presence.logged_in = True
        name, address = user.get("name"), presence.to_address
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
        profile, heard_us = self.users.profile(login.user), self.heard_us(login.presence)
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
        left = min(limit - used for limit, used in login.spent())
        return max(MIN_LOOK_US, min(MAX_LOOK_US, left * 8_000_000 // peak_bps)) if peak_bps else 0

    def heard_us(self, presence: Presence) -> int:
        """When the device last sent something, by hand or by habit."""
        if presence.host.ended:
            return presence.heard_us
        return max(presence.heard_us, self._ground.now_us() - self._ground.counters.idle_us(presence.host))

    def note_heard(self, presence: Presence) -> None:
        """Its habit ends here: remember when it last sent something."""
        presence.heard_us = self.heard_us(presence)

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
        self.users.used_by(login.presence)
        if any(used >= limit for limit, used in login.spent()):
            self.end(login, "traffic limit reached")

    def end(self, login: Login, reason: str) -> None:
        """Log a device out; its host stays. Nothing when it is out already."""
        if login.ended:
            return
        login.ended = True
        login.presence.logged_in = False
        self._of_presence.pop(login.presence, None)
        self.users.goes(login)
        if login.timer is not None:
            login.timer.cancel()
        take_queue(self._ground, login.presence.host, login.queue)
        clear(login.rows)
        name, address = login.user.get("name"), login.presence.to_address
        self._ground.log(_LOG_TOPICS.replace("info", "account,info"), f"{name} ({address}): logged out: {reason}")
        self._ground.event("hotspot-logout", user=name, mac=login.presence.host.mac, address=address, reason=reason)
        for tell in self.on_logout:
            tell(login, reason)

    def _active_changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED and isinstance(row.owner, Login):
            self.end(row.owner, "admin reset")

    def go_down(self, *, told: bool) -> None:
        """Nobody is logged in any more, and nobody hears of it."""
        self.users.go_down(told=told)
        for login in self.all():
            login.ended = True
            login.presence.logged_in = False
            if login.timer is not None:
                login.timer.cancel()
            take_queue(self._ground, login.presence.host, login.queue)
            login.rows.clear()
        self._of_presence.clear()
