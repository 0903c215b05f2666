"""The little language of `play`: read into lines that can be carried out, or refused with the line's number."""

import operator
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lab.errors import LabError
from lab.talk.words import cell, facts_of, value_of

SCRIPT_BYTES_MAX = 1024 * 1024
LINES_MAX = 10_000
DURATION_MAX_S = 3_600.0
WITHIN_S = 10.0

_FORMS: Final = "write one of: at DOOR DO …, until DOOR DO … gives …, refused DOOR DO …, expect CONDITION…, wait 2s"
_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0}
_CONDITION = re.compile(r"([\w.\-]+)(!=|<=|>=|=|<|>|~)(.*)", re.DOTALL)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
Verb = Literal["at", "until", "refused", "expect", "wait"]


class ScriptWrong(LabError):
    """A line that cannot be read; says where, what and what to write instead."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something an answer must show: `reach=true`, `sessions.length>=2`, `sessions.0.user=w1`, `error~secret`."""

    path: str
    sign: str
    wanted: Any

    def holds(self, answer: Mapping[str, Any]) -> bool:
        """Whether the answer shows it; what is not in the answer holds nothing, not even `!=`."""
        found, seen = find(answer, self.path)
        if not found:
            return False
        if self.sign == "~":
            return str(self.wanted) in (seen if isinstance(seen, str) else cell(seen, 0))
        if self.sign in {"=", "!="}:
            return _same(seen, self.wanted) == (self.sign == "=")
        try:
            return bool(_COMPARE[self.sign](seen, self.wanted))
        except TypeError:
            return False

    def __str__(self) -> str:
        return f"{self.path}{self.sign}{cell(self.wanted)}"


def _same(seen: Any, wanted: Any) -> bool:
    """Equal, and of one kind (JSON's `true` is not 1); a text that looks like a number equals how it looks."""
    if isinstance(seen, str) and not isinstance(wanted, str):
        return value_of(seen) == wanted and isinstance(value_of(seen), bool) == isinstance(wanted, bool)
    return isinstance(seen, bool) == isinstance(wanted, bool) and bool(seen == wanted)


def find(answer: Any, path: str) -> tuple[bool, Any]:
    """Follow a path of names and numbers through an answer; `length` of a list or an object is its size."""
    for step in path.split("."):
        if isinstance(answer, dict) and step in answer:
            answer = answer[step]
        elif isinstance(answer, list) and step.lstrip("-").isdecimal() and -len(answer) <= int(step) < len(answer):
            answer = answer[int(step)]
        elif step == "length" and isinstance(answer, list | dict):
            answer = len(answer)
        else:
            return False, None
    return True, answer


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script."""

    number: int
    text: str
    verb: Verb
    door: str = ""
    do: str = ""
    facts: Mapping[str, Any] | None = None
    gives: tuple[Condition, ...] = ()
    limit_s: float = 0.0
    """How long `wait` waits, and within which `until` must hold."""


def read_script(text: str, doors: Collection[str]) -> list[Line]:
    """Read a whole script; raises ScriptWrong for the first line that makes no sense."""
    rows = text.splitlines()
    if len(text) > SCRIPT_BYTES_MAX or len(rows) > LINES_MAX:
        raise ScriptWrong(f"a script has at most {LINES_MAX} lines and {SCRIPT_BYTES_MAX} bytes; split it")
    lines = []
    for number, row in enumerate(rows, 1):
        bare = _without_comment(row).strip()
        if bare:
            try:
                lines.append(_line(number, bare, shlex.split(bare), doors))
            except (LabError, ValueError) as error:
                raise ScriptWrong(f"line {number}: {error}\n  {bare}") from error
    first = next((line for line in lines if line.verb != "wait"), None)
    if first is not None and first.verb == "expect":
        raise ScriptWrong(f"line {first.number}: nothing was asked before; `expect` looks at the last answer")
    return lines


def _without_comment(row: str) -> str:
    """Cut `# …` at the beginning or after a space, outside quotes."""
    quote = ""
    for at, sign in enumerate(row):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and (at == 0 or row[at - 1].isspace()):
            return row[:at]
    return row


def _line(number: int, text: str, words: list[str], doors: Collection[str]) -> Line:
    match words:
        case ["wait", duration]:
            return Line(number, text, "wait", limit_s=duration_of(duration))
        case ["wait", *_]:
            raise ScriptWrong("write: wait 2s")
        case ["expect", *conditions] if conditions:
            return Line(number, text, "expect", gives=_conditions(conditions))
        case ["at" | "until" | "refused" as verb, door, do, *rest]:
            if door not in doors:
                raise ScriptWrong(f"no door is called {door!r}; name it with --door {door}=HOST:PORT")
            return _asking(Line(number, text, verb, door, do), rest)
        case _:
            raise ScriptWrong(_FORMS)


def _asking(line: Line, rest: list[str]) -> Line:
    limit_s = 0.0
    if line.verb == "until":
        limit_s = WITHIN_S
        if len(rest) >= 2 and rest[-2] == "within":
            limit_s, rest = duration_of(rest[-1]), rest[:-2]
    at = rest.index("gives") if "gives" in rest else len(rest)
    facts, gives = facts_of(rest[:at]), _conditions(rest[at + 1 :])
    if not gives and (line.verb == "until" or at < len(rest)):
        raise ScriptWrong("say after `gives` what must hold, such as: gives reach=true")
    return Line(line.number, line.text, line.verb, line.door, line.do, facts, gives, limit_s)


def _conditions(words: list[str]) -> tuple[Condition, ...]:
    conditions = []
    for word in words:
        match = _CONDITION.fullmatch(word)
        if match is None:
            raise ScriptWrong(f"{word!r} is no condition; write name=value, or !=, <, <=, >, >=, ~ (contains)")
        conditions.append(Condition(match[1], match[2], value_of(match[3])))
    return tuple(conditions)


def duration_of(text: str) -> float:
    """Read `500ms`, `2s` or `1m`, in seconds. Raises ScriptWrong."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text)
    if match is None or (length_s := float(match[1]) * _UNITS[match[2]]) > DURATION_MAX_S:
        raise ScriptWrong(f"{text!r} is no duration; write 500ms, 2s or 1m, an hour at most")
    return length_s
