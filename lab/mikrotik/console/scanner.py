"""The eyes of the reader: where it stands in the text, blanks and comments, quoted text with its escapes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lab.mikrotik.console.lines import Source
from lab.mikrotik.console.tree import Block, Expression, Literal, Template
from lab.mikrotik.errors import ScriptError

# Brackets within brackets; deeper than anybody writes, and safe for the recursion of reader and runner.
MAX_DEPTH = 40
_ESCAPES = {
    "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "?": "?", "_": " ", "a": "\a", "b": "\b",
    "f": "\f", "v": "\v",
}  # fmt: skip
_HEX = re.compile(r"[0-9A-F]{2}")
_PLAIN = re.compile(r'[^"\\$]+')
_BARE_ENDS = " \t\r\n;]})"
_BARE = re.compile(rf"[^{re.escape(_BARE_ENDS)}\"{{$\[(]+")
_INSERTED = re.compile(r"[A-Za-z0-9_(\[]")
_NAME = re.compile(r"[A-Za-z0-9_]+")


class Scanner:
    """Characters in, pieces out. The readers of expressions and of commands stand on it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self._depth = 0

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def error(self, text: str = "syntax error", at: int | None = None) -> ScriptError:
        return self.source.error(self.at if at is None else at, text)

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Take what the pattern finds here."""
        found = pattern.match(self.text, self.at)
        if found is None or not found[0]:
            return None
        self.at = found.end()
        return found[0]

    def skip_blank(self, *, lines: bool = False) -> None:
        blank = " \t\r\n" if lines else " \t\r"
        while self.at < len(self.text) and self.text[self.at] in blank:
            self.at += 1

    def skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def expect(self, sign: str, what: str) -> None:
        if self.peek() != sign:
            raise self.error(what)
        self.at += 1

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One bracket further in."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.error()
        try:
            yield
        finally:
            self._depth -= 1

    def bare(self) -> Literal:
        """A word without quotes, up to a blank or a bracket."""
        word = self.match(_BARE)
        if word is None or self.peek() in ('"', "{", "$", "[", "("):
            raise self.error()
        return Literal(word)

    def variable_name(self) -> str:
        """After the `$`: letters and digits, or any name in quotes."""
        if self.peek() == '"':
            name = self.quoted()
            if isinstance(name, Literal):
                return name.text
            raise self.error()
        word = self.match(_NAME)
        if word is None:
            raise self.error()
        return word

    def quoted(self) -> Literal | Template:
        """`"text"` with its escapes, and with what `$` puts in."""
        self.at += 1
        parts: list[Expression] = []
        while (sign := self.peek()) != '"':
            if sign == "":
                raise self.error("expected closing quote")
            parts.append(self._piece(sign))
        self.at += 1
        if all(isinstance(part, Literal) for part in parts):
            return Literal("".join(part.text for part in parts if isinstance(part, Literal)), quoted=True)
        return Template(tuple(parts))

    def _piece(self, sign: str) -> Expression:
        if (plain := self.match(_PLAIN)) is not None:
            return Literal(plain, quoted=True)
        if sign == "\\":
            self.at += 1
            return Literal(self._escaped(), quoted=True)
        if _INSERTED.match(self.text, self.at + 1) is None:  # a sign of its own, as at the end of a pattern
            self.at += 1
            return Literal(sign, quoted=True)
        return self.inserted()

    def _escaped(self) -> str:
        code = self.match(_HEX)
        if code is not None:
            return chr(int(code, 16))
        sign = self.peek()
        if sign not in _ESCAPES:
            raise self.error()
        self.at += 1
        return _ESCAPES[sign]

    def inserted(self) -> Expression:
        """What stands after a `$` inside quotes."""
        raise NotImplementedError

    def block(self, end: str) -> Block:
        """Commands up to this closing bracket, which is taken."""
        raise NotImplementedError
