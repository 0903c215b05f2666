"""Random commands over every menu of every version: the router answers or traps, and its tables stay whole."""

import json
import random
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import lab.mikrotik.menus
from lab.mikrotik.errors import BadValueError, Trap
from lab.mikrotik.fields.values import Kind
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.speech.commands import everything, parse
from lab.mikrotik.speech.language import Language
from lab.mikrotik.speech.printing import View
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import names_in
from tests.unit.lab.mikrotik.conftest import HeldClock
from tests.unit.lab.mikrotik.test_mikrotik_write_back import samples

DATA = json.loads((Path(lab.mikrotik.menus.__file__).parent / "arguments.json").read_text())["menus"]
COMMANDS = 200
WORDS = [
    "x", "y", "", "*1", "*2", "*FFFF", "yes", "no", "none", "all", "1", "0", "10.0.0.1", "10.0.0.0/24", "30s", "1d",
    "10.1.0.1-10.1.0.9", "ether1", "ether2", "default", "5M/5M", "forward", "input", "accept", "drop", "pcq",
    "a,b", "00:11:22:33:44:55",
]  # fmt: skip

# Where a random word would hardly ever do.
FILLERS = {"name": ["x", "y", "z"], "ranges": ["10.1.0.1-10.1.0.9"], "target": ["10.0.0.1"], "kind": ["pcq", "sfq"]}
FILLERS |= {"address": ["10.0.0.1", "10.0.0.2/24"], "interface": ["ether1", "ether2"]}
FILLERS |= {"group": ["full", "x", "y"], "user": ["x"], "service": ["any", "pppoe"], "chain": ["input", "forward"]}


class Fire:
    """Says one random thing after another to one router."""

    def __init__(self, version: str, draw: random.Random) -> None:
        self.draw = draw
        self.router = Router(Setup(version=version), HeldClock())
        self.language = Language(self.router)
        self.access = everything(ConnectionRecord(0, 0))
        tables = list(self.router.tables)
        self.paths = [table.menu.path for table in tables]
        self.bound = sorted({field.refers for table in tables for field in table.fields.values() if field.refers})
        self.bound += sorted({
            table.menu.path for table in tables for field in table.fields.values() if field.refers in self.bound
        })  # fmt: skip

    def shoot(self) -> None:
        path = self.draw.choice(self.bound if self.draw.random() < 0.6 else self.paths)
        table = self.router.tables.get(path)
        own = {verb for where, verb in self.router.verbs if where == path}
        verbs = sorted((table.menu.verbs | own) - {"monitor-traffic"})
        often = [verb for verb in ("add", "add", "set", "remove") if verb in verbs]
        verb = self.draw.choice(often if often and self.draw.random() < 0.6 else verbs)
        with suppress(Trap):
            self.language.run(parse([f"{path}/{verb}", *self._attributes(table, verb)]), self.access)

    def _attributes(self, table: Table, verb: str) -> list[str]:
        entry = DATA.get(table.menu.path, {"arguments": {"name": "text"}})["arguments"]
        written: set[str] = set()
        if verb in ("add", "set") or self.draw.random() < 0.1:
            written |= set(self.draw.sample(sorted(entry), min(len(entry), self.draw.choice((0, 0, 1, 2)))))
            written |= {name for name, field in table.fields.items() if field.refers and self.draw.random() < 0.3}
        if verb == "add":
            written |= {name for name, field in table.fields.items() if field.required or name == "name"}
        if self.draw.random() < 0.9:
            written &= table.fitted.accepts["add"] - {"copy-from", "place-before"}
        words = [f"={self._sign()}{name}={self._value(table, name, entry)}" for name in sorted(written)]
        if verb != "add" and not table.menu.singleton and self.draw.random() < 0.9:
            known = [*[row.id for row in table][-3:], "x", "0"]
            words.append(f"={self.draw.choice(('.id', 'numbers'))}={self.draw.choice(known)}")
        return words

    def _value(self, table: Table, name: str, entry: dict[str, object]) -> str:
        """The name of a row where one is wanted, a value of the type where one is known, or any word."""
        field = table.fields.get(name)
        if field is not None and field.refers is not None and self.draw.random() < 0.8:
            target = self.router.tables.get(field.refers)
            names = [row.get(target.menu.name_field or "") for row in target]
            return self.draw.choice([*names[-3:], "x"])
        known = FILLERS.get(name) or [value for value in samples(entry.get(name, "text")) if value != "a=b c"]
        return self.draw.choice(known if known and self.draw.random() < 0.8 else WORDS)

    def _sign(self) -> str:
        return "!" if self.draw.random() < 0.05 else ""

    def inspect(self) -> None:
        """Ids, names, indexes and what is shown are as they must be."""
        for table in self.router.tables:
            rows = list(table)
            assert [table.rows[row.number] for row in rows] == rows
            assert not table.menu.singleton or len(rows) == 1
            key = table.menu.name_field
            view = View(self.router, table, sensitive=False)
            for row in rows:
                assert table.find(row.id) is row
                if key is not None and row.get(key):
                    assert row in list(table.with_value(key, row.get(key)))
                shown = {name for name in view.names() if view.look(row, name) is not None}
                assert shown <= {".id", *table.fields}
                self._inspect_references(table, row)

    def _inspect_references(self, table: Table, row: Row) -> None:
        """A reference names a row, stands beside names, or dangles as an id."""
        for field in table.fields.values():
            if field.refers is None or not (value := row.get(field.name)):
                continue
            target = self.router.tables.get(field.refers)
            for name in names_in(field, value):
                beside = field.or_kind is not None and accepts(field.or_kind, name)
                assert name.startswith("*") or beside or target.find(name) is not None, (table.menu.path, field.name)


def accepts(kind: Kind, value: str) -> bool:
    try:
        kind(value)
    except BadValueError:
        return False
    return True


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), version=st.sampled_from(["6.49", "7.9.2", "7.18.2", "7.24"]))
def test_no_command_breaks_a_router(seed: int, version: str) -> None:
    fire = Fire(version, random.Random(seed))
    for _ in range(COMMANDS):
        fire.shoot()
    fire.inspect()
    fire.router.reboot()
    fire.inspect()
