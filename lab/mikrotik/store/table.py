"""Rows of one menu: stored in order, found by id, by name and by indexed value in constant time."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice

from lab.mikrotik.fields.schema import Field, Fitted

_ID = re.compile(r"\*[0-9A-Fa-f]{1,16}")


class Change(StrEnum):
    """What happened to a row."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Row:
    """One row: only what is set is in `values`, as the text that a print shows."""

    __slots__ = ("builtin", "expires_us", "number", "owner", "values")

    def __init__(
        self, number: int, values: dict[str, str], *, builtin: bool = False, owner: object | None = None
    ) -> None:
        self.number = number
        self.values = values
        self.builtin = builtin
        self.owner = owner
        self.expires_us: int | None = None  # on the monotonic clock

    @property
    def id(self) -> str:
        return f"*{self.number:X}"

    @property
    def dynamic(self) -> bool:
        return self.values.get("dynamic") == "true"

    @property
    def enabled(self) -> bool:
        return self.values.get("disabled") != "true"

    def get(self, field: str) -> str:
        """The value, or an empty string when it is not set."""
        return self.values.get(field, "")


Watcher = Callable[[Change, Row], None]


class Table:
    """The rows of one menu. Checks live elsewhere: this takes what it is given."""

    def __init__(self, fitted: Fitted) -> None:
        menu = fitted.menu
        self.menu = menu
        self.fitted = fitted
        self.fields: Mapping[str, Field] = fitted.fields
        self.rows: dict[int, Row] = {}
        self.version = 0
        self.watchers: list[Watcher] = []
        self._next = 1
        keys = {*menu.indexed, *((menu.name_field,) if menu.name_field else ())}
        self._index: dict[str, dict[str, dict[int, Row]]] = {key: {} for key in keys}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def has(self, row: Row) -> bool:
        """True while this row is in the table (its number alone may be another's after a boot)."""
        return self.rows.get(row.number) is row

    def is_indexed(self, field: str) -> bool:
        return field in self._index

    def with_value(self, field: str, value: str) -> Iterable[Row]:
        """Rows whose indexed field has this value, oldest first."""
        return self._index[field].get(value, {}).values()

    def find(self, reference: str) -> Row | None:
        """A row by `*ID` or, in named menus, by name."""
        if reference.startswith("*"):
            # int() takes more than a router: signs, blanks and underscores.
            return self.rows.get(int(reference[1:], 16)) if _ID.fullmatch(reference) else None
        if self.menu.name_field is None:
            return None
        return next(iter(self.with_value(self.menu.name_field, reference)), None)

    def at_position(self, position: int) -> Row | None:
        """The row at a console position, counted from 0."""
        return next(islice(self.rows.values(), position, None), None)

    def insert(
        self,
        values: dict[str, str],
        *,
        number: int | None = None,
        builtin: bool = False,
        owner: object | None = None,
        before: Row | None = None,
    ) -> Row:
        """Add a row with these values, at the end or before another."""
        if number is None:
            number = self._free_number()
        row = Row(number, values, builtin=builtin, owner=owner)
        if before is None:
            self.rows[number] = row
        else:
            self._put_before(row, before)
        self._index_row(row)
        self._tell(Change.ADDED, row)
        return row

    def change(self, row: Row, values: dict[str, str], unset: Iterable[str] = ()) -> None:
        """Overwrite these values and drop the unset ones; nothing when the row is gone."""
        if not self.has(row):
            return
        self._unindex_row(row)
        row.values.update(values)
        for name in unset:
            row.values.pop(name, None)
        self._index_row(row)
        self._tell(Change.CHANGED, row)

    def remove(self, row: Row) -> None:
        """Drop a row; quietly nothing when it is gone already (two effects may race to the same row)."""
        if not self.has(row):
            return
        del self.rows[row.number]
        self._unindex_row(row)
        self._tell(Change.REMOVED, row)

    def move(self, moved: list[Row], before: Row | None) -> None:
        """Put rows directly before another one, or at the end."""
        numbers = {row.number for row in moved}
        rest = [row for row in self.rows.values() if row.number not in numbers]
        at = rest.index(before) if before is not None else len(rest)
        rest[at:at] = moved
        self.rows = {row.number: row for row in rest}
        self.version += 1

    def _put_before(self, row: Row, before: Row) -> None:
        """A new row directly before another. Not by `move`: sessions do this by the thousand, and whoever counts
        moves need not look again."""
        at = next(at for at, other in enumerate(self.rows.values()) if other is before)
        placed = dict(islice(self.rows.items(), at))
        placed[row.number] = row
        placed.update(self.rows)  # those before keep their places
        self.rows = placed

    def renumber(self, shift: int) -> None:
        """New ids after a boot: an old id now means a neighbour, which is the worst a client can meet."""
        rows = list(self.rows.values())
        taken = {row.number for row in rows if row.builtin}
        number = shift
        for row in rows:
            if row.builtin:
                continue
            number += 1
            while number in taken:
                number += 1
            row.number = number
        self.rows = {row.number: row for row in rows}
        self._next = number + 1
        self._rebuild_index()
        self.version += 1

    def _free_number(self) -> int:
        while self._next in self.rows:
            self._next += 1
        self._next += 1
        return self._next - 1

    def _tell(self, change: Change, row: Row) -> None:
        self.version += 1
        for watcher in tuple(self.watchers):
            watcher(change, row)

    def _rebuild_index(self) -> None:
        for index in self._index.values():
            index.clear()
        for row in self.rows.values():
            self._index_row(row)

    def _index_row(self, row: Row) -> None:
        for field, index in self._index.items():
            value = row.values.get(field)
            if value is not None:
                index.setdefault(value, {})[row.number] = row

    def _unindex_row(self, row: Row) -> None:
        for field, index in self._index.items():
            value = row.values.get(field)
            if value is not None and (rows := index.get(value)) is not None:
                rows.pop(row.number, None)
                if not rows:
                    del index[value]
