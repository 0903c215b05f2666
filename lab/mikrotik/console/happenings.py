"""What sets the console going: a session's beginning and end (`on-up`, `on-down`), a clock that jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.sessions import Session

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk


def attend(desk: Desk) -> None:
    """Be told of these. Scripts of sessions run right after, when their rows are there or gone."""
    router = desk.router

    def soon(what: str, text: str, session: Session) -> None:
        if text:
            variables = _variables(session)
            router.timers.at(router.now_us(), lambda: desk.scripts.event(what, text, variables))

    told = router.wall.on_change

    def clock_changed(before: str, after: str, how: str) -> None:
        told(before, after, how)
        desk.schedulers.clock_changed()

    router.wall.on_change = clock_changed
    router.sessions.on_start.append(lambda session: soon("on-up", session.on_up, session))
    router.sessions.on_end.append(lambda session, _reason: soon("on-down", session.on_down, session))


def _variables(session: Session) -> dict[str, str]:
    """What the manual says these scripts see; `interface` is the row of the session's interface."""
    row = next((row for table, row in session.rows if table.menu.path == "/interface"), None)
    return {
        "user": session.user, "local-address": session.local_address, "remote-address": session.address,
        "caller-id": session.caller_id, "called-id": "", "interface": row.id if row is not None else "",
    }  # fmt: skip
