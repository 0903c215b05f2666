"""Interfaces stand in two menus, /interface and that of their kind: what one row is told, the other knows."""

from lab.mikrotik.store.table import Change, Row, Table, Watcher
from lab.mikrotik.store.tables import Tables, renamed

_SHARED = ("name", "disabled", "comment", "mac-address")
KINDS = {"/interface/ethernet": "ether", "/interface/bridge": "bridge", "/interface/vlan": "vlan"}


class Twins:
    """Watches /interface and the menus of single kinds, and keeps each pair of rows alike."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._all = tables.get("/interface")
        self._twin: dict[Row, tuple[Table, Row]] = {}
        for path, kind in KINDS.items():
            table = tables.get(path)
            for row in table:
                self._pair(table, row, kind)
            table.watchers.append(self._watcher(table, kind))
        self._all.watchers.append(self._changed)

    def _watcher(self, table: Table, kind: str) -> Watcher:
        def tell(change: Change, row: Row) -> None:
            if change is Change.ADDED:
                self._pair(table, row, kind)
            else:
                self._changed(change, row)

        return tell

    def _pair(self, table: Table, row: Row, kind: str) -> None:
        other = self._all.find(row.get("name"))
        if other is None:
            shared = {name: row.get(name) for name in _SHARED if row.get(name)}
            other = self._all.insert({**self._all.fitted.defaults, **shared, "type": kind, "running": "false"})
        self._twin[row], self._twin[other] = (self._all, other), (table, row)

    def _changed(self, change: Change, row: Row) -> None:
        twin = self._twin.get(row)
        if twin is None:
            return
        table, other = twin
        name = other.get("name")
        if change is Change.REMOVED:
            self._twin.pop(row, None)
            self._twin.pop(other, None)
            table.remove(other)
            self._call(name, other.id)
            return
        values = {key: row.get(key) for key in _SHARED if row.get(key) and row.get(key) != other.get(key)}
        gone = [key for key in _SHARED if key in other.values and key not in row.values and key in table.fields]
        if values or gone:
            table.change(other, values, gone)
        if "name" in values:
            self._call(name, values["name"])

    def _call(self, old: str, new: str) -> None:
        """Whoever named the interface by its old name names it by the new one, or by its bare id."""
        for path in ("/interface", *KINDS):
            for table, holder, field in list(self._tables.rows_naming(self._tables.get(path).menu, old)):
                table.change(holder, {field.name: renamed(field, holder.get(field.name), old, new)})
