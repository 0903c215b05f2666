"""Hotspot users: whose row counts at a server, what they used over all their logins, what is left."""

from lab.mikrotik.errors import HotspotError
from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hotspot.login import Login, left_of
from lab.mikrotik.ethernet.hotspot.presence import Presence
from lab.mikrotik.ethernet.hotspot.totals import Totals
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.store.table import Change, Row


class Users:
    """Reads /ip/hotspot/user and its profiles; keeps the totals."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._table = ground.tables.get("/ip/hotspot/user")
        self._profiles = ground.tables.get("/ip/hotspot/user/profile")
        self._totals: dict[Row, Totals] = {}
        self._online: dict[Row, list[Login]] = {}
        self._table.watchers.append(self._changed)

    def find(self, name: str, server: str) -> Row | None:
        """The user row that counts at a server: its own before one for all."""
        rows = [row for row in self._table.with_value("name", name) if row.get("server") in ("all", server)]
        rows.sort(key=lambda row: row.get("server") == "all")
        return rows[0] if rows else None

    def profile(self, user: Row) -> Row:
        return self._profiles.find(user.get("profile")) or next(iter(self._profiles))

    def entitled(self, presence: Presence, name: str, password: str | None) -> Row:
        """The user who may log in here; HotspotError with the page's text when nobody may. None as a password is not
        asked for."""
        user = self.find(name, presence.server.get("name"))
        if user is None or not user.enabled or password not in (None, user.get("password")):
            raise HotspotError("invalid username or password")
        if user.get("mac-address") not in ("", presence.host.mac):
            raise HotspotError(f"user {name} is not allowed to log in from this MAC address")
        totals = self.totals_of(user)
        if (limit := user.get("limit-uptime")) and totals.uptime_us >= duration_us(limit):
            raise HotspotError(f"user {name} has reached uptime limit")
        if any(left <= 0 for left in left_of(user, totals).values()):
            raise HotspotError(f"user {name} has reached traffic limit")
        shared = self.profile(user).get("shared-users")
        others = [one for one in self.online(user) if one.presence is not presence]
        if shared != "unlimited" and len(others) >= int(shared or 1):
            raise HotspotError(f"no more sessions are allowed for user {name}")
        return user

    def online(self, user: Row) -> list[Login]:
        """The user's live logins."""
        return list(self._online.get(user, ()))

    def comes(self, login: Login) -> None:
        self._online.setdefault(login.user, []).append(login)

    def goes(self, login: Login) -> None:
        """What he used is added to his total."""
        self._settle(login)
        others = self._online[login.user]
        others.remove(login)
        if not others:
            del self._online[login.user]

    def used_by(self, presence: Presence) -> Totals:
        """What a host has carried up to now."""
        if not presence.host.ended:
            self._ground.counters.of_station(presence.host)
        return Totals.of(presence.host)

    def totals_of(self, user: Row) -> Totals:
        """What counts against the user's limits: past logins and live ones."""
        totals, now_us = self._totals.get(user, Totals()), self._ground.now_us()
        for login in self.online(user):
            self.used_by(login.presence)
            totals = totals.plus(login.unsettled(now_us))
        return totals

    def reset(self, user: Row) -> None:
        """Count anew; limits of a live login stay as they were dealt."""
        for login in self.online(user):
            self._settle(login)
        self._totals.pop(user, None)

    def go_down(self, *, told: bool) -> None:
        """Nobody is online any more; an orderly reboot adds what they used to their totals first."""
        for logins in self._online.values() if told else ():
            for login in logins:
                self._settle(login)
        self._online.clear()
        if not self._ground.switches.hotspot_counters_survive_reboot:
            self._totals.clear()

    def _settle(self, login: Login) -> None:
        now_us = self._ground.now_us()
        self.used_by(login.presence)
        if self._table.has(login.user):
            self._totals[login.user] = self._totals.get(login.user, Totals()).plus(login.unsettled(now_us))
        login.settled, login.settled_us = Totals.of(login.presence.host), now_us

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._totals.pop(row, None)
