"""How a request is typed, and how an answer reads: `name=value` pairs in, lines for people out."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from lab.errors import LabError

CELL_MAX = 60
COLUMNS_MAX = 24


def value_of(text: str) -> Any:
    """JSON when it is JSON, text otherwise; `NaN` and `Infinity` are text too."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def facts_of(pairs: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` pairs. Raises LabError for what is none."""
    facts: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise LabError(f"{pair!r} is no fact; write name=value, such as user=w1")
        if name == "do":
            raise LabError("`do` is the request itself; write it as the word before the facts")
        facts[name] = value_of(value)
    return facts


def readable(answer: Mapping[str, Any], width: int = 80) -> str:
    """An answer as lines for people: scalars by name, lists of rows as tables, the rest as JSON."""
    scalars = {name: value for name, value in answer.items() if not isinstance(value, list | dict)}
    blocks = [_pairs(scalars, width)] if scalars else []
    for name, value in answer.items():
        if isinstance(value, list | dict):
            blocks.append(_nested(name, value, width))
    return "\n".join(blocks) or "(nothing)"


def _nested(name: str, value: list[Any] | dict[str, Any], width: int) -> str:
    if not value:
        return f"{name}: none"
    if isinstance(value, dict):
        return f"{name}:\n{_indent(_pairs(value, width - 2))}"
    if all(isinstance(row, dict) for row in value):
        return f"{name} ({len(value)}):\n{_indent(table(value))}"
    return f"{name}: {', '.join(cell(one) for one in value)}"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _pairs(facts: Mapping[str, Any], width: int) -> str:
    """Names in a column, values beside them, wrapped under themselves."""
    named = {cell(name): value for name, value in facts.items()}
    left = max(len(name) for name in named) + 2
    lines = []
    for name, value in named.items():
        said = wrap(cell(value, 0), max(20, width - left)) or [""]
        lines += [f"{name:<{left}}{said[0]}", *(" " * left + more for more in said[1:])]
    return "\n".join(line.rstrip() for line in lines)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of facts under their names; columns in the order in which they first occur."""
    columns = list(dict.fromkeys(name for row in rows for name in row))[:COLUMNS_MAX]
    cells = [[_cell_of(name, row[name]) if name in row else "" for name in columns] for row in rows]
    widths = [max(len(cell(name)), *(len(line[at]) for line in cells)) for at, name in enumerate(columns)]
    lines = [list(map(cell, columns)), *cells]
    return "\n".join("  ".join(f"{one:<{width}}" for one, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def _cell_of(name: str, value: Any) -> str:
    return clock_of(value) if name.endswith("at_us") and isinstance(value, int) else cell(value)


def cell(value: Any, most: int = CELL_MAX) -> str:
    """One value on one line: `true` as JSON says it, nothing as `-`, other things short."""
    if isinstance(value, str):
        said = value if value.isprintable() else json.dumps(value, ensure_ascii=False)
    else:
        said = "-" if value is None else json.dumps(value, ensure_ascii=False)
    return said if not most or len(said) <= most else said[: most - 1] + "…"


def number_of(event: Mapping[str, Any]) -> int | None:
    """An event's own number, under either of the names that parts give it."""
    found = event.get("n", event.get("number"))
    return found if isinstance(found, int) else None


def line_of(event: Mapping[str, Any]) -> str:
    """One event as one line: when, its number, what, and the rest as pairs; what is nested once is spread out."""
    rest = dict(event)
    words = [clock_of(rest.pop("at_us"))] if isinstance(rest.get("at_us"), int) else []
    words += [cell(rest.pop(name)) for name in ("n", "number", "kind") if name in rest]
    if "said" in rest:  # a part that words its events itself
        words.append(cell(rest.pop("said"), 0))
    return "  ".join([*words, " ".join(_spread(rest))]).rstrip()


def _spread(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from (f"{cell(inner)}={cell(one)}" for inner, one in value.items())
        else:
            yield f"{cell(name)}={cell(value)}"


def clock_of(at_us: int) -> str:
    """The time of day, UTC, to the millisecond."""
    second, micros = divmod(at_us, 1_000_000)
    try:
        return f"{datetime.fromtimestamp(second, UTC):%H:%M:%S}.{micros // 1000:03d}"
    except (OverflowError, OSError, ValueError):
        return str(at_us)
