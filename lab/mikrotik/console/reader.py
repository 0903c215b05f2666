"""Reads commands: menus and verbs are known while reading, as on a router, so a wrong one is named at once."""

import re
from collections.abc import Iterator
from typing import Protocol

from lab.mikrotik.console.expressions import ExpressionReader
from lab.mikrotik.console.lines import Source
from lab.mikrotik.console.tree import Argument, Block, Call, Expression, Literal

BUILT_IN = ":"
FUNCTION = "$"
BUILT_INS = frozenset([
    "beep", "delay", "do", "environment", "error", "execute", "find", "for", "foreach", "global", "if", "len", "local",
    "log", "nothing", "onerror", "parse", "pick", "put", "resolve", "retry", "return", "set", "terminal", "time",
    "toarray", "tobool", "toid", "toip", "tonum", "tostr", "totime", "typeof", "while",
])  # fmt: skip
# Arguments that hold commands when they are written in braces.
_CODE = frozenset([
    "do", "down-script", "else", "in", "lease-script", "on-down", "on-error", "on-event", "on-login", "on-logout",
    "on-up", "script", "source", "up-script",
])  # fmt: skip
_CODE_UNNAMED = frozenset(("do", "execute", "onerror", "retry", "time"))
# Names that may stand before their value with a blank instead of `=`, as in `:foreach i in [find] do={}`.
_BLANK_NAMED = {
    "foreach": re.compile(r"(in|do)(?=[ \t\[{($])"), "for": re.compile(r"(from|to|step|do)(?=[ \t\[{($])"),
    "if": re.compile(r"(do|else)(?=[ \t]*\{)"), "while": re.compile(r"(do)(?=[ \t]*\{)"),
    "do": re.compile(r"(while|on-error)(?=[ \t]*[({])"),
}  # fmt: skip
# What a console does not know: these two belong to the API.
_API_ONLY = frozenset(("getall", "listen"))
_STEP = re.compile(r"\.\.|[A-Za-z0-9][A-Za-z0-9_-]*")
_ARGUMENT = re.compile(r"(!?[A-Za-z0-9_.-]+)=")
_WHERE = re.compile(r"where(?![\w-])")


class Names(Protocol):
    """What a router has: the steps below a menu, and the verbs in it."""

    def steps(self, path: str) -> frozenset[str]: ...

    def verbs(self, path: str) -> frozenset[str]: ...


