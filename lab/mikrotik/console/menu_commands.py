"""Commands of the menus, as a script says them: rows by number, name or `[find]`, and what they give back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.console.argument_names import Names
from lab.mikrotik.console.importing import SUCCESS
from lab.mikrotik.console.signals import Stopped
from lab.mikrotik.console.tree import Call, Expression, Literal
from lab.mikrotik.console.values import Array, Id, Value, bounded, of_list, to_argument, to_text, typed
from lab.mikrotik.console.where import matching
from lab.mikrotik.errors import Trap, no_permission, no_such_command, no_such_item
from lab.mikrotik.speech.commands import Access, Closing, Command, Done, Listing, Outcome, Rebooting
from lab.mikrotik.speech.printing import View
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk
    from lab.mikrotik.console.runner import Runner

# What arguments without a name mean, in order; of any other verb the first one says which rows.
_NAMELESS = {
    "add": (), "get": ("numbers", "value-name"), "unset": ("numbers", "value-name"),
    "move": ("numbers", "destination"), "import": ("file-name",), "info": ("message",), "warning": ("message",),
    "error": ("message",), "debug": ("message",), "fetch": ("url",), "save": (), "load": (), "reset-configuration": (),
}  # fmt: skip
_SINGLE_NAMELESS = {"get": ("value-name",)}
# Bare words after these are switches.
_SWITCHED = frozenset(("print", "export"))
_AS_VALUE = Literal("as-value")
_ROW_ARGUMENTS = ("numbers", ".id")
_PLACES = ("place-before", "destination")
# What `get` gives of these is text whatever it looks like.
_TEXTS = frozenset(("name", "comment", "password", "source", "contents", "on-event"))


class MenuCommands:
    """Runs one menu command after the other for one runner."""

    def __init__(self, runner: Runner, desk: Desk, access: Access) -> None:
        self._runner = runner
        self._desk = desk
        self._access = access

    def run(self, call: Call) -> Value:
        tables = self._desk.router.tables
        table = tables.get(call.path) if tables.has(call.path) else None
        own = (call.path, call.verb) in self._desk.router.verbs
        if table is not None and not own:
            match call.verb:
                case "find":
                    return of_list([Id(row.id) for row in self._rows(call, table)])
                case "print" | "getall":
                    return self._print(call, table)
                case "get":
                    return self._get(call, table)
                case _:
                    pass
        attributes = self._attributes(call, table)
        if attributes is None:
            return None
        if call.verb == "export" and "file" not in attributes:
            return self._export(call, table, attributes)
        if (call.path, call.verb) == ("", "import"):
            return self._import(attributes)
        return self._value(self._say(call.path, call.verb, attributes), call)

    def _say(self, path: str, verb: str, attributes: dict[str, str]) -> Outcome:
        return self._desk.language.run(Command(path, verb, attributes), self._access)

    def _value(self, outcome: Outcome, call: Call) -> Value:
        match outcome:
            case Done() if call.verb == "fetch":
                return Array([("data", ""), ("downloaded", 0), ("status", "finished")])
            case Done():
                return None if outcome.ret is None else Id(outcome.ret) if call.verb == "add" else outcome.ret
            case Listing():
                return _tabled(self._view(outcome.table), outcome.table, outcome.rows)
            case Rebooting():
                self._desk.reboot()
                raise Stopped
            case Closing():
                raise Stopped
            case _:
                return None

    def _export(self, call: Call, table: Table | None, attributes: dict[str, str]) -> Value:
        """On the console an export is printed; `where` picks rows of one menu."""
        rows = self._rows(call, table) if call.where is not None and table is not None else None
        self._runner.put(self._desk.exporter.answer(call.path, attributes, self._access, rows).rstrip("\n"))
        return None

    def _import(self, attributes: dict[str, str]) -> Value:
        self._say("", "import", attributes)
        self._runner.put(SUCCESS)
        return None

    # -- arguments ----------------------------------------------------------------------------------------------

    def _attributes(self, call: Call, table: Table | None) -> dict[str, str] | None:
        """Arguments as the API has them; None when the command means no rows at all."""
        attributes: dict[str, str] = {}
        names = Names(call, table, self._nameless(call, table))
        for argument in call.arguments:
            if argument.name is None and (call.verb in _SWITCHED or argument.value == _AS_VALUE):
                attributes[self._runner.text(argument.value)] = ""
                continue
            name = names.of(argument)
            if name is None:
                continue
            found = self._found(argument.value)
            if name in _ROW_ARGUMENTS and isinstance(found, Array) and not found.items:
                return None
            value = bounded(to_argument(found))
            if name in _PLACES:
                value = _place(table, value)
                if not value and name == "place-before":
                    continue
            attributes[name] = value
        return attributes

    def _found(self, expression: Expression) -> Value:
        """A bare word stays as it was written."""
        return expression.text if isinstance(expression, Literal) else self._runner.evaluate(expression)

    def _nameless(self, call: Call, table: Table | None) -> tuple[str, ...]:
        if table is not None and table.menu.singleton:
            return _SINGLE_NAMELESS.get(call.verb, ())
        return _NAMELESS.get(call.verb, ("numbers",))

    # -- reading ------------------------------------------------------------------------------------------------

    def _view(self, table: Table) -> View:
        return View(self._desk.router, table, sensitive="sensitive" in self._access.policies)

    def _rows(self, call: Call, table: Table) -> list[Row]:
        """The rows that the conditions of a command let through."""
        if "read" not in self._access.policies:
            raise no_permission()
        if "find" not in table.menu.verbs and call.verb == "find":
            raise no_such_command()
        if call.where is None:
            return list(table)
        return matching(self._runner, call.where, table, self._view(table))

    def _print(self, call: Call, table: Table) -> Value:
        attributes = self._attributes(call, table) or {}
        name = attributes.pop("file", None)
        as_value, counts = "as-value" in attributes, "count-only" in attributes
        attributes.pop("count-only", None)
        outcome = self._say(call.path, call.verb, attributes)
        rows = self._rows(call, table) if call.where is not None else None
        if not isinstance(outcome, Listing):
            return None
        found = outcome.rows if rows is None else [row for row in rows if row in set(outcome.rows)]
        if counts:
            self._runner.put(str(len(found)))
            return len(found)
        if as_value:
            return _tabled(self._view(table), table, found)
        text = "\n".join(_printed(self._view(table), table, found))
        if name is not None:
            self._desk.files.write_as(self._access, name, text + "\n", suffix=".txt")
        else:
            self._runner.put(text)
        return None

    def _get(self, call: Call, table: Table) -> Value:
        attributes = self._attributes(call, table)
        if attributes is None:
            raise no_such_item()
        name = attributes.get("value-name", "")
        if "," in attributes.get("numbers", "") and table.find(attributes["numbers"]) is None:
            raise Trap("invalid internal item number")
        if name:
            outcome = self._say(call.path, "get", attributes)
            text = outcome.ret if isinstance(outcome, Done) else None
            return None if text is None else text if name in _TEXTS else _read(text)
        wanted = {"from": attributes["numbers"]} if "numbers" in attributes else {}
        outcome = self._say(call.path, "print", wanted)
        if not isinstance(outcome, Listing) or not outcome.rows:
            raise no_such_item()
        return _record(self._view(table), table, outcome.rows[0])


def _place(table: Table | None, value: str) -> str:
    """Where a row goes: a bare number is a position on the console."""
    if table is None or not value.isdecimal():
        return value
    row = table.at_position(int(value)) if len(value) < 10 else None
    return row.id if row is not None else ""


def _read(text: str) -> Value:
    """A property as a script sees it: lists become arrays, numbers numbers."""
    if ";" in text:
        return of_list([typed(part) for part in text.split(";")])
    return typed(text)


def _record(view: View, table: Table, row: Row) -> Array:
    """A row as an array with names."""
    names = table.fields if table.menu.singleton else (".id", *table.fields)
    found: list[tuple[str | None, Value]] = []
    for name in names:
        value = view.look(row, name)
        if value is not None:
            found.append((name, value if name in _TEXTS else _read(value)))
    return Array(found)


def _tabled(view: View, table: Table, rows: list[Row]) -> Array:
    if table.menu.singleton and rows:
        return _record(view, table, rows[0])
    return of_list([_record(view, table, row) for row in rows])


def _printed(view: View, table: Table, rows: list[Row]) -> list[str]:
    """Rows as `print detail` writes them, roughly: one line each."""
    lines: list[str] = []
    for at, row in enumerate(rows):
        record = _record(view, table, row)
        if table.menu.singleton:
            width = max((len(name or "") for name, _ in record.items), default=0) + 2
            return [f"{name or '':>{width}}: {to_text(value)}" for name, value in record.items]
        values = " ".join(f"{name}={to_argument(value)}" for name, value in record.items if name != ".id")
        lines.append(f"{at:2}  {values}")
    return lines
