"""Operators of the script language."""

import ipaddress
import re
from collections.abc import Callable

from lab.mikrotik.console.values import (
    Address,
    Array,
    Time,
    Value,
    bounded,
    of_list,
    to_number,
    to_text,
    truth,
    typed,
)
from lab.mikrotik.errors import Trap

# Numbers are 64 bit and wrap.
_BITS = 64
MAX_SHIFT = 63
# A pattern from a script is run by another engine here: bounded, so that none of them stands still for long.
MAX_PATTERN_CHARACTERS = 512
MAX_MATCHED_CHARACTERS = 65_536


def apply(operator: str, left: Value, right: Value) -> Value:
    """`left operator right`, both sides known (`and` and `or` as well: routers look at both)."""
    known = _OPERATORS.get(operator)
    if known is None:
        raise Trap(f"unknown operator {operator}", 3)
    return known(left, right)


def negate(operator: str, value: Value) -> Value:
    """The operators with one side."""
    if operator == "!":
        return not truth(value)
    if isinstance(value, Time):
        return Time(-value.microseconds)
    if operator == "~" and isinstance(value, Address):
        return _address(~(to_number(value) or 0))
    number = to_number(value)
    if number is None:
        raise Trap(f"cannot negate {_kind(value)}", 3)
    return _wrapped(-number if operator == "-" else ~number)


def _wrapped(number: int) -> int:
    number &= (1 << _BITS) - 1
    return number - (1 << _BITS) if number >> (_BITS - 1) else number


def _address(number: int) -> Address:
    return Address(str(ipaddress.IPv4Address(number & 0xFFFFFFFF)))


def _arithmetic(name: str, act: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def both(left: Value, right: Value) -> Value:
        left, right = _read(left), _read(right)
        if isinstance(left, Time) or isinstance(right, Time):
            return _time_arithmetic(name, act, left, right)
        first, second = to_number(left), to_number(right)
        if first is None or second is None or isinstance(left, Array) or isinstance(right, Array):
            raise Trap(f"cannot {name} {_kind(left)} and {_kind(right)}", 3)
        number = act(first, second)
        if isinstance(left, Address) and not isinstance(right, Address):
            return _address(number)
        return _wrapped(number)

    return both


def _read(value: Value) -> Value:
    """Text that looks like a span of time counts as one: vouchers are prolonged by what a comment says."""
    found = typed(value) if isinstance(value, str) else value
    return found if isinstance(found, Time) else value


def _time_arithmetic(name: str, act: Callable[[int, int], int], left: Value, right: Value) -> Value:
    """Spans add to spans and to seconds; they are multiplied and divided by numbers."""
    scale = 1_000_000 if name in ("add", "subtract") else 1
    sides = [side.microseconds if isinstance(side, Time) else (to_number(side) or 0) * scale for side in (left, right)]
    number = act(*sides)
    if name == "divide" and isinstance(left, Time) and isinstance(right, Time):
        return number
    return Time(_wrapped(number))


def _kind(value: Value) -> str:
    return "nothing" if value is None else f"value {to_text(value)[:40]!r}".replace("'", '"')


def _divided(left: int, right: int) -> int:
    if right == 0:
        raise Trap("division by zero", 3)
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _shifted(left: int, right: int) -> int:
    return left << (right & MAX_SHIFT) if right >= 0 else left >> (-right & MAX_SHIFT)


def same(left: Value, right: Value) -> bool:
    """Equal, where a number and its text are the same thing."""
    if isinstance(left, Array) and isinstance(right, Array):
        return to_text(left) == to_text(right)
    if type(left) is type(right):
        return left == right
    return typed(to_text(left)) == typed(to_text(right)) or to_text(left) == to_text(right)


def _order(left: Value, right: Value) -> int:
    """Below, at or above zero."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, Time) and isinstance(right, Time):
        return left.microseconds - right.microseconds
    first, second = to_number(left), to_number(right)
    if first is None or second is None:
        return (to_text(left) > to_text(right)) - (to_text(left) < to_text(right))
    return first - second


def matches(text: str, pattern: str) -> bool:
    """POSIX patterns are near enough to Python's for what scripts ask; a wrong one matches nothing."""
    if len(pattern) > MAX_PATTERN_CHARACTERS or re.search(r"[*+}][^)]*\)[*+{]", pattern):
        return False
    try:
        return re.search(pattern, text[:MAX_MATCHED_CHARACTERS], re.DOTALL) is not None
    except (re.error, OverflowError):
        return False


def _inside(left: Value, right: Value) -> bool:
    if isinstance(right, Array):
        return any(same(left, one) for one in right.values())
    try:
        outer = ipaddress.ip_network(to_text(right), strict=False)
        inner = ipaddress.ip_network(to_text(left), strict=False)
    except ValueError:
        return False
    return inner.version == outer.version and inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _together(left: Value, right: Value) -> Value:
    if isinstance(left, Array):
        return of_list([*left.values(), *(right.values() if isinstance(right, Array) else [right])])
    return bounded(to_text(left) + to_text(right))


def _listed(left: Value, right: Value) -> Value:
    first = left.values() if isinstance(left, Array) else [left]
    second = right.values() if isinstance(right, Array) else [right]
    return of_list([*first, *second])


_OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "+": _arithmetic("add", lambda a, b: a + b),
    "-": _arithmetic("subtract", lambda a, b: a - b),
    "*": _arithmetic("multiply", lambda a, b: a * b),
    "/": _arithmetic("divide", _divided),
    "%": _arithmetic("divide", lambda a, b: a - b * _divided(a, b)),
    "|": _arithmetic("or", lambda a, b: a | b),
    "&": _arithmetic("and", lambda a, b: a & b),
    "^": _arithmetic("xor", lambda a, b: a ^ b),
    "<<": _arithmetic("shift", _shifted),
    ">>": _arithmetic("shift", lambda a, b: _shifted(a, -b)),
    "=": same,
    "!=": lambda a, b: not same(a, b),
    "<": lambda a, b: _order(a, b) < 0,
    ">": lambda a, b: _order(a, b) > 0,
    "<=": lambda a, b: _order(a, b) <= 0,
    ">=": lambda a, b: _order(a, b) >= 0,
    "~": lambda a, b: matches(to_text(a), to_text(b)),
    "in": _inside,
    "&&": lambda a, b: truth(a) and truth(b),
    "and": lambda a, b: truth(a) and truth(b),
    "||": lambda a, b: truth(a) or truth(b),
    "or": lambda a, b: truth(a) or truth(b),
    ".": _together,
    ",": _listed,
    "->": lambda a, b: a.get(b) if isinstance(a, Array) else None,
}
