"""Runs .rsc scripts as `/import` does: statement by statement, stopping at the first error with its line."""

import re

from lab.mikrotik.commands import Access, Command, everything
from lab.mikrotik.errors import ScriptError, Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.language import Language
from lab.mikrotik.router import Router
from lab.mikrotik.script_text import Find, Pair, Statement, Word, statements
from lab.mikrotik.table import Row, Table

# Console commands that change nothing here.
_IDLE = frozenset((":put", ":log", ":delay", ":beep"))
_TAKES_ROWS = frozenset(["set", "remove", "enable", "disable", "unset", "comment", "move", "sign", "reset-counters"])
_BOOLEAN = {"yes": "true", "no": "false"}


def run_script(router: Router, text: str) -> None:
    """Run a whole script. What ran before an error stays done, as on a router."""
    runner = _Runner(router)
    # Text becomes bytes as UTF-8 and each byte one character, as everywhere on the wire.
    for statement in statements(text.encode("utf-8").decode("latin-1")):
        runner.run(statement)


class _Runner:
    def __init__(self, router: Router) -> None:
        self._router = router
        self._language = Language(router)
        record = ConnectionRecord(0, router.clock.now_us(), user="script")
        self._access: Access = everything(record)
        self._menu = ""

    def run(self, statement: Statement) -> None:
        first = statement.parts[0]
        if isinstance(first, Word) and first.value in _IDLE:
            return
        path, verb, rest = self._resolve(statement)
        if not verb:
            self._menu = path
            return
        table = self._table(path, statement.line) if (path, verb) != ("/system", "reboot") else None
        try:
            attributes = self._attributes(table, verb, rest, statement.line)
            if attributes is not None:
                self._language.run(Command(path, verb, attributes), self._access)
        except Trap as trap:
            raise ScriptError(statement.line, trap.message) from trap

    def _resolve(self, statement: Statement) -> tuple[str, str, list[Word | Pair]]:
        """(menu, verb, arguments); the verb is empty when the line only enters a menu."""
        path = self._menu
        parts = statement.parts
        for at, part in enumerate(parts):
            if not isinstance(part, Word) or not isinstance(part.value, str):
                raise ScriptError(statement.line, "expected command name", part.column)
            steps = part.value
            if at == 0 and steps.startswith("/"):
                path = ""
            for step in filter(None, steps.split("/")):
                if self._is_menu(f"{path}/{step}"):
                    path = f"{path}/{step}"
                elif self._has_verb(path, step):
                    return path, step, parts[at + 1 :]
                else:
                    raise ScriptError(statement.line, f"bad command name {step}", part.column)
        return path, "", []

    def _is_menu(self, path: str) -> bool:
        tables = self._router.tables
        return tables.is_prefix(path) or tables.has(path)

    def _has_verb(self, path: str, verb: str) -> bool:
        if (path, verb) == ("/system", "reboot"):
            return True
        return self._router.tables.has(path) and verb in self._router.tables.get(path).menu.verbs

    def _table(self, path: str, line: int) -> Table:
        if not self._router.tables.has(path):
            raise ScriptError(line, "bad command name")
        return self._router.tables.get(path)

    def _attributes(self, table: Table | None, verb: str, parts: list[Word | Pair], line: int) -> dict[str, str] | None:
        """Arguments as the API has them; None when the command means no rows at all."""
        attributes: dict[str, str] = {}
        for part in parts:
            if isinstance(part, Pair):
                name, value = part.name, part.value
            elif table is not None and verb in _TAKES_ROWS and not table.menu.singleton and "numbers" not in attributes:
                name, value = "numbers", part.value
            elif verb in ("print", "export"):
                continue
            else:
                raise ScriptError(line, "expected end of command", part.column)
            if table is not None and isinstance(value, Find):
                found = ",".join(row.id for row in _found(table, value))
                if not found and name != "destination":
                    return None
                value = found
            if name in ("place-before", "destination") and table is not None and str(value).isdecimal():
                row = table.at_position(int(str(value)))
                value = row.id if row is not None else ""
            attributes[name] = str(value)
        return attributes


def _found(table: Table, find: Find) -> list[Row]:
    return [row for row in table if all(_holds(row, *condition) for condition in find.conditions)]


def _holds(row: Row, name: str, operator: str, value: str) -> bool:
    found = row.id if name == ".id" else row.get(name)
    match operator:
        case "is":
            return found in ("true", "yes")
        case "not":
            return found not in ("true", "yes")
        case "~":
            return re.search(value, found) is not None
        case _:
            same = found in (value, _BOOLEAN.get(value, value)) or (not found and _BOOLEAN.get(value) == "false")
            return same == (operator == "=")
