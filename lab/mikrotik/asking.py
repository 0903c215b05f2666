"""What each request at the control door takes: checked before it is carried out, and what is wrong is said."""

import functools
import ipaddress
import math
from collections.abc import Callable, Mapping
from typing import Any

from lab.control import ControlError, Handler, Handlers, Request

# By request: its arguments with their kinds; `?` may be left out, `*` takes whatever else is said.
TAKES: Mapping[str, str] = {
    "dial": "user password caller_id?",
    "hangup": "user",
    "redial": "user password? every_s:seconds?",
    "vanish": "user",
    "habit": "who habit",
    "clock": "ntp_answers:truth? ntp_delay_s:seconds?",
    "reach": "who to protocol? port:port? inbound:truth?",
    "connect": "who to protocol? port:port? fasttracked:truth?",
    "sessions": "",
    "rows": "menu:menu",
    "script": "text",
    "import": "text",
    "export": "menu:menu? secrets:truth? terse:truth? verbose:truth?",
    "reset": "no_defaults:truth? keep_users:truth? script? down_s:seconds?",
    "file": "name contents?",
    "hosts": "name addresses:addresses",
    "reboot": "down_s:seconds?",
    "power-cut": "down_s:seconds?",
    "carry": "who up_bytes:count? down_bytes:count?",
    "fault": "kind *",
    "faults": "",
    "delay": "round_trip_ms:number? loss:number?",
    "writes": "since:count?",
    "events": "since:count? kind?",
    "connections": "since:count?",
    "stats": "",
    "plug": "mac interface? address? name? client_id? host_name? prefix?",
    "unplug": "who",
    "hosts-on": "",
    "hotspot-login": "who user? password?",
    "hotspot-logout": "who erase_cookie:truth?",
}
# Any of these says which station is meant.
WHO = ("who", "user", "mac")


def checked(handlers: Handlers) -> Handlers:
    """The same handlers, none of which sees a request that makes no sense."""
    return {name: _checking(name, handler) for name, handler in handlers.items()}


def _checking(name: str, handler: Handler) -> Handler:
    takes = [_Argument(word) for word in TAKES[name].split() if word != "*"]
    anything = TAKES[name].endswith("*")

    @functools.wraps(handler)
    def check(request: Request) -> Any:
        meant = dict(request)
        known = {alias for argument in takes for alias in argument.names}
        for said in request.keys() - known - {"do"}:
            if not anything:
                raise ControlError(f"{name} does not take {said!r}; {_told(takes)}")
        for argument in takes:
            if not any(alias in request for alias in argument.names):
                if argument.needed:
                    raise ControlError(f"missing {argument.name!r}: {name} needs {argument.name}=…; {_told(takes)}")
            elif argument.name in request:
                meant[argument.name] = argument.read(request[argument.name])
        return handler(meant)

    return check


def _told(takes: list["_Argument"]) -> str:
    if not takes:
        return "it takes nothing"
    return "it takes " + " ".join(f"{one.name}=…" if one.needed else f"[{one.name}=…]" for one in takes)


class _Argument:
    """One word of TAKES."""

    def __init__(self, word: str) -> None:
        self.needed = not word.endswith("?")
        self.name, _, self.kind = word.removesuffix("?").partition(":")
        self.names = WHO if self.name == "who" else (self.name,)

    def read(self, value: Any) -> Any:
        """The value as its handler wants it."""
        if not self.kind:
            return value
        try:
            return _KINDS[self.kind](value)
        except (ValueError, TypeError):
            raise ControlError(f"{value!r} is no {self.name}; {_MEANT[self.kind]}") from None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _within(first: int, last: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _whole(value)
        if not first <= number <= last:
            raise ValueError
        return number

    return read


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _seconds(value: Any) -> float:
    seconds = _number(value)
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError
    return seconds


def _truth(value: Any) -> bool:
    known = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())
    if known is None:
        raise ValueError
    return known


def _menu(value: Any) -> str:
    menu = str(value).strip().replace(" ", "/").rstrip("/")
    return menu if menu.startswith("/") or not menu else f"/{menu}"


def _addresses(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    return [str(ipaddress.ip_address(str(part).strip())) for part in parts if str(part).strip()]


MAX_SECONDS = 7 * 86_400
MAX_COUNT = 2**63
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "port": _within(0, 65_535), "count": _within(0, MAX_COUNT), "number": _number, "seconds": _seconds,
    "truth": _truth, "menu": _menu, "addresses": _addresses,
}  # fmt: skip
_MEANT: Mapping[str, str] = {
    "port": "say a whole number from 0 to 65535",
    "count": "say a whole number, 0 or more",
    "number": "say a number",
    "seconds": f"say seconds from 0 to {MAX_SECONDS}",
    "truth": "say true or false",
    "menu": "say a menu's path, such as /ppp/secret",
    "addresses": "say addresses, such as 203.0.113.9,203.0.113.10",
}
