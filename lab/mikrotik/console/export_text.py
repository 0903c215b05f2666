"""How an export writes values and breaks its lines: quotes, escapes, and `\\` at the same columns as a router.

The widths were worked out from dozens of published exports of RouterOS 6.47 to 7.20 and reproduce all of them.
"""

import re

INDENT = "    "
# A piece that is not cut ends here at the latest; text that is cut goes one further, before the backslash.
_WHOLE_TO = 77
_CUT_AT = 78
_BARE = re.compile(r"[A-Za-z0-9_.,:/|&#*!@<>+%~^-]+")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "$": "\\$", "?": "\\?", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def units(value: str) -> list[str]:
    """Each byte as it stands between quotes; none of these may be cut in two."""
    return [_ESCAPED.get(sign) or (sign if " " <= sign <= "~" else f"\\{ord(sign):02X}") for sign in value]


def quoted(value: str) -> str:
    """A value as an argument: bare where a router leaves it bare."""
    if _BARE.fullmatch(value):
        return value
    return '"' + "".join(units(value)) + '"'


def one_line(head: str, pairs: list[tuple[str, str]]) -> str:
    """A command without line breaks, as `terse` has it."""
    return " ".join([head, *(f"{name}={quoted(value)}" for name, value in pairs)])


def wrapped(head: str, pairs: list[tuple[str, str]]) -> str:
    """A command with its lines broken."""
    page = _Page(head)
    for name, value in pairs:
        page.add(name, value)
    return page.text()


class _Page:
    def __init__(self, head: str) -> None:
        self._lines: list[str] = []
        self._line = head

    def text(self) -> str:
        return "\n".join([*self._lines, self._line])

    def add(self, name: str, value: str) -> None:
        shown = quoted(value)
        broken = "\n" in value
        if not broken and self._fits(f" {name}={shown}"):
            self._line += f" {name}={shown}"
            return
        begun = not self._fits(f" {name}=")
        if begun:
            self._break(" ")
        self._line += f"{name}=" if begun else f" {name}="
        if begun and not broken and self._fits(shown):
            self._line += shown
            return
        if len(INDENT) + len(shown) <= _WHOLE_TO and not (begun and broken):
            self._break("")
            if not broken:
                self._line += shown
                return
        self._cut(value)

    def _fits(self, more: str) -> bool:
        return len(self._line) + len(more) <= _WHOLE_TO

    def _break(self, space: str) -> None:
        self._lines.append(f"{self._line}{space}\\")
        self._line = INDENT

    def _cut(self, value: str) -> None:
        """Text over as many lines as it takes; every line of its own begins a new one."""
        for unit in ['"', *units(value), '"']:
            shown = unit
            if unit == "\\n":
                self._break("")
            elif len(self._line) + len(unit) > _CUT_AT:
                self._break("")
                # A blank at the beginning would be taken for the indent.
                shown = "\\_" if unit == " " else unit
            self._line += shown
