"""`/system/script` and `/execute`: scripts that are kept, run by name, with the policies they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.mikrotik.console.values import Value
from lab.mikrotik.errors import ScriptError, Trap, no_permission
from lab.mikrotik.fields.policy import POLICIES, SCRIPT_POLICIES, granted
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb
from lab.mikrotik.speech.edit import rows_meant
from lab.mikrotik.store.table import Row

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk

_COMMANDS_NAMED_SINCE = (7, 16)
_LOG_VERBS = ("debug", "error", "info", "warning")
# A reboot forgets jobs; until then the latest stay to be looked at while they run.
_OWNED = ("/system/script", "/system/scheduler")


class Scripts:
    """The verbs around scripts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._router = desk.router
        self._table = self._router.tables.get("/system/script")
        self._jobs = self._router.tables.get("/system/script/job")
        verbs = self._router.verbs
        for path in _OWNED:
            verbs[(path, "add")] = Verb(self._add, policy="write")
            verbs[(path, "set")] = Verb(self._set, policy="write")
        verbs[("/system/script", "run")] = Verb(self._run, policy="read", writes=False)
        verbs[("", "execute")] = Verb(self._execute, policy="read", writes=False)
        for verb in _LOG_VERBS:
            verbs[("/log", verb)] = Verb(self._log, policy="write", writes=False)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _add(self, command: Command, access: Access) -> Outcome:
        attributes = dict(command.attributes)
        table = self._router.tables.get(command.path)
        self._router.device.refuse(command.path, command.verb)
        default = table.fields["policy"].default or ""
        held = ",".join(name for name in default.split(",") if name in access.policies)
        attributes["policy"] = self._allowed(attributes.get("policy", held), access)
        owner = attributes.pop("owner", access.user) if command.path == "/system/script" else access.user
        if command.path == "/system/scheduler":
            attributes.setdefault("start-date", self._router.format_date(self._router.local_time()))
            attributes.setdefault("start-time", self._router.local_time().strftime("%H:%M:%S"))
        if (source := attributes.pop("copy-from", None)) is not None:
            kept = rows_meant(table, source)[0].values
            attributes = {n: v for n, v in kept.items() if n in table.fitted.accepts["add"]} | attributes
        row = self._router.editor.add(table, attributes)
        table.change(row, {"owner": owner})
        return Done(row.id)

    def _set(self, command: Command, access: Access) -> Outcome:
        attributes = dict(command.attributes)
        table = self._router.tables.get(command.path)
        rows = rows_meant(table, attributes.pop(".id", attributes.pop("numbers", None)))
        attributes.pop("numbers", None)
        if "policy" in attributes:
            self._allowed(attributes["policy"], access)
        self._router.editor.set(table, rows, attributes)
        return Done()

    def _allowed(self, wanted: str, access: Access) -> str:
        """Nobody gives a script what he has not himself."""
        if not granted(wanted) & set(POLICIES) <= access.policies:
            raise no_permission()
        return wanted

    # -- running ------------------------------------------------------------------------------------------------

    def _run(self, command: Command, access: Access) -> Outcome:
        attributes = command.attributes
        reference = next((attributes[name] for name in (".id", "number", "numbers") if name in attributes), None)
        row = rows_meant(self._table, reference)[0]
        needed = frozenset(filter(None, row.get("policy").split(",")))
        if row.get("dont-require-permissions") != "true" and not needed <= access.policies:
            raise no_permission()
        self._counted(row)
        try:
            self._desk.run(row.get("source"), self._access(access.user, needed))
        except ScriptError as error:
            raise Trap(self.shown(error)) from error
        return Done()

    def _counted(self, row: Row) -> None:
        count = int(row.get("run-count") or "0") + 1
        self._table.change(row, {"run-count": str(count), "last-started": self._router.stamp()})

    def _access(self, user: str, policies: frozenset[str]) -> Access:
        return Access(user, policies, ConnectionRecord(0, self._router.clock.now_us(), user=user))

    def run_event(self, text: str, policy: str, owner: str, variables: Mapping[str, str] | None = None) -> None:
        """What an event runs: the script of that name, or the text itself. Raises ScriptError or Trap."""
        row = self._table.find(text) if text and not text.startswith("*") else None
        if row is not None:
            self._counted(row)
            text = row.get("source")
        access = self._access(owner or "admin", frozenset(filter(None, policy.split(","))))
        self._desk.run(text, access, dict(variables or {}))

    def event(self, what: str, text: str, variables: Mapping[str, str]) -> None:
        """What a part of the router runs when something happens to it (a profile's `on-up`, say): errors are logged."""
        try:
            self.run_event(text, ",".join(SCRIPT_POLICIES), "", variables)
        except (ScriptError, Trap) as error:
            self._router.log("script,error", f"{what} script error: {error}")

    def _execute(self, command: Command, access: Access) -> Outcome:
        text = command.attributes.get("script")
        if text is None:
            raise Trap("missing value(s) of argument(s) script")
        as_string = command.attributes.get("as-string", "no") in ("", "yes", "true")
        found = self.execute(text, access, as_string=as_string)
        return Done(str(found))

    def execute(self, text: str, access: Access, *, as_string: bool) -> Value:
        """With `as_string` what the script puts out; else the job's number, whatever becomes of it."""
        row = self._table.find(text) if text and not text.startswith("*") else None
        source = text if row is None else row.get("source")
        if as_string:
            try:
                return self._desk.run(source, access).output
            except ScriptError as error:
                return self.shown(error)
        job = self._jobs.insert({
            "owner": access.user, "started": self._router.stamp(), "type": "command", "script": text[:200],
            "policy": ",".join(sorted(access.policies)),
        })  # fmt: skip
        try:
            self._desk.run(source, access)
        except ScriptError as error:
            self._router.log("script,error", self.shown(error))
        finally:
            self._jobs.remove(job)
        return f"*{job.number:X}"

    def _log(self, command: Command, _access: Access) -> Outcome:
        message = command.attributes.get("message")
        if message is None:
            raise Trap("missing value(s) of argument(s) message")
        self._router.log(f"script,{command.verb}", message)
        return Done()

    def shown(self, error: ScriptError) -> str:
        """The error as this version words it: where a line could not be read, or which command of it failed."""
        if error.column is not None:
            return f"{error.message} (line {error.line} column {error.column})"
        if error.command and self._router.version >= _COMMANDS_NAMED_SINCE:
            return f"{error.message} ({error.command}; line {error.line})"
        return error.message
