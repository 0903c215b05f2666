"""`reset-counters` and `reset-counters-all` of the menus whose rows count packets or hits."""

from lab.mikrotik.packets.firewall import reset_counters
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb, Verbs
from lab.mikrotik.speech.edit import rows_meant
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

_RULES = tuple(f"/{family}/firewall/{part}" for family in ("ip", "ipv6") for part in ("filter", "nat", "raw", "mangle"))
_GARDEN = "/ip/hotspot/walled-garden"


def counter_verbs(tables: Tables) -> Verbs:
    """The verbs of every such menu this version has."""
    verbs: Verbs = {}
    for path in (*_RULES, _GARDEN):
        if tables.has(path):
            verbs |= _of(tables.get(path))
    return verbs


def _of(table: Table) -> Verbs:
    path = table.menu.path
    reset = _reset_hits if path == _GARDEN else reset_counters

    def some(command: Command, _access: Access) -> Outcome:
        named = command.attributes.get(".id", command.attributes.get("numbers"))
        for row in rows_meant(table, named):
            reset(row)
        return Done()

    def every(_command: Command, _access: Access) -> Outcome:
        for row in table:
            reset(row)
        return Done()

    return {(path, "reset-counters"): Verb(some), (path, "reset-counters-all"): Verb(every)}


def _reset_hits(row: Row) -> None:
    row.values["hits"] = "0"
