"""Values of the console's menus that are computed when they are printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.mikrotik.console.kinds import start_date, start_time
from lab.mikrotik.store.tables import Tables

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

# Measured by others: between 61,250 and 61,500 bytes a print begins to leave the contents out.
MAX_INLINE_BYTES = 61_440


def file_contents(_router: Router, row: Row) -> str | None:
    """What is in a text file, unless it is too long for a print."""
    contents = row.get("contents")
    if row.get("type") in ("directory", "disk", "backup") or len(contents) > MAX_INLINE_BYTES:
        return None
    return contents


def run_count(router: Router, row: Row) -> str | None:
    """How often a scheduler ran since the router started."""
    return str(router.desk.schedulers.run_count(row))


def next_run(router: Router, row: Row) -> str | None:
    """When a scheduler runs next."""
    return router.desk.schedulers.next_run(row)


def bind(tables: Tables) -> None:
    """Give the properties of these menus their lives, and times their kinds."""
    files, schedulers = tables.get("/file"), tables.get("/system/scheduler")
    files.fields = {**files.fields, "contents": replace(files.fields["contents"], live=file_contents)}
    known = schedulers.fields
    schedulers.fields = {
        **known,
        "start-date": replace(known["start-date"], kind=start_date),
        "start-time": replace(known["start-time"], kind=start_time),
        "run-count": replace(known["run-count"], live=run_count, default=None),
        "next-run": replace(known["next-run"], live=next_run),
    }
