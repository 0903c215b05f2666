"""The command language: menus and verbs, who may use them, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lab.mikrotik.errors import Trap, no_permission, no_such_command, no_such_item, no_such_prefix, not_modelled
from lab.mikrotik.speech.commands import Access, Closing, Command, Done, Listening, Listing, Outcome, Rebooting
from lab.mikrotik.speech.edit import no_match, rows_meant
from lab.mikrotik.speech.printing import View
from lab.mikrotik.speech.query import compile_query
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

_READING = frozenset(("print", "getall", "get", "find", "listen", "export"))
# Switches of print that change nothing of what comes back over the API.
_PRINT_SWITCHES = frozenset(
    [
        "detail",
        "once",
        "stats",
        "terse",
        "brief",
        "without-paging",
        "value-list",
        "as-value",
        "show-ids",
        "active",
        "all",
        "where",
    ]
)


class Language:
    """Runs commands against a router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._writers: dict[str, Callable[[Table, dict[str, str]], Outcome]] = {
            "set": self._set,
            "remove": self._remove,
            "enable": lambda table, attributes: self._switch(table, attributes, on=True),
            "disable": lambda table, attributes: self._switch(table, attributes, on=False),
            "unset": self._unset,
            "comment": self._comment,
            "move": self._move,
            "reset-counters": lambda _table, _attributes: Done(),
            "reset-counters-all": lambda _table, _attributes: Done(),
            "sign": self._sign,
            "export-certificate": lambda _table, _attributes: Done(),
            "expire-password": self._expire,
            # These empty or measure what is not there.
            **dict.fromkeys(("clear-cache", "reset-html", "reset-freq-drift"), lambda _table, _attributes: Done()),
        }

    def run(self, command: Command, access: Access) -> Outcome:
        """Do one command, or raise the Trap that answers it."""
        if command.path == "/system" and command.verb in ("reboot", "shutdown"):
            self._allow(access, "reboot")
            return Rebooting()
        if not command.path and command.verb == "quit":
            return Closing("session terminated on request")
        if (own := self._router.verbs.get((command.path, command.verb))) is not None:
            self._allow(access, own.policy)
            act = partial(own.run, command, access)
            return self._write(command, access, act) if own.writes else act()
        table = self._table(command)
        if command.verb in table.menu.verbs:
            reads = command.verb in _READING
            return self._read(table, command, access) if reads else self._change(table, command, access)
        raise not_modelled(command.verb) if command.verb in table.fitted.unmodelled else no_such_command()

    def _change(self, table: Table, command: Command, access: Access) -> Outcome:
        """A verb that writes, if the caller and the device may."""
        self._allow(access, _VERB_POLICIES.get(command.verb, table.menu.write_policy))
        self._may_grant(table, command.attributes, access)
        self._router.device.refuse(command.path, command.verb)
        if command.verb == "add":
            return self._write(command, access, partial(self._add, table, command.attributes, access))
        writer = self._writers.get(command.verb)
        if writer is None:
            raise not_modelled(command.verb)
        return self._write(command, access, partial(writer, table, command.attributes))

    def _table(self, command: Command) -> Table:
        tables = self._router.tables
        if not command.path:
            raise no_such_command()  # the root is there, the command is not
        if not command.path.startswith("/"):
            raise no_such_prefix()
        if not tables.has(command.path) and tables.is_prefix(command.path):
            raise no_such_command()
        return tables.get(command.path)

    def _allow(self, access: Access, policy: str) -> None:
        if policy not in access.policies:
            raise no_permission()

    def _may_grant(self, table: Table, attributes: dict[str, str], access: Access) -> None:
        """Who adds a script or a schedule must hold every policy he gives it."""
        named = attributes.get(table.menu.granting or "", "")
        if not {name for name in named.split(",") if name and not name.startswith("!")} <= access.policies:
            raise no_permission()

    # -- reading ------------------------------------------------------------------------------------------------

    def _read(self, table: Table, command: Command, access: Access) -> Outcome:
        self._allow(access, "read")
        if "file" in command.attributes:
            self._allow(access, "ftp")  # a print or export into a file writes it
        view = View(self._router, table, sensitive="sensitive" in access.policies)
        match command.verb:
            case "export":
                return Done()  # over the API it prints nothing without a file
            case "get":
                return self._get(table, view, command.attributes)
            case "find":
                rows = view.select(compile_query(command.queries))
                return Done(";".join(row.id for row in rows))
            case "listen":
                return self._listen(table, view, command, print_first=False)
            case _:
                return self._print(table, view, command)

    def _print(self, table: Table, view: View, command: Command) -> Outcome:
        attributes = command.attributes
        for name in attributes:
            if name not in _PRINT_SWITCHES and name not in _PRINT_ARGUMENTS:
                raise self._router.editor.unknown(name)
        if "follow" in attributes or "follow-only" in attributes:
            return self._listen(table, view, command, print_first="follow" in attributes)
        rows = view.select(compile_query(command.queries))
        if "from" in attributes:
            wanted = rows_meant(table, attributes["from"])
            rows = [row for row in rows if row in wanted]
        if attributes.get("count-only", "no") in ("", "yes", "true"):
            return Done(str(len(rows)))
        return Listing(table, rows, view.columns(_proplist(attributes)))

    def _get(self, table: Table, view: View, attributes: dict[str, str]) -> Outcome:
        self._only(attributes, ".id", "number", "numbers", "value-name", "as-value", "as-string")
        row = table.rows[0] if table.menu.singleton else rows_meant(table, _reference(attributes, table))[0]
        name = attributes.get("value-name", "")
        if not name:
            shown = ((each, view.look(row, each)) for each in view.names())
            return Done(";".join(f"{each}={value}" for each, value in shown if value is not None))
        if name not in view.names():
            raise no_match("value-name")
        return Done(view.look(row, name) or "")

    def _listen(self, table: Table, view: View, command: Command, *, print_first: bool) -> Outcome:
        query = compile_query(command.queries)
        first = view.select(query) if print_first else []
        return Listening(table, query, view, view.columns(_proplist(command.attributes)), first)

    # -- writing ------------------------------------------------------------------------------------------------

    def _write(self, command: Command, access: Access, act: Callable[[], Outcome]) -> Outcome:
        """Run a write with the faults that were asked for, and put it in the journal whatever comes of it."""
        fault = self._router.faults.for_write(command.path)
        kind = fault.kind if fault is not None else ""
        outcome: Outcome = Done()
        answer = "done"
        try:
            if kind in ("trap-write", "bare-trap"):
                raise Trap(fault.message if fault is not None and kind == "trap-write" else "")
            if kind == "lose-write":
                answer = "lost"
                return Done("*FFFFFF" if command.verb == "add" else None)
            outcome = act()
            self._router.written(command, access, outcome)
            if kind == "trap-applied" and fault is not None:
                raise Trap(fault.message)
        except Trap as trap:
            answer = trap.message
            raise
        finally:
            self._router.journal.write(
                self._router.clock.now_us(), access.record, command.tag or "", command.path, command.verb,
                dict(command.attributes), answer,
            )  # fmt: skip
        return Rebooting() if kind == "reboot-on-write" else outcome

    def _add(self, table: Table, attributes: dict[str, str], access: Access) -> Outcome:
        attributes = dict(attributes)
        before: Row | None = None
        accepted = table.fitted.accepts["add"]
        if "place-before" in accepted and (place := attributes.pop("place-before", None)) is not None:
            before = rows_meant(table, place)[0]
        if "copy-from" in accepted and (source := attributes.pop("copy-from", None)) is not None:
            original = rows_meant(table, source)[0].values
            attributes = {name: value for name, value in original.items() if name in accepted} | attributes
        born = table.menu.born(self._router, access.user) if table.menu.born is not None else None
        row = self._router.editor.add(table, attributes, before, born)
        return Done(row.id)

    def _set(self, table: Table, attributes: dict[str, str]) -> Outcome:
        singleton = table.menu.singleton
        rows = [table.rows[0]] if singleton else rows_meant(table, _reference(attributes, table))
        rest = {n: v for n, v in attributes.items() if n != ".id" and (singleton or n != "numbers")}
        self._router.editor.set(table, rows, rest)
        return Done()

    def _remove(self, table: Table, attributes: dict[str, str]) -> Outcome:
        self._only(attributes, ".id", "numbers")
        self._router.editor.remove(table, rows_meant(table, _reference(attributes, table)))
        return Done()

    def _switch(self, table: Table, attributes: dict[str, str], *, on: bool) -> Outcome:
        self._only(attributes, ".id", "numbers")
        rows = rows_meant(table, _reference(attributes, table))
        self._router.editor.switch(table, rows, on=on)
        return Done()

    def _unset(self, table: Table, attributes: dict[str, str]) -> Outcome:
        self._only(attributes, ".id", "numbers", "value-name")
        rows = rows_meant(table, _reference(attributes, table))
        self._router.editor.unset(table, rows, attributes.get("value-name", "").split(","))
        return Done()

    def _comment(self, table: Table, attributes: dict[str, str]) -> Outcome:
        self._only(attributes, ".id", "numbers", "comment")
        rows = rows_meant(table, _reference(attributes, table))
        self._router.editor.set(table, rows, {"comment": attributes.get("comment", "")})
        return Done()

    def _move(self, table: Table, attributes: dict[str, str]) -> Outcome:
        """Rows go directly before `destination`; none, or one that is not there, means the end of the table."""
        self._only(attributes, ".id", "numbers", "destination")
        moved = rows_meant(table, _reference(attributes, table))
        destination = table.find(attributes.get("destination", "").split(",")[0])
        if destination in moved:
            raise Trap("failure: can not move object before itself")
        table.move(moved, destination)
        return Done()

    def _expire(self, table: Table, attributes: dict[str, str]) -> Outcome:
        """At the console the user must take another password at once; the API lets him in all the same."""
        self._only(attributes, ".id", "numbers")
        for row in rows_meant(table, _reference(attributes, table)):
            table.change(row, {"expired": "true"})
        return Done()

    def _only(self, attributes: dict[str, str], *names: str) -> None:
        for name in attributes:
            if name not in names:
                raise self._router.editor.unknown(name)

    def _sign(self, table: Table, attributes: dict[str, str]) -> Outcome:
        for row in rows_meant(table, _reference(attributes, table)):
            signed = {"private-key": "true", "authority": "false" if "ca" in attributes else "true"}
            table.change(row, signed | {"issuer": f"CN={attributes.get('ca', row.get('common-name'))}"})
        return Done()


# What a verb needs beside or instead of its menu's policy: whoever leaves a file behind needs `ftp`.
_VERB_POLICIES = {"export-certificate": "ftp"}
_PRINT_ARGUMENTS = frozenset((".proplist", "count-only", "follow", "follow-only", "interval", "from", "file"))


def _proplist(attributes: dict[str, str]) -> list[str] | None:
    wanted = attributes.get(".proplist")
    return [name for name in wanted.split(",") if name] if wanted else None


def _reference(attributes: dict[str, str], table: Table | None = None) -> str | None:
    """The rows a command means: `.id`, or `numbers` where bare numbers are positions."""
    if ".id" in attributes:
        return attributes[".id"]
    numbers = attributes.get("numbers", attributes.get("number"))
    if numbers is None or table is None:
        return numbers
    return ",".join(_at(table, part) if part.isdecimal() else part for part in numbers.split(","))


def _at(table: Table, position: str) -> str:
    row = table.at_position(int(position))
    if row is None:
        raise no_such_item()
    return row.id
