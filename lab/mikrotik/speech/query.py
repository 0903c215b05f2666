"""The query words of a print: a stack machine, compiled once to a test, with rows picked by index where it can."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lab.mikrotik.errors import Trap
from lab.mikrotik.store.table import Row, Table

# What a row shows for a field; None when it has no such property.
Look = Callable[[Row, str], str | None]
MAX_QUERY_WORDS = 2_048
# Public clients ask `?disabled=yes` of what reads `true`, and are answered: how a truth may be written in a question.
TRUTHS = {"yes": "true", "no": "false"}


@dataclass(frozen=True, slots=True)
class Node:
    """One operand on the stack: a comparison, or an operation over others."""

    operator: str
    name: str = ""
    value: str = ""
    parts: "tuple[Node, ...]" = ()
    depth: int = 0
    values: frozenset[str] = frozenset()

    def passes(self, row: Row, look: Look) -> bool:
        match self.operator:
            case "&":
                return all(part.passes(row, look) for part in self.parts)
            case "|":
                return any(part.passes(row, look) for part in self.parts)
            case "!":
                return not self.parts[0].passes(row, look)
            case "in":
                return look(row, self.name) in self.values
            case _:
                return _compares(self.operator, look(row, self.name), self.value)

    def candidates(self, table: Table) -> dict[int, Row] | None:
        """Rows that can pass, by id, or None for "any"; an index answers equality."""
        match self.operator:
            case "=":
                return _equal_rows(table, self.name, self.value)
            case "in":
                return _rows_of_any(table, self.name, self.values)
            case "&":
                known = [rows for part in self.parts if (rows := part.candidates(table)) is not None]
                return min(known, key=len) if known else None
            case "|":
                merged: dict[int, Row] = {}
                for part in self.parts:
                    rows = part.candidates(table)
                    if rows is None:
                        return None
                    merged |= rows
                return merged
            case _:
                return None


def _equal_rows(table: Table, name: str, value: str) -> dict[int, Row] | None:
    if name == ".id":
        row = table.find(value) if value.startswith("*") else None
        return {row.number: row} if row else {}
    if not table.is_indexed(name):
        return None
    return {row.number: row for row in table.with_value(name, value)}


def _rows_of_any(table: Table, name: str, values: frozenset[str]) -> dict[int, Row] | None:
    merged: dict[int, Row] = {}
    for value in values:
        rows = _equal_rows(table, name, value)
        if rows is None:
            return None
        merged |= rows
    return merged


def _compares(operator: str, found: str | None, value: str) -> bool:
    if operator == "=":
        return found == value or found == TRUTHS.get(value, value)
    if found is None or operator in ("has", "-"):
        return (found is None) == (operator == "-")
    if found.isdecimal() and value.isdecimal():
        return int(found) < int(value) if operator == "<" else int(found) > int(value)
    return found < value if operator == "<" else found > value


def compile_query(words: Iterable[str]) -> Node | None:
    """One test for a row out of query words (each with its leading `?`); None when there are none."""
    stack: list[Node] = []
    for count, word in enumerate(words):
        if count >= MAX_QUERY_WORDS:
            raise Trap("too many query words", 5)
        if word.startswith("?#"):
            _operate(stack, word[2:])
        else:
            stack.append(_operand(word[1:]))
    if not stack:
        return None
    return _simplified(stack[0] if len(stack) == 1 else Node("&", parts=tuple(stack)))


def _simplified(node: Node) -> Node:
    """A hundred names OR-ed become one look into a set."""
    if not node.parts:
        return node
    parts = tuple(map(_simplified, node.parts))
    names = {part.name for part in parts}
    if node.operator == "|" and len(names) == 1 and all(part.operator == "=" for part in parts):
        asked = {part.value for part in parts}
        return Node("in", names.pop(), values=frozenset(asked | {TRUTHS.get(value, value) for value in asked}))
    return replace(node, parts=parts)


def _operand(word: str) -> Node:
    head = word[:1]
    if head == "-":
        return Node("-", word[1:])
    operator = head if head in ("=", "<", ">") else "="
    body = word[1:] if head in ("=", "<", ">") else word
    name, equals, value = body.partition("=")
    return Node(operator, name, value) if equals else Node("has", name)


# Below its bottom the stack holds `true` without end.
_TRUE = Node("&")
MAX_DEPTH = 100


def _join(sign: str, lower: Node, upper: Node) -> Node:
    """One node for a chain of the same operation: a thousand names OR-ed must not nest a thousand deep."""
    parts: list[Node] = []
    for part in (lower, upper):
        parts.extend(part.parts if part.operator == sign and part is not _TRUE else (part,))
    return _deep(sign, tuple(parts))


def _deep(sign: str, parts: tuple[Node, ...]) -> Node:
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise Trap("query is nested too deep", 5)
    return Node(sign, parts=parts, depth=depth)


def _operate(stack: list[Node], operations: str) -> None:
    """`!` negates the top; `&` and `|` join the two on top; an index pushes a copy of that entry, and as the last
    thing in the word replaces the whole stack by it; `.` after an index ends it, elsewhere it copies the top."""
    for sign in re.findall(r"\d+\.?$|\d+\.?|.", operations, re.DOTALL):
        if sign[0].isdecimal():
            index = int(sign.rstrip("."))
            picked = stack[-1 - index] if index < len(stack) else _TRUE
            if operations.endswith(sign) and not sign.endswith("."):
                stack.clear()
            stack.append(picked)
        elif sign == "!":
            stack.append(_deep("!", (_pop(stack),)))
        elif sign in "&|":
            upper, lower = _pop(stack), _pop(stack)
            stack.append(_join(sign, lower, upper))
        elif sign == ".":
            stack.append(stack[-1] if stack else _TRUE)
        else:
            raise Trap(f"unknown query operation {sign}", 5)


def _pop(stack: list[Node]) -> Node:
    return stack.pop() if stack else _TRUE
