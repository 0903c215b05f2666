"""Values of the console's menus that are computed when they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.table import Row

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
