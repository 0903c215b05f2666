"""Conditions on rows: what stays the same from row to row is worked out once; an index is used if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lab.mikrotik.console import operators
from lab.mikrotik.console.tree import Binary, Expression, Literal, Property, Template, Unary, Variable
from lab.mikrotik.console.values import Value, truth, typed
from lab.mikrotik.speech.printing import View
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.console.runner import Runner

Look = Callable[[str], str | None]
Test = Callable[[Look], Value]
# Rows looked at per step of the script's budget.
_ROWS_PER_STEP = 50


def matching(runner: Runner, where: Expression, table: Table, view: View) -> list[Row]:
    """The rows of a table that a condition lets through, in the table's order."""
    test = _compiled(runner, where)
    rows: Iterable[Row] = table
    if not table.menu.ordered and (few := _indexed(runner, where, table)) is not None:
        rows = few
    found: list[Row] = []
    for count, row in enumerate(rows):
        if count % _ROWS_PER_STEP == 0:
            runner.step()
        if _holds(test(_looking(view, row))):
            found.append(row)
    return found


def _known_text(runner: Runner, expression: Expression) -> str | None:
    """Text that is the same for every row; working it out twice does no harm."""
    match expression:
        case Literal():
            return expression.text if expression.quoted else None
        case Variable() | Template() | Binary() if not _asks(expression) and _is_pure(expression):
            value = runner.evaluate(expression)
            return value if isinstance(value, str) else None
        case _:
            return None


def _is_pure(expression: Expression) -> bool:
    match expression:
        case Literal() | Variable():
            return True
        case Template():
            return all(map(_is_pure, expression.parts))
        case Binary():
            return _is_pure(expression.left) and _is_pure(expression.right)
        case _:
            return False


def _looking(view: View, row: Row) -> Look:
    return lambda name: row.id if name == ".id" else view.look(row, name)


def _holds(value: Value) -> bool:
    if isinstance(value, str):
        return value not in ("", "false", "no")
    return truth(value)


def _indexed(runner: Runner, where: Expression, table: Table) -> list[Row] | None:
    """The rows that can hold, by index; None when any can."""
    if not isinstance(where, Binary):
        return None
    if where.operator in ("&&", "and"):
        left = _indexed(runner, where.left, table)
        return left if left is not None else _indexed(runner, where.right, table)
    if where.operator != "=" or not isinstance(where.left, Property) or not table.is_indexed(where.left.name):
        return None
    text = _known_text(runner, where.right)
    return list(table.with_value(where.left.name, text)) if text else None


def _compiled(runner: Runner, expression: Expression) -> Test:
    if not _asks(expression):
        value = runner.evaluate(expression)
        return lambda _look: value
    match expression:
        case Property():
            name = expression.name
            return lambda look: look(name)
        case Unary():
            inner = _compiled(runner, expression.operand)
            return lambda look: not _holds(inner(look))
        case Binary():
            return _both(runner, expression)
        case _:
            return lambda look: runner.evaluate(expression, look)


def _both(runner: Runner, expression: Binary) -> Test:
    left, right = _compiled(runner, expression.left), _compiled(runner, expression.right)
    match expression.operator:
        case "&&" | "and":
            return lambda look: _holds(left(look)) and _holds(right(look))
        case "||" | "or":
            return lambda look: _holds(left(look)) or _holds(right(look))
        case operator:
            return lambda look: _compare(operator, left(look), right(look))


def _compare(operator: str, found: Value, wanted: Value) -> Value:
    """A property is text; it is read as what it is compared with. A flag that is not there is `no`."""
    if found is None and wanted is False:
        found = False
    if isinstance(found, str) and not isinstance(wanted, str) and operator != "~":
        found = typed(found)
    return operators.apply(operator, "" if found is None and isinstance(wanted, str) else found, wanted)


def _asks(expression: Expression) -> bool:
    """Whether an expression looks at the row."""
    match expression:
        case Property():
            return True
        case Unary():
            return _asks(expression.operand)
        case Binary():
            return _asks(expression.left) or _asks(expression.right)
        case _:
            return False
