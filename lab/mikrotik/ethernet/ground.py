"""What every part of the access network stands on: tables, timers, clocks, the journal, DNS, counters, beliefs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.mikrotik.counting.counters import Counters
from lab.mikrotik.fields.values import split_list
from lab.mikrotik.journal import Journal
from lab.mikrotik.ppp.pools import Pools
from lab.mikrotik.ppp.sessions import Moment
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables
from lab.mikrotik.switches import Switches
from lab.mikrotik.timers import Timer, Timers


@dataclass(frozen=True, slots=True)
class Ground:
    """Shared by hosts, leases and hotspot."""

    tables: Tables
    pools: Pools
    journal: Journal
    timers: Timers
    moment: Moment
    log: Callable[[str, str], None]
    names: Mapping[str, list[str]]
    switches: Switches
    allows: Callable[[str], bool]
    counters: Counters

    def now_us(self) -> int:
        return self.moment.monotonic_us()

    def event(self, kind: str, **facts: str) -> None:
        self.journal.event(self.moment.wall_us(), kind, **facts)

    def later(self, wait_us: int, act: Callable[[], None]) -> Timer:
        return self.timers.at(self.now_us() + wait_us, act)

    def take_address(self, address: str, owner: str, info: str) -> None:
        """An address is used: no pool gives it again."""
        self.pools.hold(address)
        self.show_address(address, owner, info)

    def show_address(self, address: str, owner: str, info: str) -> None:
        """Tell of it in /ip/pool/used if it is a pool's."""
        if (pool := self.pools.of(address)) is not None:
            row = {"pool": pool, "address": address, "owner": owner, "info": info}
            self.tables.get("/ip/pool/used").insert(row)

    def free_address(self, address: str, owner: str) -> None:
        """It is used no longer."""
        self.pools.release(address)
        used = self.tables.get("/ip/pool/used")
        for row in [row for row in used.with_value("address", address) if row.get("owner") == owner]:
            used.remove(row)

    def add_row(
        self, rows: list[tuple[Table, Row]], path: str, values: dict[str, str], owner: object | None = None
    ) -> Row:
        """A row that somebody takes along when he goes: `rows` is his list of them."""
        table = self.tables.get(path)
        row = table.insert(values, owner=owner)
        rows.append((table, row))
        return row

    def list_address(self, rows: list[tuple[Table, Row]], lists: str, address: str, owner: object) -> None:
        """Dynamic rows that put an address on a comma list of address lists."""
        for name in split_list(lists):
            self.add_row(rows, "/ip/firewall/address-list", {
                "list": name, "address": address, "dynamic": "true", "disabled": "false",
                "creation-time": self.moment.router_time(),
            }, owner)  # fmt: skip


def clear(rows: list[tuple[Table, Row]]) -> None:
    """Remove somebody's rows; those gone already do not matter."""
    taken, rows[:] = list(rows), []
    for table, row in taken:
        table.remove(row)
