"""All tables of one router, as its version has them."""

from collections.abc import Iterator

from lab.mikrotik.errors import no_such_prefix
from lab.mikrotik.menus import ALL
from lab.mikrotik.schema import Menu, Version
from lab.mikrotik.table import Row, Table


class Tables:
    """Tables by menu path."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._tables = {menu.path: Table(menu, version) for menu in ALL if menu.known(version)}
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

    def referrers(self, menu: Menu) -> Iterator[tuple[Table, str]]:
        """(table, field) of every field that takes names of this menu."""
        for table in self._tables.values():
            for field in table.fields.values():
                if field.refers == menu.path:
                    yield table, field.name

    def rows_naming(self, menu: Menu, name: str) -> Iterator[tuple[Table, Row, str]]:
        """Every row that names this row of the menu."""
        for table, field in self.referrers(menu):
            rows = table.with_value(field, name) if table.is_indexed(field) else iter(table)
            for row in list(rows):
                if row.values.get(field) == name:
                    yield table, row, field


def _fill_in_builtin(table: Table) -> None:
    if table.menu.singleton:
        table.insert(defaults(table), number=0, builtin=True)
    for number, values in table.menu.builtin:
        table.insert(defaults(table) | values, number=number, builtin=True)


def defaults(table: Table) -> dict[str, str]:
    """What a row has before anything is said about it."""
    return {
        field.name: field.default
        for field in table.fields.values()
        if field.default is not None and field.default not in field.absent_when
    }
