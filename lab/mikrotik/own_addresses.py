"""The router's own addresses, kept in step with /ip/address: every session adds one, so nobody may look at all."""

from lab.mikrotik.table import Change, Row, Table


class OwnAddresses:
    """Watches the table; knows which addresses an enabled row has."""

    def __init__(self, table: Table) -> None:
        self._of_row: dict[Row, str] = {}
        self._rows_with: dict[str, int] = {}
        for row in table:
            self._changed(Change.ADDED, row)
        table.watchers.append(self._changed)

    def __contains__(self, address: str) -> bool:
        return address in self._rows_with

    def _changed(self, change: Change, row: Row) -> None:
        old = self._of_row.pop(row, "")
        if old:
            left = self._rows_with.pop(old) - 1
            if left:
                self._rows_with[old] = left
        if change is not Change.REMOVED and row.enabled:
            new = row.get("address").partition("/")[0]
            self._of_row[row] = new
            self._rows_with[new] = self._rows_with.get(new, 0) + 1
