"""Global variables of scripts: `/system/script/environment` shows them, and removing the row forgets the variable."""

from lab.mikrotik.console.values import Value, to_text
from lab.mikrotik.errors import Trap
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.store.tables import Tables

MAX_VARIABLES = 1_000


class Environment:
    """Values by name; the table holds them as text."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.get("/system/script/environment")
        self._values: dict[str, Value] = {}
        self._own = False
        self._table.watchers.append(self._changed)

    def get(self, name: str) -> Value:
        return self._values.get(name)

    def declare(self, name: str) -> None:
        """Make the variable known, without touching a value it has."""
        if name not in self._values:
            self.set(name, None)

    def set(self, name: str, value: Value) -> None:
        if name not in self._values and len(self._values) >= MAX_VARIABLES:
            raise Trap("too many variables", 3)
        self._values[name] = value
        row = next(iter(self._table.with_value("name", name)), None)
        self._own = True
        if row is None:
            self._table.insert({"name": name, "value": to_text(value)})
        else:
            self._table.change(row, {"value": to_text(value)})
        self._own = False

    def _changed(self, change: Change, row: Row) -> None:
        """Somebody else removed a variable, or wrote text into it; a boot forgets them all."""
        if self._own:
            return
        if change is Change.REMOVED:
            self._values.pop(row.get("name"), None)
        elif change is Change.CHANGED:
            self._values[row.get("name")] = row.get("value")
