"""`/export`: the configuration as the script that would make it again, in the words of the router's version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.mikrotik.console.export_order import ALWAYS, DECIDING, NEVER, OWNED, RATES, place
from lab.mikrotik.console.export_text import one_line, wrapped
from lab.mikrotik.fields.schema import Field
from lab.mikrotik.fields.values import boolean
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk
    from lab.mikrotik.router import Router

MODEL = "RB5009UG+S+"
SOFTWARE_ID = "SIML-0001"
SERIAL_NUMBER = "HEX000000001"
_HIDDEN_BY_DEFAULT_SINCE = (7,)
_ARGUMENTS = frozenset(("file", "terse", "compact", "verbose", "hide-sensitive", "show-sensitive", "numbers"))
_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


@dataclass(frozen=True, slots=True)
class Style:
    """How to export. `secrets`: with the values that masks hide."""

    secrets: bool = False
    terse: bool = False
    verbose: bool = False


class Exporter:
    """Exports of one router."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._router = desk.router
        for path in self._paths():
            self._router.verbs[(path, "export")] = Verb(self._export, policy="read", writes=False)

    def _paths(self) -> set[str]:
        """Every menu that can be exported, and every menu above one."""
        paths = {""}
        for table in self._router.tables:
            path = table.menu.path if _configures(table) else ""
            while path:
                paths.add(path)
                path = path.rpartition("/")[0]
        return paths

    def _export(self, command: Command, access: Access) -> Outcome:
        """Over the API nothing is printed: without a file there is nothing to see."""
        text = self.answer(command.path, command.attributes, access)
        if "file" in command.attributes:
            self._desk.files.write_as(access, command.attributes["file"], text, suffix=".rsc")
        return Done()

    def answer(self, path: str, attributes: dict[str, str], access: Access, rows: Iterable[Row] | None = None) -> str:
        """The export of a menu and what is below it, as these arguments ask for."""
        for name in attributes:
            if name not in _ARGUMENTS:
                raise self._router.editor.unknown(name)
        shows = self._router.version < _HIDDEN_BY_DEFAULT_SINCE and "hide-sensitive" not in attributes
        secrets = (shows or "show-sensitive" in attributes) and "sensitive" in access.policies
        return self.text(path, Style(secrets, "terse" in attributes, "verbose" in attributes), rows)

    def text(self, path: str = "", style: Style | None = None, rows: Iterable[Row] | None = None) -> str:
        """The export with its header; `rows` narrows one menu to some of its rows."""
        style = style or Style()
        only = None if rows is None else set(rows)
        lines = list(self._header())
        for table, found in _in_order(self._router, path, style):
            section = [row for row in found if only is None or row in only]
            commands = [command for row in section if (command := _command(table, row, style)) is not None]
            menu = table.menu.path.replace("/", " ").strip()
            if commands and not style.terse:
                lines.append(f"/{menu}")
            lines += [f"/{menu} {command}" if style.terse else command for command in commands]
        return "\n".join(lines) + "\n"

    def _header(self) -> Iterator[str]:
        yield f"# {self._router.stamp()} by RouterOS {self._router.version_text}"
        yield f"# software id = {self._fact('/system/license', 'software-id', SOFTWARE_ID)}"
        yield "#"
        yield f"# model = {self._fact('/system/routerboard', 'model', MODEL)}"
        yield f"# serial number = {self._fact('/system/routerboard', 'serial-number', SERIAL_NUMBER)}"

    def _fact(self, path: str, name: str, otherwise: str) -> str:
        tables = self._router.tables
        return (tables.setting(path, name) if tables.has(path) else "") or otherwise


def _configures(table: Table) -> bool:
    menu = table.menu
    return menu.path not in NEVER and menu.survives_reboot and bool(menu.verbs & {"add", "set"})


def _in_order(router: Router, path: str, style: Style) -> Iterator[tuple[Table, list[Row]]]:
    """Menus with their rows. A row that names a row not written yet waits until that one is, in a second section
    of its menu, as routers do it."""
    tables = [table for table in router.tables if _configures(table)]
    if any(table.menu.path == "/interface/ethernet" for table in tables):
        tables = [table for table in tables if table.menu.path != "/interface"]
    tables = [table for table in tables if f"{table.menu.path}/".startswith(f"{path}/")]
    tables.sort(key=lambda table: place(table.menu.path))
    unwritten = {id(row) for table in tables for row in _rows(table) if _command(table, row, style) is not None}
    waiting: list[tuple[Table, list[Row]]] = []
    for table in tables:
        queue, waiting = [(table, _rows(table)), *waiting], []
        for one, rows in queue:
            ready = rows if one.menu.ordered else _ready(router, one, rows, unwritten)
            unwritten.difference_update(map(id, ready))
            yield one, ready
            if len(ready) < len(rows):
                done = set(map(id, ready))
                waiting.append((one, [row for row in rows if id(row) not in done]))
    yield from waiting


