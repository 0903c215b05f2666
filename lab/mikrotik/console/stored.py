"""What is on the flash as one piece: taken for a backup, put back by a restore, emptied by a reset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# Files are no configuration: a backup lies among them.
_KEPT = ("/file",)


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows by menu: (values, whether the row is always there, its number)."""

    rows: dict[str, list[tuple[dict[str, str], bool, int]]]


def take(tables: Tables) -> Picture:
    """All rows that a reboot keeps."""
    return Picture({
        table.menu.path: [(dict(row.values), row.builtin, row.number) for row in table if _stays(row)]
        for table in _stored(tables)
    })  # fmt: skip


def put_back(router: Router, picture: Picture) -> None:
    """Make the tables what they were. Rows that can be made are made anew: their ids change."""
    for table in _stored(router.tables):
        clear(table)
        for values, builtin, number in picture.rows.get(table.menu.path, []):
            known = {name: value for name, value in values.items() if name in table.fields}
            if builtin:
                _overwrite(table, table.rows.get(number), known)
            else:
                table.insert(known)


def erase(router: Router, keep: Iterable[str] = ()) -> None:
    """Nothing but what every router of this version has."""
    kept = frozenset(keep)
    for table in _stored(router.tables):
        if table.menu.path not in kept:
            clear(table)


def clear(table: Table) -> None:
    """Drop the rows that were made, and undo what was done to the others."""
    given = dict(table.menu.builtin)
    for row in list(table):
        if not row.builtin:
            table.remove(row)
        elif table.menu.singleton or row.number in given:
            _overwrite(table, row, dict(table.fitted.defaults) | given.get(row.number, {}))
        else:
            table.remove(row)


def _stored(tables: Tables) -> Iterable[Table]:
    return [table for table in tables if table.menu.survives_reboot and table.menu.path not in _KEPT]


def _stays(row: Row) -> bool:
    return not row.dynamic and row.owner is None


def _overwrite(table: Table, row: Row | None, values: dict[str, str]) -> None:
    if row is not None:
        table.change(row, values, [name for name in row.values if name not in values])
