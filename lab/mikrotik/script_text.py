"""The text of a .rsc script: lines joined, comments dropped, statements cut into words, pairs and [find] brackets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.mikrotik.errors import ScriptError

MAX_SCRIPT_CHARACTERS = 4 * 1024 * 1024
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "?": "?", "_": " ", "a": "\a"}
_HEX = re.compile(r"[0-9A-F]{2}")
_ENDS = " \t;]\n"


@dataclass(frozen=True, slots=True)
class Find:
    """`[find …]`: its conditions as (name, operator, value); operators are = != ~ and the bare flags `is`/`not`."""

    conditions: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word, a quoted text or a bracket standing by itself."""

    value: "str | Find"
    column: int


@dataclass(frozen=True, slots=True)
class Pair:
    """`name=value`."""

    name: str
    value: "str | Find"
    column: int


@dataclass(slots=True)
class Statement:
    """One command, with the line it began on."""

    line: int
    parts: list[Word | Pair] = field(default_factory=list)


def statements(text: str) -> Iterator[Statement]:
    """Every statement of the script, in order; ScriptError names the line and column of what is not one."""
    if len(text) > MAX_SCRIPT_CHARACTERS:
        raise ScriptError(1, "script is too long")
    for line, joined in _logical_lines(text):
        yield from _Reader(joined, line).statements()


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text): a backslash at the end of a line joins the next one."""
    begun: int | None = None
    held = ""
    for number, line in enumerate(text.splitlines(), start=1):
        begun = number if begun is None else begun
        if line.endswith("\\") and held + line != "":
            # The indent of a continuation line is layout, not text.
            held += line[:-1] if not held else line.lstrip()[:-1]
            continue
        yield begun, held + (line.lstrip() if held else line)
        begun, held = None, ""
    if begun is not None:
        yield begun, held


class _Reader:
    """Reads one logical line."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._at = 0

    def statements(self) -> Iterator[Statement]:
        statement = Statement(self._line)
        while True:
            self._skip_blank()
            sign = self._peek()
            if sign in ("", ";", "#"):
                if statement.parts:
                    yield statement
                    statement = Statement(self._line)
                if sign == ";":
                    self._at += 1
                    continue
                return
            statement.parts.append(self._part())

    def _part(self) -> Word | Pair:
        column = self._at + 1
        if self._peek() in ('"', "["):
            return Word(self._value(), column)
        match = re.compile(r"(!?[A-Za-z0-9_.-]+)=").match(self._text, self._at)
        if match is None:
            word = self._bare()
            if not word:  # a stray bracket: without this the reader would stand still for ever
                raise self._error("syntax error")
            return Word(word, column)
        self._at = match.end()
        return Pair(match[1], self._value(), column)

    def _value(self) -> str | Find:
        sign = self._peek()
        if sign == '"':
            return self._quoted()
        return self._bracket() if sign == "[" else self._bare()

    def _bare(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            if self._text[self._at] in '"{}$':
                raise self._error("syntax error")
            self._at += 1
        return self._text[start : self._at]

    def _quoted(self) -> str:
        self._at += 1
        out: list[str] = []
        while (sign := self._peek()) != '"':
            if sign == "":
                raise self._error("expected closing quote")
            self._at += 1
            out.append(self._escaped() if sign == "\\" else sign)
        self._at += 1
        return "".join(out)

    def _escaped(self) -> str:
        match = _HEX.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
            return chr(int(match[0], 16))
        sign = self._peek()
        if sign not in _ESCAPES:
            raise self._error("syntax error")
        self._at += 1
        return _ESCAPES[sign]

    def _bracket(self) -> Find:
        self._at += 1
        self._skip_blank()
        if self._bare() != "find":
            raise self._error("only [find …] is understood in brackets")
        conditions: list[tuple[str, str, str]] = []
        while True:
            self._skip_blank()
            sign = self._peek()
            if sign == "":
                raise self._error("expected closing bracket")
            if sign == "]":
                self._at += 1
                return Find(tuple(conditions))
            if (condition := self._condition()) is not None:
                conditions.append(condition)

    def _condition(self) -> tuple[str, str, str] | None:
        match = re.compile(r"(!?)([A-Za-z0-9_.-]+)(!=|=|~)?").match(self._text, self._at)
        if match is None:
            raise self._error("syntax error")
        self._at = match.end()
        negated, name, operator = match.groups()
        if operator is None:
            return None if name in ("where", "and") else (name, "not" if negated else "is", "")
        value = self._quoted() if self._peek() == '"' else self._bare()
        return name, operator, value

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _skip_blank(self) -> None:
        while self._peek() in (" ", "\t"):
            self._at += 1

    def _error(self, text: str) -> ScriptError:
        return ScriptError(self._line, text, self._at + 1)
