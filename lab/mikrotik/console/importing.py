"""`/import`: a file of commands, run until the first one that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lab.mikrotik.errors import ScriptError, Trap
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk

T = TypeVar("T")
SUCCESS = "Script file loaded and executed successfully"
_DRY_RUN_SINCE = (7, 16)
# Seen in 7.19 and 7.24, not in 6.49.
_PREFIXED_SINCE = (7, 16)
_YES = ("", "yes", "true")


class Importer:
    """Imports of one router."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._version = desk.router.version
        desk.router.verbs[("", "import")] = Verb(self._import, policy="read", writes=False)

    def _import(self, command: Command, access: Access) -> Outcome:
        attributes = command.attributes
        known = {"file-name", "verbose", "from-line"} | ({"dry-run"} if self._version >= _DRY_RUN_SINCE else set())
        for name in attributes:
            if name not in known:
                raise self._desk.router.editor.unknown(name)
        if "file-name" not in attributes:
            raise Trap("missing value(s) of argument(s) file-name")
        verbose = attributes.get("verbose", "no") in _YES
        text = self._text(attributes["file-name"], attributes.get("from-line", "1") if verbose else "1")
        if verbose and attributes.get("dry-run", "no") in _YES:
            self._try(lambda: self._desk.parse(text))
        else:
            self.run(text, access)
        return Done()

    def _text(self, name: str, from_line: str) -> str:
        text = self._desk.files.read(name)
        if text is None:
            text = self._desk.files.read(f"{name}.rsc")
        if text is None:
            raise Trap("Cannot open import file, file does not exist")
        if not from_line.isascii() or not from_line.isdecimal() or len(from_line) > 9:
            raise Trap("invalid value for argument from-line", 1)
        # Lines before the first wanted one stay as empty ones: errors keep their numbers.
        lines = text.split("\n")
        skipped = min(max(int(from_line) - 1, 0), len(lines))
        return "\n".join([*[""] * skipped, *lines[skipped:]])

    def run(self, text: str, access: Access) -> str:
        """Run the text of a file; Trap says what the router would print."""
        return self._try(
            lambda: self._desk.run(text, access, whole=self._desk.router.setup.switches.import_reads_whole).output
        )

    def _try(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except ScriptError as error:
            prefix = "Script Error: " if self._version >= _PREFIXED_SINCE else ""
            raise Trap(prefix + self._desk.scripts.shown(error)) from error