def _rows(table: Table) -> list[Row]:
    return [row for row in table if not row.dynamic and row.owner is None]


def _ready(router: Router, table: Table, rows: list[Row], unwritten: set[int]) -> list[Row]:
    """The rows that name nothing unwritten, in an order in which they can be added."""
    ready: list[Row] = []
    left, missing = rows, set(unwritten)
    while found := [row for row in left if not _names(router, table, row, missing)]:
        ready += found
        done = set(map(id, found))
        missing -= done
        left = [row for row in left if id(row) not in done]
    return ready


def _names(router: Router, table: Table, row: Row, missing: set[int]) -> bool:
    """Whether the row names one of these."""
    for field in table.fields.values():
        value = row.values.get(field.name)
        if not value or field.refers is None or not router.tables.has(field.refers):
            continue
        for name in value.split(",") if field.list_of_names else (value,):
            target = router.tables.get(field.refers).find(name.removeprefix("!"))
            if target is not None and not target.builtin and target is not row and id(target) in missing:
                return True
    return False


def _command(table: Table, row: Row, style: Style) -> str | None:
    """The line that makes a row, or what is different about a row that is always there."""
    fixed = row.builtin
    pairs = list(_pairs(table, row, style, _as_delivered(table, row)))
    if fixed and not pairs:
        return None
    head = _selected(table, row) if fixed else "add"
    return one_line(head, pairs) if style.terse else wrapped(head, pairs)


def _as_delivered(table: Table, row: Row) -> dict[str, str]:
    """What a row has when nobody touched it."""
    values = dict(table.fitted.defaults)
    deciding = DECIDING.get(table.menu.path)
    if deciding is not None and table.menu.derive is not None:
        decided = {deciding: row.get(deciding)}
        values |= table.menu.derive(decided, decided)
    if row.builtin:
        values |= next((given for number, given in table.menu.builtin if number == row.number), {})
    return values


def _selected(table: Table, row: Row) -> str:
    """How an export points at a row that is always there."""
    if table.menu.singleton:
        return "set"
    if "default-name" in row.values:
        return f"set [ find default-name={row.get('default-name')} ]"
    if table.menu.path == "/ppp/profile":
        return f"set {row.id}"
    if row.get("default") == "true" and sum(other.get("default") == "true" for other in table) == 1:
        return "set [ find default=yes ]"
    return f"set {row.get(table.menu.name_field)}" if table.menu.name_field else f"set {row.id}"


def _pairs(table: Table, row: Row, style: Style, delivered: dict[str, str]) -> Iterator[tuple[str, str]]:
    path = table.menu.path
    for name in sorted(table.fields):
        field = table.fields[name]
        if not _written(path, field) or (field.sensitive and not style.secrets):
            continue
        value = row.values.get(name)
        default = delivered.get(name)
        if value is None:
            shown = (field.default if style.verbose else None) or ("" if row.builtin and default else None)
        else:
            always = not row.builtin and (path, name) in ALWAYS
            shown = value if style.verbose or value != default or always else None
        if shown is not None:
            yield name, _shown(path, field, shown)


def _written(path: str, field: Field) -> bool:
    """Whether a property is configuration at all."""
    if (path, field.name) in OWNED:
        return True
    return not (field.read_only or field.live is not None or field.write_only or field.name == "dynamic")


def _shown(path: str, field: Field, value: str) -> str:
    if field.kind is boolean:
        return {"true": "yes", "false": "no"}.get(value, value)
    if path.startswith("/queue/") and field.name in RATES:
        return "/".join(map(_rate, value.split("/")))
    return value


def _rate(value: str) -> str:
    if value.isascii() and value.isdecimal() and int(value):
        for size, unit in _UNITS:
            if int(value) % size == 0:
                return f"{int(value) // size}{unit}"
    return value
