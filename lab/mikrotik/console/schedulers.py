"""`/system/scheduler`: what runs at a time, again and again, or when the router starts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lab.mikrotik.console.kinds import read_date
from lab.mikrotik.errors import BadValueError, ScriptError, Trap
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.store.table import Change, Row, Table
from lab.mikrotik.timers import Timer

if TYPE_CHECKING:
    from lab.mikrotik.console.scripts import Scripts
    from lab.mikrotik.router import Router

_SECOND_US = 1_000_000
# A scheduler cannot be asked to run more often than its interval's unit.
MIN_INTERVAL_US = _SECOND_US
# The manual: `startup` is three seconds after the console has started.
STARTUP_US = 3 * _SECOND_US
MAX_SCHEDULERS = 1_000


class Schedulers:
    """Keeps one timer for every enabled row; what they counted is lost at a boot."""

    def __init__(self, router: Router, scripts: Scripts) -> None:
        self._router = router
        self._scripts = scripts
        self._table: Table = router.tables.get("/system/scheduler")
        self._timers: dict[Row, Timer] = {}
        self._counts: dict[Row, int] = {}
        self._running = False
        self._table.watchers.append(self._changed)

    def run_count(self, row: Row) -> int:
        return self._counts.get(row, 0)

    def next_run(self, row: Row) -> str | None:
        """Date and time by the router's own clock; nothing when it will not run."""
        timer = self._timers.get(row)
        if timer is None:
            return None
        moment = self._router.local_time() + timedelta(microseconds=timer.due_us - self._router.now_us())
        return self._router.wall.short_moment(moment)

    def woken(self) -> None:
        """The router started: counts begin again, and `startup` means now."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._counts.clear()
        for row in list(self._table):
            self._plan(row, booting=True)

    def clock_changed(self) -> None:
        """The router's clock jumped: whatever runs at a time of day is planned anew."""
        for row in list(self._timers):
            if row.get("start-time") != "startup":
                self._timers.pop(row).cancel()
                self._plan(row)

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._counts.pop(row, None)
        if (timer := self._timers.pop(row, None)) is not None:
            timer.cancel()
        if change is not Change.REMOVED and len(self._timers) < MAX_SCHEDULERS:
            self._plan(row)

    def _plan(self, row: Row, *, booting: bool = False) -> None:
        if not row.enabled:
            return
        due_us = self._due_us(row, booting=booting)
        if due_us is not None:
            self._timers[row] = self._router.timers.at(due_us, lambda: self._run(row, due_us))

    def _due_us(self, row: Row, *, booting: bool) -> int | None:
        """The next instant on the monotonic clock."""
        now_us = self._router.now_us()
        every_us = _interval_us(row)
        if row.get("start-time") == "startup":
            # The manual: with an interval it does not run at the start itself, only from then on.
            wait_us = (STARTUP_US if booting else 0) + every_us
            return now_us + wait_us if wait_us else None
        wait_us = self._until_start_us(row)
        # A start that is this very second has passed: a job added with an interval and nothing else first runs after
        # that interval (librouteros' rollback relies on it, and its author tried it on a router).
        if wait_us > 0:
            return now_us + wait_us
        return now_us + (every_us - (-wait_us) % every_us) if every_us else None

    def _until_start_us(self, row: Row) -> int:
        """How long until the start by the router's clock; negative when it has passed."""
        here = self._router.local_time().replace(tzinfo=None)
        try:
            start = read_date(row.get("start-date"))
        except BadValueError:
            return -1
        hours, minutes, seconds = (int(part) for part in row.get("start-time").split(":"))
        start += timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return (start - here) // timedelta(microseconds=1)

    def _run(self, row: Row, due_us: int) -> None:
        timer = self._timers.pop(row, None)
        if timer is None or not self._table.has(row):
            return
        every_us = _interval_us(row)
        if every_us:
            next_us = max(due_us + every_us, self._router.now_us())
            self._timers[row] = self._router.timers.at(next_us, lambda: self._run(row, next_us))
        self._counts[row] = self._counts.get(row, 0) + 1
        try:
            self._scripts.run_event(row.get("on-event"), row.get("policy"), row.get("owner"))
        except (ScriptError, Trap) as error:
            self._router.log("script,error", f"executing script from scheduler ({row.get('name')}) failed: {error}")


def _interval_us(row: Row) -> int:
    interval_us = duration_us(row.get("interval") or "0s")
    return max(interval_us, MIN_INTERVAL_US) if interval_us else 0