class Reader(ExpressionReader):
    """One script. `menu` is where a command without a path is looked for."""

    def __init__(self, text: str, names: Names, menu: str = "") -> None:
        super().__init__(Source(text))
        self._names = names
        self.menu = menu

    def calls(self) -> Iterator[Call | Block]:
        """Every command in turn: what follows is read only after this one was dealt with."""
        while True:
            self._skip_between()
            if self.at >= len(self.text):
                return
            begun = self.at
            if (found := self._call()) is not None:
                yield found
            self._moved(begun)

    def block(self, end: str) -> Block:
        menu = self.menu
        found: list[Call | Block] = []
        while True:
            self._skip_between()
            if self.peek() == end:
                self.at += 1
                self.menu = menu
                return Block(tuple(found))
            if self.peek() == "":
                raise self.error("expected closing bracket" if end == "]" else "expected closing brace")
            begun = self.at
            if (call := self._call()) is not None:
                found.append(call)
            self._moved(begun)

    def _moved(self, begun: int) -> None:
        """A stray bracket is no command: without this the reader would stand before it for ever."""
        if self.at == begun:
            raise self.error()

    def _skip_between(self) -> None:
        while True:
            self.skip_blank(lines=True)
            if self.peek() == "#":
                self.skip_comment()
            elif self.peek() == ";":
                self.at += 1
            else:
                return

    # -- names --------------------------------------------------------------------------------------------------

    def _call(self) -> Call | Block | None:
        """One command; None when the line only enters a menu."""
        begun = self.at
        match self.peek():
            case "{":
                return self.code().body
            case "[":
                self.at += 1
                with self.deeper():
                    return self.block("]")
            case ":":
                self.at += 1
                if self.peek() != "/":
                    return self._built_in(begun, self._step())
            case "$":
                self.at += 1
                return self._finish(FUNCTION, self.variable_name(), begun)
            case _:
                pass
        return self._command(begun)

    def _step(self) -> str:
        begun = self.at
        word = self.match(_STEP)
        if word is None:
            raise self.error("expected command name", begun)
        return word

    def _built_in(self, begun: int, word: str) -> Call:
        full = _full(word, BUILT_INS)
        if full is not None and word not in self._names.verbs(""):
            return self._finish(BUILT_IN, full, begun)
        if word not in self._names.verbs(""):
            raise self.error(f"bad command name {word}", begun)
        return self._finish("", word, begun)

    def _command(self, begun: int) -> Call | Block | None:
        path = self.menu
        rooted = self.peek() == "/"
        if rooted:
            self.at += 1
            path = ""
        first = True
        while True:
            self.skip_blank()
            if self.peek() == "/" and not first:
                self.at += 1
            if self.peek() in ("", "\n", ";", "]", "}", "#"):
                self.menu = path
                return None
            if self.peek() == "{":
                return self._menu_block(path)
            at, word = self.at, self._step()
            deeper = self._deeper(path, word)
            if deeper is None:
                return self._finish(*self._verb(path, word, at, first=first, rooted=rooted), begun)
            path, first = deeper, False

    def _verb(self, path: str, word: str, at: int, *, first: bool, rooted: bool) -> tuple[str, str]:
        """(path, verb) of the word that ends a path."""
        verb = _full(word, self._names.verbs(path))
        if verb is not None:
            return path, verb
        own = _full(word, BUILT_INS)
        if first and own is not None and (own == word or not rooted):
            return BUILT_IN, own
        raise self.error(f"bad command name {word}", at)

    def _deeper(self, path: str, word: str) -> str | None:
        if word == "..":
            return path.rpartition("/")[0]
        # A verb written out wins over a menu it abbreviates: `/ip dns` `set`, not some `/ip dns settings`.
        step = word if word in (steps := self._names.steps(path)) else None
        if step is None and word not in self._names.verbs(path) and word not in BUILT_INS:
            step = _full(word, steps)
        return None if step is None else f"{path}/{step}"

    def _menu_block(self, path: str) -> Block:
        menu, self.menu = self.menu, path
        try:
            return self.code().body
        finally:
            self.menu = menu

    # -- arguments ----------------------------------------------------------------------------------------------

    def _finish(self, path: str, verb: str, begun: int) -> Call:
        line, column = self.source.where(begun)
        menu = self.menu
        if path not in (BUILT_IN, FUNCTION):
            self.menu = path
        try:
            arguments, where = self._arguments(path, verb)
        finally:
            self.menu = menu
        return Call(path, verb, tuple(arguments), where, line, column)

    def _arguments(self, path: str, verb: str) -> tuple[list[Argument], Expression | None]:
        if path not in (BUILT_IN, FUNCTION) and verb == "find":
            self.skip_blank()
            self.match(_WHERE)
            return [], self.conditions()
        found: list[Argument] = []
        while True:
            self.skip_blank()
            if self.peek() in ("", "\n", ";", "]", "}"):
                return found, None
            if path != BUILT_IN and verb in ("print", "export") and self.match(_WHERE) is not None:
                return found, self.conditions()
            found.append(self._argument(path, verb))

    def _argument(self, path: str, verb: str) -> Argument:
        line, column = self.source.where(self.at)
        named = _ARGUMENT.match(self.text, self.at)
        if named is None and path == BUILT_IN and verb in _BLANK_NAMED:
            named = _BLANK_NAMED[verb].match(self.text, self.at)
            if named is not None:
                self.at = named.end()
                self.skip_blank()
                return Argument(named[1], self.value(code=named[1] in _CODE and named[1] != "in"), line, column)
        if named is None:
            code = path == BUILT_IN and verb in _CODE_UNNAMED
            return Argument(None, self.value(code=code), line, column)
        self.at = named.end()
        if self.peek() in ("", " ", "\t", "\r", "\n", ";", "]", "}"):
            return Argument(named[1], Literal("", quoted=True), line, column)
        code = named[1] in _CODE and (named[1] != "in" or verb in ("onerror", "time"))
        return Argument(named[1], self.value(code=code), line, column)


def _full(word: str, names: frozenset[str]) -> str | None:
    """The name meant: written out, or begun so that only one fits."""
    if word in names:
        return word
    fitting = [name for name in names if name.startswith(word) and name not in _API_ONLY]
    return fitting[0] if len(fitting) == 1 else None
