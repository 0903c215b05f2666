"""Timed address-list rows: they live in memory, tell what they have left, and go when it is nothing."""

from collections.abc import Callable

from lab.clock import Clock
from lab.mikrotik.errors import BadValueError
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.journal import Journal
from lab.mikrotik.store.table import Change, Row, Table
from lab.mikrotik.timers import Timers


class TimedRows:
    """Watches one address list: starts the timers, and writes its comings and goings to the journal."""

    def __init__(self, table: Table, timers: Timers, journal: Journal, clock: Clock, stamp: Callable[[], str]) -> None:
        self._table = table
        self._timers = timers
        self._journal = journal
        self._clock = clock
        self._stamp = stamp
        table.watchers.append(self._changed)

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._tell("list-remove", row)
            return
        if change is Change.ADDED:
            row.values.setdefault("creation-time", self._stamp())
            self._tell("list-add", row)
        if "timeout" in row.values:
            self._time(row, row.values.pop("timeout"))

    def _time(self, row: Row, timeout: str) -> None:
        try:
            row.expires_us = self._clock.monotonic_us() + duration_us(timeout)
        except BadValueError:  # `none`: the row stays, in memory
            row.expires_us = None
            return
        row.values["dynamic"] = "true"
        due_us = row.expires_us
        self._timers.at(due_us, lambda: self._expire(row, due_us))

    def _expire(self, row: Row, due_us: int) -> None:
        """The timer of a row whose timeout was set anew meanwhile finds another due time and leaves it."""
        if row.expires_us == due_us and self._table.has(row):
            self._table.remove(row)

    def _tell(self, kind: str, row: Row) -> None:
        self._journal.event(
            self._clock.now_us(), kind, list=row.get("list"), address=row.get("address"),
            comment=row.get("comment"), menu=self._table.menu.path,
        )  # fmt: skip
