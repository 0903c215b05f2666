"""/ip/hotspot/cookie: what logs a device in again without anybody typing; MAC cookies work behind the agent's back."""

from dataclasses import dataclass

from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.store.table import Change, Row

MAX_COOKIES = 50_000


@dataclass(frozen=True, slots=True)
class Cookie:
    """What a cookie holds beside its row."""

    user: str
    password: str
    until_us: int


class Cookies:
    """At most one MAC cookie and one browser cookie per device."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._table = ground.tables.get("/ip/hotspot/cookie")
        self._held: dict[Row, Cookie] = {}
        self._table.watchers.append(self._changed)

    def until_us(self, row: Row) -> int | None:
        cookie = self._held.get(row)
        return None if cookie is None else cookie.until_us

    def of(self, mac: str, *, mac_cookie: bool) -> Cookie | None:
        """The device's cookie, if it still holds."""
        row = self._row(mac, mac_cookie=mac_cookie)
        cookie = None if row is None else self._held.get(row)
        return cookie if cookie is not None and cookie.until_us > self._ground.now_us() else None

    def give(self, user: str, password: str, mac: str, lifetime_us: int, *, mac_cookie: bool) -> None:
        """A new cookie in place of the device's old one of this kind."""
        self.take(mac, mac_cookie=mac_cookie)
        if lifetime_us <= 0 or len(self._table) >= MAX_COOKIES:
            return
        row = self._table.insert({
            "user": user, "domain": "", "mac-address": mac, "mac-cookie": "true" if mac_cookie else "false",
        })  # fmt: skip
        self._held[row] = Cookie(user, password, self._ground.now_us() + lifetime_us)
        self._ground.later(lifetime_us, lambda: self._table.remove(row))

    def take(self, mac: str, *, mac_cookie: bool) -> None:
        """The device's cookie of this kind is gone."""
        if (row := self._row(mac, mac_cookie=mac_cookie)) is not None:
            self._table.remove(row)

    def come_up(self) -> None:
        if not self._ground.switches.cookies_survive_reboot:
            for row in list(self._table):
                self._table.remove(row)

    def _row(self, mac: str, *, mac_cookie: bool) -> Row | None:
        wanted = "true" if mac_cookie else "false"
        return next(
            (row for row in self._table.with_value("mac-address", mac) if row.get("mac-cookie") == wanted), None
        )

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._held.pop(row, None)
