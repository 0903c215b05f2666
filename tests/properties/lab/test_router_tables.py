"""Random commands over several menus: never a crash, never a torn table, and a print shows what was written."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lab.mikrotik.errors import Trap
from lab.mikrotik.router import Router, Setup
from tests.properties.lab.model import MENUS, Books, Menu, Refused, Values
from tests.unit.lab.mikrotik.conftest import Console, HeldClock

_names = st.sampled_from(["ann", "bob", "c d", "x=y", "\xfc", "a,b", "12"])
_comments = st.sampled_from(["", "late", "a=b", "\xff\x00\r\n", "true"])
_values: dict[str, st.SearchStrategy[str]] = {
    "name": _names,
    "password": st.sampled_from(["", "x", "=", "\x00"]),
    "profile": st.sampled_from(["default", "ann", "bob", "c d", "nobody"]),
    "remote-address": st.sampled_from(["192.0.2.1", "192.0.2.77"]),
    "limit-bytes-in": st.sampled_from(["0", "9", "10", "100"]),
    "rate-limit": st.sampled_from(["2M/5M", "256k/1M"]),
    "only-one": st.sampled_from(["yes", "no", "default"]),
    "ranges": st.sampled_from(["192.0.2.1-192.0.2.9", "192.0.2.20-192.0.2.30", "192.0.2.1"]),
    "target": st.sampled_from(["192.0.2.5", "192.0.2.6/32", "192.0.2.0/24"]),
    "max-limit": st.sampled_from(["2M/5M", "512k/1000", "0/0"]),
    "chain": st.sampled_from(["forward", "input"]),
    "action": st.sampled_from(["accept", "drop"]),
    "src-address": st.sampled_from(["192.0.2.5", "192.0.2.0/24"]),
    "protocol": st.sampled_from(["tcp", "udp"]),
    "list": st.sampled_from(["paid", "expired"]),
    "address": st.sampled_from(["192.0.2.5", "192.0.2.5/32", "192.0.2.0/24", "192.0.2.9-192.0.2.19"]),
    "disabled": st.sampled_from(["yes", "no", "true", "false"]),
    "comment": _comments,
}
_menus = st.sampled_from(sorted(MENUS))


@st.composite
def _written(draw: st.DrawFn) -> tuple[str, Values]:
    """A menu and values for some of its fields, the required ones mostly among them."""
    path = draw(_menus)
    menu = MENUS[path]
    # A queue without a name is given one (queue1), which these books could not know.
    missing = draw(st.integers(0, 9)) == 0 and path != "/queue/simple"
    wanted = [name for name in menu.fields if draw(st.booleans()) or (name in menu.required and not missing)]
    return path, {name: draw(_values[name]) for name in wanted}


class RouterTables(RuleBasedStateMachine):
    """The router beside the books."""

    version = "7.18.2"

    def __init__(self) -> None:
        super().__init__()
        clock = HeldClock()
        self.console = Console(Router(Setup(version=self.version, empty=True), clock), clock)
        self.books = Books()

    # -- saying -------------------------------------------------------------------------------------------------

    def say(self, path: str, verb: str, **attributes: str) -> Any:
        words = (f"={name.replace('_', '-') if name != 'id' else '.id'}={value}" for name, value in attributes.items())
        return self.console.say(f"{path}/{verb}", *words)

    def must_refuse(self, path: str, verb: str, **attributes: str) -> None:
        with pytest.raises(Trap):
            self.say(path, verb, **attributes)

    def some(self, data: st.DataObject, path: str) -> str:
        """An id that is there."""
        return data.draw(st.sampled_from(self.books.ids(path)))

    def reference(self, data: st.DataObject, path: str, number: str) -> str:
        """The id, or now and then the name where menus are named."""
        name = self.books.row(path, number).get("name", "")
        by_name = MENUS[path].named and not name.isdecimal() and data.draw(st.booleans())
        return name if by_name else number

    # -- what may be done ---------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for path in MENUS:
            shown = self.console.rows(f"{path}/print")
            assert [row for row in shown if row.get("name") not in ("default", "default-encryption")] == []

    @rule(written=_written(), data=st.data())
    def add(self, written: tuple[str, Values], data: st.DataObject) -> None:
        path, values = written
        rows = self.books.rows[path]
        place = {}
        if MENUS[path].ordered and rows and data.draw(st.booleans()):
            place = {"place-before": data.draw(st.sampled_from(self.books.ids(path)))}
        try:
            row = self.books.checked(path, values)
        except Refused:
            self.must_refuse(path, "add", **values, **place)
            return
        row[".id"] = self.say(path, "add", **values, **place)
        at = self.books.ids(path).index(place["place-before"]) if place else len(rows)
        rows.insert(at, row)

    @rule(written=_written(), data=st.data())
    def change(self, written: tuple[str, Values], data: st.DataObject) -> None:
        path, values = written
        if not self.books.rows[path] or not values:
            return
        number = self.some(data, path)
        reference = self.reference(data, path, number)
        old = self.books.row(path, number)
        try:
            row = self.books.checked(path, values, old)
        except Refused:
            self.must_refuse(path, "set", id=reference, **values)
            return
        self.say(path, "set", id=reference, **values)
        before = old.get("name", "")
        old.clear()
        old.update(row)
        if "name" in values:
            self.books.renamed(path, before, values["name"])

    @rule(path=_menus, data=st.data())
    def remove(self, path: str, data: st.DataObject) -> None:
        rows = self.books.rows[path]
        if not rows:
            return
        gone = data.draw(st.lists(st.sampled_from(self.books.ids(path)), min_size=1, max_size=3, unique=True))
        if any(self.books.is_named(path, self.books.row(path, number).get("name", "")) for number in gone):
            return  # whether a profile in use goes is a belief of its own
        self.say(path, "remove", id=",".join(gone))
        self.books.rows[path] = [row for row in rows if row[".id"] not in gone]

    @rule(path=_menus, verb=st.sampled_from(["enable", "disable"]), data=st.data())
    def switch(self, path: str, verb: str, data: st.DataObject) -> None:
        if not self.books.rows[path]:
            return
        number = self.some(data, path)
        old = self.books.row(path, number)
        if "disabled" not in MENUS[path].fields:
            self.must_refuse(path, verb, id=number)
            return
        try:
            row = self.books.checked(path, {"disabled": "no" if verb == "enable" else "yes"}, old)
        except Refused:
            self.must_refuse(path, verb, id=number)
            return
        self.say(path, verb, id=number)
        old.update(row)

    @rule(path=st.sampled_from(["/ppp/secret", "/ip/firewall/filter"]), data=st.data())
    def unset(self, path: str, data: st.DataObject) -> None:
        if not self.books.rows[path]:
            return
        number = self.some(data, path)
        name = "remote-address" if path == "/ppp/secret" else "src-address"
        if data.draw(st.booleans()):
            self.say(path, "unset", id=number, value_name=name)
        else:
            self.console.say(f"{path}/set", f"=.id={number}", f"=!{name}=")
        self.books.row(path, number).pop(name, None)

    @rule(path=st.sampled_from([path for path, menu in MENUS.items() if menu.ordered]), data=st.data())
    def move(self, path: str, data: st.DataObject) -> None:
        ids = self.books.ids(path)
        if not ids:
            return
        moved = data.draw(st.sampled_from(ids))
        before = data.draw(st.sampled_from(["", "*FFFF", *ids]))
        if before == moved:
            self.must_refuse(path, "move", numbers=moved, destination=before)
            return
        self.say(path, "move", numbers=moved, **({"destination": before} if before else {}))
        row = self.books.row(path, moved)
        rest = [one for one in self.books.rows[path] if one is not row]
        at = next((at for at, one in enumerate(rest) if one[".id"] == before), len(rest))
        self.books.rows[path] = [*rest[:at], row, *rest[at:]]

    @rule(path=_menus, verb=st.sampled_from(["set", "remove", "enable", "unset"]))
    def touch_what_is_not_there(self, path: str, verb: str) -> None:
        more = {"value_name": "comment"} if verb == "unset" else {}
        self.must_refuse(path, verb, id="*FFFF", **more)

    @rule(path=_menus, data=st.data())
    def ask(self, path: str, data: st.DataObject) -> None:
        """Two comparisons joined, one perhaps negated, against the books."""
        fields = [name for name in MENUS[path].fields if name != "disabled"]
        picked = [(data.draw(st.sampled_from(fields)), None) for _ in range(2)]
        (one, two) = [(name, data.draw(st.sampled_from(self._known(path, name)))) for name, _ in picked]
        negated, joined = data.draw(st.booleans()), data.draw(st.sampled_from("&|"))
        words = [f"?{one[0]}={one[1]}", *(["?#!"] if negated else []), f"?{two[0]}={two[1]}", f"?#{joined}"]
        shown = self.console.rows(f"{path}/print", "=.proplist=.id", *words)
        expected = []
        for row in self.books.rows[path]:
            first = (row.get(one[0]) == one[1]) != negated
            second = row.get(two[0]) == two[1]
            if (first and second) if joined == "&" else (first or second):
                expected.append({".id": row[".id"]})
        assert [row for row in shown if row[".id"] in self.books.ids(path)] == expected

    def _known(self, path: str, name: str) -> list[str]:
        return sorted({row[name] for row in self.books.rows[path] if name in row} | {"nothing"})

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def what_was_written_is_shown(self) -> None:
        for path, menu in MENUS.items():
            shown = [row for row in self.console.rows(f"{path}/print") if row[".id"] in self.books.ids(path)]
            assert [self._of_interest(menu, row) for row in shown] == self.books.rows[path], path
            count = self.say(path, "print", count_only="")
            built_in = 2 if path == "/ppp/profile" else 0
            assert count == str(len(self.books.rows[path]) + built_in)

    @staticmethod
    def _of_interest(menu: Menu, row: Values) -> Values:
        known = {".id", *menu.fields, *menu.filled_in}
        of_old = {"disabled": "false"} if "disabled" in menu.fields else {}  # firewall rules leave it out when false
        return of_old | {name: value for name, value in row.items() if name in known}

    @invariant()
    def no_table_is_torn(self) -> None:
        for table in self.console.router.tables:
            assert all(row.number == number for number, row in table.rows.items())
            for name, index in table._index.items():
                indexed = {number: value for value, rows in index.items() for number in rows}
                stored = {row.number: row.values[name] for row in table if name in row.values}
                assert indexed == stored, (table.menu.path, name)
            assert all(rows for index in table._index.values() for rows in index.values())

    @precondition(lambda self: self.books.rows["/ppp/secret"])
    @invariant()
    def every_reference_names_a_row_or_dangles(self) -> None:
        profiles = {row["name"] for row in self.console.rows("/ppp/profile/print")}
        for row in self.console.rows("/ppp/secret/print"):
            assert row["profile"] in profiles or row["profile"].startswith("*")


class OldRouterTables(RouterTables):
    version = "6.49.18"


@pytest.mark.parametrize("machine", [RouterTables, OldRouterTables])
def test_tables_hold_whatever_is_said(machine: type[RouterTables]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=30, deadline=None))


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("machine", [RouterTables, OldRouterTables])
def test_tables_hold_whatever_is_said_for_long(machine: type[RouterTables]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=1_000, stateful_step_count=60, deadline=None))
