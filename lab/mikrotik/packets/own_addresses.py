"""The router's own addresses and networks, kept in step with /ip/address: every session adds one, so nobody may look
at all."""

import ipaddress

from lab.mikrotik.store.table import Change, Row, Table


class OwnAddresses:
    """Watches the table; knows which addresses an enabled row has, and behind which interface a network is."""

    def __init__(self, table: Table) -> None:
        self._of_row: dict[Row, str] = {}
        self._rows_with: dict[str, int] = {}
        self._networks: dict[Row, tuple[int, int, str]] = {}
        for row in table:
            self._changed(Change.ADDED, row)
        table.watchers.append(self._changed)

    def __contains__(self, address: str) -> bool:
        return address in self._rows_with

    def interface_to(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        """The interface in whose network an IPv4 address is; empty when it is in none. The narrowest network wins."""
        if address.version != 4:
            return ""
        number = int(address)
        found = [(last - first, name) for first, last, name in self._networks.values() if first <= number <= last]
        return min(found)[1] if found else ""

    def _changed(self, change: Change, row: Row) -> None:
        self._networks.pop(row, None)
        old = self._of_row.pop(row, "")
        if old:
            left = self._rows_with.pop(old) - 1
            if left:
                self._rows_with[old] = left
        if change is not Change.REMOVED and row.enabled and row.get("address"):
            new, _, length = row.get("address").partition("/")
            if length != "32":
                network = ipaddress.IPv4Network(row.get("address"), strict=False)
                ends = int(network.network_address), int(network.broadcast_address)
                self._networks[row] = *ends, row.get("interface")
            self._of_row[row] = new
            self._rows_with[new] = self._rows_with.get(new, 0) + 1
