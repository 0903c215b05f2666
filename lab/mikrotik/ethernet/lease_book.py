"""The rows of /ip/dhcp-server/lease: which one is a client's, which address it gives, and who else wrote to them."""

from collections.abc import Callable

from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hosts import Host
from lab.mikrotik.store.table import Change, Row


class LeaseBook:
    """The lease table as the DHCP server reads and writes it. No pool gives an address that one of its rows names,
    bound or not."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.table = ground.tables.get("/ip/dhcp-server/lease")
        self._servers = ground.tables.get("/ip/dhcp-server")
        self._reserved: dict[Row, str] = {}
        self._writing = False
        self.on_edit: Callable[[Row], None] = lambda _row: None
        """Told when somebody else changed a row."""
        self.on_remove: Callable[[Row], None] = lambda _row: None
        self.table.watchers.append(self._changed)

    def server_of(self, interface: str) -> Row | None:
        """The enabled server of an interface."""
        return next((row for row in self._servers.with_value("interface", interface) if row.enabled), None)

    def server(self, name: str) -> Row | None:
        return self._servers.find(name)

    def row_for(self, host: Host, server: Row) -> Row | None:
        """The client's row: static by client-id or MAC, dynamic from before, or a new one; None without an address
        left for a new one."""
        known = list(self.table.with_value("mac-address", host.mac))
        if host.client_id:
            known = [*self.table.with_value("client-id", host.client_id), *known]
        name = server.get("name")
        fitting = [row for row in known if _serves(row, name) and row.enabled and _is_of(row, host)]
        fitting.sort(key=lambda row: row.dynamic)
        return fitting[0] if fitting else self._new(host, server)

    def _new(self, host: Host, server: Row) -> Row | None:
        address = self.free_address(server)
        if not address:
            return None
        values = {"mac-address": host.mac, "server": server.get("name"), "dynamic": "true", "disabled": "false"}
        values |= {"address": address, "address-lists": "", "dhcp-option": "", "radius": "false", "blocked": "false"}
        if host.client_id:
            values["client-id"] = host.client_id
        self._writing = True
        row = self.table.insert(values | {"status": "offered"})
        self._writing = False
        return row

    def free_address(self, server: Row) -> str:
        """A free address of the server's pool; empty when there is none (`static-only`)."""
        return self._ground.pools.allocate(server.get("address-pool")) or ""

    def change(self, row: Row, values: dict[str, str], unset: tuple[str, ...] = ()) -> None:
        self._writing = True
        self.table.change(row, values, unset)
        self._writing = False

    def drop(self, row: Row) -> None:
        self._writing = True
        self.table.remove(row)
        self._writing = False

    def _changed(self, change: Change, row: Row) -> None:
        self._reserve(change, row)
        if self._writing:
            return
        if change is Change.REMOVED:
            self.on_remove(row)
        elif change is Change.CHANGED:
            self.on_edit(row)

    def _reserve(self, change: Change, row: Row) -> None:
        wanted = row.get("address") if change is not Change.REMOVED and is_address(row.get("address")) else ""
        held = self._reserved.pop(row, "")
        if wanted:
            self._reserved[row] = wanted
        if wanted == held:
            return
        if wanted:
            self._ground.pools.hold(wanted)
        if held:
            self._ground.pools.release(held)


def is_address(value: str) -> bool:
    """An address rather than the name of a pool."""
    return bool(value) and value[0].isdecimal() and value.count(".") == 3


def _serves(row: Row, server: str) -> bool:
    return row.get("server") in ("", "all", server)


def _is_of(row: Row, host: Host) -> bool:
    """A row that names a client-id is of the client that sends it, whatever its MAC."""
    wanted = row.get("client-id")
    return wanted == host.client_id if wanted else row.get("mac-address") == host.mac
