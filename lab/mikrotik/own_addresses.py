"""The router's own addresses, found without looking at those of every session."""

from collections.abc import Iterator

from lab.mikrotik.table import Change, Row
from lab.mikrotik.tables import Tables


class OwnAddresses:
    """Watches /ip/address: the few rows somebody wrote apart from the thousands that sessions bring."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.get("/ip/address")
        self._written: dict[Row, None] = {}
        self._table.watchers.append(self._changed)
        for row in self._table:
            self._changed(Change.ADDED, row)

    def has(self, address: str) -> bool:
        """True when this address is the router's, on whatever interface."""
        if any(self._table.with_value("address", f"{address}/32")):
            return True
        return any(row.enabled and row.get("address").partition("/")[0] == address for row in self._written)

    def on(self, interface: str) -> Iterator[str]:
        """The addresses written for this interface, with their lengths."""
        return (row.get("address") for row in self._written if row.get("interface") == interface)

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._written.pop(row, None)
        elif not row.dynamic:
            self._written[row] = None
