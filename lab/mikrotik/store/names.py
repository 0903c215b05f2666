"""Names in address lists: a row with a DNS name makes dynamic rows of the addresses it stands for."""

from collections.abc import Callable, Mapping

from lab.mikrotik.store.table import Change, Row, Table


def is_name(address: str) -> bool:
    """True for a DNS name, false for addresses, networks and ranges."""
    return ":" not in address and any(sign.isalpha() for sign in address)


class NamedRows:
    """Watches one address list and keeps the rows of its names in step with what DNS says."""

    def __init__(self, table: Table, hosts: Mapping[str, list[str]], stamp: Callable[[], str]) -> None:
        self._table = table
        self._hosts = hosts
        self._stamp = stamp
        self._made: dict[Row, list[Row]] = {}
        table.watchers.append(self._changed)

    def refresh(self, name: str) -> None:
        """DNS says something new about this name."""
        for row in list(self._table.with_value("address", name)):
            self._resolve(row)

    def refresh_all(self) -> None:
        """After a boot, when all dynamic rows are gone."""
        for row in list(self._table):
            if is_name(row.get("address")):
                self._resolve(row)

    def _changed(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._clear(row)
        elif is_name(row.get("address")) or row in self._made:
            self._resolve(row)

    def _resolve(self, row: Row) -> None:
        self._clear(row)
        if not row.enabled:
            return
        self._made[row] = [
            self._table.insert({
                "list": row.get("list"), "address": address, "comment": row.get("address"), "dynamic": "true",
                "disabled": "false", "creation-time": self._stamp(),
            })
            for address in self._hosts.get(row.get("address"), ())
        ]  # fmt: skip

    def _clear(self, row: Row) -> None:
        for made in self._made.pop(row, ()):
            self._table.remove(made)
