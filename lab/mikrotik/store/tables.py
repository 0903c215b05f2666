"""All tables of one router, as its version has them."""

from collections.abc import Iterator

from lab.mikrotik.errors import no_such_prefix
from lab.mikrotik.fields.schema import BOARDS, Field, Menu, Version
from lab.mikrotik.store.fitting import fitted_menus
from lab.mikrotik.store.table import Row, Table


class Tables:
    """Tables by menu path."""

    def __init__(self, version: Version, board: str = BOARDS[0]) -> None:
        self.version = version
        self._tables = {fitted.menu.path: Table(fitted) for fitted in fitted_menus(version, board)}
        for table in self._tables.values():
            _fill_in_builtin(table)

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def get(self, path: str) -> Table:
        """The table of a menu, or the trap a router gives for a menu it has not."""
        table = self._tables.get(path)
        if table is None:
            raise no_such_prefix()
        return table

    def has(self, path: str) -> bool:
        """True when this menu exists."""
        return path in self._tables

    def is_prefix(self, path: str) -> bool:
        """True when menus live below this path."""
        return any(known.startswith(path + "/") for known in self._tables)

    def setting(self, path: str, field: str) -> str:
        """A value of a singleton menu, empty when unset."""
        return self.get(path).rows[0].get(field)

    def referrers(self, menu: Menu) -> Iterator[tuple[Table, Field]]:
        """(table, field) of every field that takes names of this menu."""
        for table in self._tables.values():
            for field in table.fields.values():
                if field.refers == menu.path:
                    yield table, field

    def rows_naming(self, menu: Menu, name: str) -> Iterator[tuple[Table, Row, Field]]:
        """Every row that names this row of the menu."""
        for table, field in self.referrers(menu):
            exact = table.is_indexed(field.name) and not (field.negated or field.list_of_names)
            for row in list(table.with_value(field.name, name) if exact else table):
                if name in names_in(field, row.get(field.name)):
                    yield table, row, field


def names_in(field: Field, value: str) -> list[str]:
    """The names a reference holds: one, or those of a comma list, without a `!`."""
    parts = value.split(",") if field.list_of_names else [value]
    return [part.removeprefix("!") if field.negated else part for part in parts]


def renamed(field: Field, value: str, old: str, new: str) -> str:
    """A reference after the row it means has another name."""
    parts = value.split(",") if field.list_of_names else [value]
    sign = {f"!{old}": f"!{new}"} if field.negated else {}
    return ",".join(new if part == old else sign.get(part, part) for part in parts)


def _fill_in_builtin(table: Table) -> None:
    if table.menu.singleton:
        table.insert(dict(table.fitted.defaults), number=0, builtin=True)
    for number, values in table.menu.builtin:
        kept = {name: value for name, value in values.items() if name in table.fields}
        table.insert({**table.fitted.defaults, **kept}, number=number, builtin=True)
