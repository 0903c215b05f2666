"""Values of the script language: how a word becomes one, how one becomes text, and what `:typeof` calls it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from lab.mikrotik.console.tree import Code
from lab.mikrotik.errors import BadValueError, Trap
from lab.mikrotik.fields.values import duration_us

MAX_TEXT_CHARACTERS = 1024 * 1024
MAX_ITEMS = 100_000
_NUMBER = re.compile(r"-?\d{1,19}")
_HEX = re.compile(r"0x[0-9A-Fa-f]{1,16}")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_PREFIX = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}")
_TIME = re.compile(r"(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?|(?:\d+w)?(?:\d+d)?\d+:\d\d(?::\d\d)?")
_ID = re.compile(r"\*[0-9A-Fa-f]+")


@dataclass(frozen=True, slots=True)
class Time:
    """A span of time."""

    microseconds: int


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address or prefix, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Id:
    """`*1A`: a row."""

    text: str


@dataclass(slots=True)
class Array:
    """Values in order, some under a name."""

    items: list[tuple[str | None, Value]] = field(default_factory=list)

    def get(self, key: Value) -> Value:
        """By name or by position; nothing when there is none."""
        if isinstance(key, int) and not isinstance(key, bool):
            return self.items[key][1] if 0 <= key < len(self.items) else None
        return next((value for name, value in self.items if name == to_text(key)), None)

    def put(self, key: Value, value: Value) -> None:
        """Overwrite one, or add it under its name."""
        if isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(self.items):
            self.items[key] = (self.items[key][0], value)
            return
        name = to_text(key)
        for at, (known, _) in enumerate(self.items):
            if known == name:
                self.items[at] = (name, value)
                return
        self.items.append((name, value))

    def values(self) -> list[Value]:
        return [value for _, value in self.items]


Value: TypeAlias = bool | int | str | Time | Address | Id | Array | Code | None


def of_list(values: list[Value]) -> Array:
    """An array without names."""
    if len(values) > MAX_ITEMS:
        raise Trap("out of memory", 3)
    return Array([(None, value) for value in values])


def typed(word: str) -> Value:
    """What a bare word means in an expression."""
    if word in ("true", "yes"):
        return True
    if word in ("false", "no"):
        return False
    if _NUMBER.fullmatch(word):
        return int(word)
    if _HEX.fullmatch(word):
        return int(word, 16)
    if _ID.fullmatch(word):
        return Id(word.upper())
    if _ADDRESS.fullmatch(word) or _PREFIX.fullmatch(word):
        return Address(word)
    return to_time(word) if _TIME.fullmatch(word) and word else word


def to_time(text: str) -> Value:
    """A span out of `1h2m` or `01:02:03`; the text itself when it is none."""
    try:
        return Time(duration_us(f"{text}:00" if text.count(":") == 1 else text))
    except BadValueError:
        return text


def to_text(value: Value) -> str:
    """As `:put` shows it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Time():
            return format_time(value.microseconds)
        case Address() | Id():
            return value.text
        case Array():
            return _joined(value)
        case Code():
            return value.text
        case _:
            return str(value)


def to_argument(value: Value) -> str:
    """As an argument of a command takes it: lists with commas."""
    if isinstance(value, Array):
        return ",".join(to_text(one) for one in value.values())
    return to_text(value)


def _joined(array: Array) -> str:
    parts = [to_text(value) if name is None else f"{name}={to_text(value)}" for name, value in array.items]
    return bounded(";".join(parts))


def bounded(text: str) -> str:
    """The text, unless it grew beyond what a script may hold."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Trap("out of memory", 3)
    return text


def format_time(microseconds: int) -> str:
    """`1d02:03:04`, as scripts see spans of time."""
    sign, seconds = ("-" if microseconds < 0 else ""), abs(microseconds) // 1_000_000
    days, rest = divmod(seconds, 86_400)
    weeks, days = divmod(days, 7)
    head = (f"{weeks}w" if weeks else "") + (f"{days}d" if days else "")
    return f"{sign}{head}{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def type_name(value: Value) -> str:
    """What `:typeof` says."""
    if isinstance(value, Address):
        return "ip-prefix" if "/" in value.text else "ip"
    return _TYPE_NAMES[type(value)]


_TYPE_NAMES: dict[type, str] = {
    type(None): "nothing", bool: "bool", int: "num", str: "str", Time: "time", Id: "id", Array: "array", Code: "code",
}  # fmt: skip


def to_number(value: Value) -> int | None:
    """A whole number, or nothing when there is none in it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, Time):
        return value.microseconds // 1_000_000
    if isinstance(value, Address) and "/" not in value.text:
        return address_number(value)
    text = to_text(value).strip()
    if _HEX.fullmatch(text):
        return int(text, 16)
    return int(text) if _NUMBER.fullmatch(text) else None


def address_number(address: Address) -> int | None:
    try:
        return int(ipaddress.IPv4Address(address.text))
    except ValueError:
        return None


def truth(value: Value) -> bool:
    """What `:if` takes for yes; what is neither yes nor no is an error, as on a router."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, int):
        return value != 0
    if isinstance(value, Array):
        return bool(value.items)
    text = to_text(value)
    if text in ("true", "yes"):
        return True
    if text in ("false", "no", ""):
        return False
    raise Trap("conditional not boolean", 3)
