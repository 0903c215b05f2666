"""Which argument of a menu's command a script means: written out, begun, after a blank, or by its place alone."""

from lab.mikrotik.console.tree import Argument, Call, Literal
from lab.mikrotik.errors import ScriptError
from lab.mikrotik.store.fitting import ROW_ARGUMENTS
from lab.mikrotik.store.table import Table

_EDITING = frozenset(("add", "set"))


class Names:
    """Names the arguments of one command in turn. `nameless` are the names of those that have only a place."""

    def __init__(self, call: Call, table: Table | None, nameless: tuple[str, ...]) -> None:
        self._nameless = list(nameless)
        known: frozenset[str] = frozenset()
        if table is not None and call.verb in _EDITING:
            known = table.fitted.accepts[call.verb] | (ROW_ARGUMENTS if call.verb == "add" else frozenset())
        self._known = known
        self._waiting: str | None = None

    def of(self, argument: Argument) -> str | None:
        """The full name; None for a word that only names what follows it (`interval 1h` for `interval=1h`)."""
        if self._waiting is not None:
            name, self._waiting = self._waiting, None
            return name
        if argument.name is not None:
            return self._full(argument.name)
        if self._nameless:
            return self._nameless.pop(0)
        if isinstance(argument.value, Literal) and argument.value.text in self._known:
            self._waiting = argument.value.text
            return None
        raise ScriptError(argument.line, "expected end of command", argument.column)

    def _full(self, name: str) -> str:
        """A console takes the beginning of a name for the whole, where only one begins so."""
        if name in self._known:
            return name
        fitting = [known for known in self._known if known.startswith(name)]
        return fitting[0] if len(fitting) == 1 else name
