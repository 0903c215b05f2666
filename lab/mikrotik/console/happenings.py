"""What sets the console going: sessions, logins and leases that begin and end (`on-up`, `on-login`, `lease-script` …),
and a clock that jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.sessions import Session
from lab.mikrotik.table import Change, Row

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk


class Happenings:
    """Runs the scripts that profiles and servers name, right after the event, when its rows are there or gone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._router = desk.router
        self._bound: dict[Row, dict[str, str]] = {}
        sessions, tables = self._router.sessions, self._router.tables
        sessions.on_start.append(lambda session: self._soon("on-up", session.on_up, _of_session(session)))
        sessions.on_end.append(lambda session, _reason: self._soon("on-down", session.on_down, _of_session(session)))
        if tables.has("/ip/hotspot/active"):
            tables.get("/ip/hotspot/active").watchers.append(self._logged)
        if tables.has("/ip/dhcp-server/lease"):
            tables.get("/ip/dhcp-server/lease").watchers.append(self._leased)
        self._told = self._router.wall.on_change
        self._router.wall.on_change = self._clock_changed

    def _soon(self, what: str, text: str, variables: dict[str, str]) -> None:
        if text:
            self._router.timers.at(self._router.now_us(), lambda: self._desk.scripts.event(what, text, variables))

    def _clock_changed(self, before: str, after: str, how: str) -> None:
        self._told(before, after, how)
        self._desk.schedulers.clock_changed()

    def _logged(self, change: Change, row: Row) -> None:
        """A hotspot login: the user's profile says what runs."""
        if change is Change.CHANGED:
            return
        name = "on-login" if change is Change.ADDED else "on-logout"
        self._soon(name, self._of_profile(row, name), {
            "user": row.get("user"), "username": row.get("user"), "address": row.get("address"),
            "mac-address": row.get("mac-address"), "server": row.get("server"),
            "interface": self._setting("/ip/hotspot", row.get("server"), "interface"),
        })  # fmt: skip

    def _of_profile(self, row: Row, name: str) -> str:
        profile = self._setting("/ip/hotspot/user", row.get("user"), "profile") or "default"
        return self._setting("/ip/hotspot/user/profile", profile, name)

    def _setting(self, path: str, name: str, field: str) -> str:
        row = self._router.tables.get(path).find(name) if name and not name.startswith("*") else None
        return "" if row is None else row.get(field)

    def _leased(self, change: Change, row: Row) -> None:
        """A lease came to be bound, or is so no more."""
        bound = change is not Change.REMOVED and row.get("status") == "bound"
        if bound == (row in self._bound):
            return
        if bound:
            self._bound[row] = _of_lease(row)
        variables = self._bound[row] if bound else self._bound.pop(row)
        script = self._setting("/ip/dhcp-server", variables["leaseServerName"], "lease-script")
        self._soon("lease-script", script, variables | {"leaseBound": "1" if bound else "0"})


def _of_session(session: Session) -> dict[str, str]:
    """What the manual says these scripts see; `interface` is the row of the session's interface."""
    row = next((row for table, row in session.rows if table.menu.path == "/interface"), None)
    return {
        "user": session.user, "local-address": session.local_address, "remote-address": session.address,
        "caller-id": session.caller_id, "called-id": "", "interface": row.id if row is not None else "",
    }  # fmt: skip


def _of_lease(row: Row) -> dict[str, str]:
    """What the manual says a lease script sees."""
    return {
        "leaseServerName": row.get("active-server") or row.get("server"),
        "leaseActMAC": row.get("active-mac-address") or row.get("mac-address"),
        "leaseActIP": row.get("active-address") or row.get("address"),
        "lease-hostname": row.get("host-name"),
    }  # fmt: skip
