"""Faults that somebody asked for: what goes wrong next, how often, and for which menu."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field, fields

from lab.control import ControlError


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: what it does, which options mean something to it, whether it stays until cleared."""

    does: str
    options: tuple[str, ...] = ()
    stands: bool = False


_WRITE = ("nth", "menu", "times")
KINDS: dict[str, Kind] = {
    "refuse": Kind("connections are refused", stands=True),
    "hang": Kind("connections are taken, then nothing is ever answered", stands=True),
    "hang-after-login": Kind("login is answered, then silence", ("times",), stands=True),
    "cut-reply": Kind("the next reply ends after some bytes, with a reset", ("after_bytes", "times")),
    "stall-reply": Kind("the next reply stops after some bytes, the connection stays", ("after_bytes", "times")),
    "trap-write": Kind("the nth write is refused", (*_WRITE, "message")),
    "bare-trap": Kind("the nth write is refused without a message", _WRITE),
    "lose-write": Kind("the nth write is accepted, and not done", _WRITE),
    "trap-applied": Kind("the nth write is refused, and done all the same", (*_WRITE, "message")),
    "reboot-on-write": Kind("the router reboots in the middle of the nth write", _WRITE),
    "slow-print": Kind("rows come slowly; filtered prints look through all of them", ("rows_per_s",), stands=True),
    "cpu-load": Kind("the processor is busy: cpu-load says so, answers take longer", ("percent",), stands=True),
    "session-limit": Kind("connections beyond the limit are not taken", ("limit",), stands=True),
    "boot-race": Kind("after a boot login works some seconds before the menus have rows", ("seconds",), stands=True),
    "clock-1970": Kind("the clock is back in 1970 and NTP does not answer", stands=True),
}
WRITE_KINDS = frozenset(kind for kind, known in KINDS.items() if "nth" in known.options)

UNSAID = -1
# The least and the most that makes sense. A write before the first, a negative count of bytes: somebody mistyped.
_BOUNDS: dict[str, tuple[float, float]] = {
    "nth": (1, 10**9), "times": (1, 10**9), "after_bytes": (0, 10**9), "rows_per_s": (1, 10**9), "percent": (0, 100),
    "limit": (0, 10**6), "seconds": (0, 10**6),
}  # fmt: skip


@dataclass(slots=True)
class Fault:
    """One armed fault. `times` None means until cleared (standing kinds are that unless told otherwise);
    `nth` counts matching writes from now on. `rows_per_s`: 1,500 is what others measured on a hEX."""

    kind: str
    times: int | None = UNSAID
    nth: int = 1
    menu: str = ""
    message: str = "failure: simulated"
    after_bytes: int = 5
    rows_per_s: int = 1_500
    percent: int = 90
    limit: int = 20
    seconds: float = 5.0
    seen: int = field(default=0)


_TYPES: dict[str, type[int] | type[float] | type[str]] = {
    one.name: float if one.type == "float" else str if one.type == "str" else int
    for one in fields(Fault)
    if one.name not in ("kind", "seen")
}


def make(kind: str, **options: typing.Any) -> Fault:
    """A fault out of what somebody asked for; ControlError says what makes no sense."""
    known = KINDS.get(kind)
    if known is None:
        raise ControlError(f"unknown fault {kind!r}; known are: {', '.join(KINDS)}")
    for name in options:
        if name not in (*known.options, "times"):
            takes = ", ".join(known.options) or "nothing"
            raise ControlError(f"the fault {kind} does not take {name!r}; it takes: {takes}")
    for name, value in options.items():
        options[name] = _typed(kind, name, value)
        _check(kind, name, options[name])
    return Fault(kind, **options)


def _typed(kind: str, name: str, value: typing.Any) -> typing.Any:
    if value is None:
        return None
    try:
        return _TYPES[name](value)
    except (ValueError, TypeError):
        raise ControlError(f"{value!r} is no number for {name} in the fault {kind!r}") from None


def _check(kind: str, name: str, value: object) -> None:
    """Numbers lie within their bounds; `times` may be left open."""
    if name not in _BOUNDS or (name == "times" and value in (None, UNSAID)):
        return
    low, high = _BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ControlError(f"{name} of the fault {kind} is a number from {low} to {high}, not {value!r}")


def parse(text: str) -> Fault:
    """A fault as the command line has it: `trap-write,menu=/ppp/secret,nth=3`."""
    kind, *parts = text.split(",")
    options: dict[str, int | float | str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals:
            raise ControlError(f"{part!r} in the fault {text!r} is not NAME=VALUE")
        options[name] = value
    return make(kind, **options)


class Faults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def __iter__(self) -> typing.Iterator[Fault]:
        return iter(self._armed)

    def arm(self, fault: Fault) -> None:
        known = KINDS.get(fault.kind)
        if known is None:
            raise ControlError(f"unknown fault {fault.kind!r}; known are: {', '.join(KINDS)}")
        if fault.times == UNSAID:
            fault.times = None if known.stands else 1
        self._armed.append(fault)

    def clear(self, kind: str | None = None) -> None:
        """Disarm one kind, or all."""
        self._armed = [fault for fault in self._armed if kind is not None and fault.kind != kind]

    def find(self, kind: str) -> Fault | None:
        """An armed fault, left armed."""
        if not self._armed:
            return None
        return next((fault for fault in self._armed if fault.kind == kind), None)

    def take(self, kind: str) -> Fault | None:
        """An armed fault, used up once."""
        fault = self.find(kind)
        if fault is not None:
            self._use(fault)
        return fault

    def for_write(self, menu: str) -> Fault | None:
        """The fault that hits this write, if it is the nth of its menu."""
        for fault in self._armed:
            if fault.kind not in WRITE_KINDS or (fault.menu and fault.menu != menu):
                continue
            fault.seen += 1
            if fault.seen >= fault.nth:
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._armed.remove(fault)
