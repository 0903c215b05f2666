"""Whatever a menu takes can be written back as it reads, and changes nothing then."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab.mikrotik.menus
from lab.mikrotik.errors import Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.speech.commands import everything, parse
from lab.mikrotik.speech.language import Language
from lab.mikrotik.speech.printing import View
from lab.mikrotik.store.table import Row, Table
from tests.unit.lab.mikrotik.conftest import HeldClock

DATA = json.loads((Path(lab.mikrotik.menus.__file__).parent / "arguments.json").read_text())
SAMPLES = {
    "text": ["x", "1", "default", "none", "ether2", "10.0.0.7", "a=b c", "2M/5M"],
    "bool": ["yes", "no", "true"],
    "time": ["90", "1d02:03:04", "1w2d3h4m5s", "500ms", "0s"],
    "ip4": ["10.0.0.9"],
    "ip4s": ["10.0.0.9,10.0.0.8"],
    "ip": ["10.0.0.9", "2001:DB8::9"],
    "block": ["10.0.0.9/24", "10.0.0.1-10.0.0.4"],
    "prefix6": ["2001:db8::/48"],
    "mac": ["aa:bb:cc:dd:ee:ff"],
    "ports": ["80,443,8000-8080"],
    "rate": ["5M", "64k", "100"],
    "size": ["50KiB", "2048"],
    "row": [],
}
NEEDED = {"ranges": "10.5.0.0/24", "address": "10.6.0.1/24", "interface": "ether4"}
# Written, but shown as something else on purpose.
NOT_KEPT = {("/user", "password"), ("/system/clock", "time"), ("/system/clock", "date")}


def samples(entry: object) -> Iterator[str]:
    """Values of this type, its words among them."""
    given = entry if isinstance(entry, dict) else {"is": entry}
    low, high = given.get("range", (0, 7))
    plain = {"number": [str(low), str(high)], "enum": [], "words": [",".join(given.get("words", ())[:2])]}
    for value in (*given.get("words", ()), *(plain | SAMPLES)[given["is"]]):
        yield value
        if given.get("negated"):
            yield f"!{value}"


class Writer:
    """Sets one property of one row at a time and looks at it."""

    def __init__(self, version: str) -> None:
        self.router = Router(Setup(version=version), HeldClock())
        self.language = Language(self.router)
        self.access = everything(ConnectionRecord(0, 0))

    def set(self, table: Table, row: Row, name: str, value: str) -> bool:
        """False when the value was refused, which must be in the router's own words."""
        words = [] if table.menu.singleton else [f"=.id={row.id}"]
        message = ""
        try:
            self.language.run(parse([f"{table.menu.path}/set", *words, f"={name}={value}"]), self.access)
        except Trap as trap:
            message = trap.message
        assert not message.startswith("unknown parameter"), (table.menu.path, name, value)
        return not message

    def shown(self, table: Table, row: Row) -> dict[str, str]:
        view = View(self.router, table, sensitive=True)
        return {name: value for name in table.fields if (value := view.look(row, name)) is not None}

    def row(self, table: Table) -> Row:
        """A row that nothing else is in the way of."""
        if table.menu.singleton:
            return table.rows[0]
        needed = {name: NEEDED.get(name, "x") for name, field in table.fields.items() if field.required}
        return table.insert({**table.fitted.defaults, **needed})


@pytest.mark.parametrize("version", ["6.49", "7.12.2", "7.18.2", "7.24"])
def test_what_reads_back_can_be_written_back_and_changes_nothing(version: str) -> None:
    writer, kept = Writer(version), 0
    for path, entry in DATA["menus"].items():
        if not writer.router.tables.has(path) or "set" not in writer.router.tables.get(path).menu.verbs:
            continue
        table = writer.router.tables.get(path)
        row = writer.row(table)
        for name in sorted(table.fitted.accepts["set"] & entry["arguments"].keys()):
            for value in samples(entry["arguments"][name]):
                if (path, name) in NOT_KEPT or not writer.set(table, row, name, value):
                    continue
                before = writer.shown(table, row)
                kept += 1
                if name in before:
                    assert writer.set(table, row, name, before[name]), (path, name, value, before[name])
                    assert writer.shown(table, row) == before, (path, name, value)
    assert kept > 1_000
