"""How RouterOS spells things, and what differs between its versions."""

import re
from functools import lru_cache
from typing import Final

OLDEST: Final = (6, 45)
"""Older ones log in by another handshake and lack what the wall needs."""

_UNITS: Final = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_DURATION: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CLOCK: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(\d+):(\d+):(\d+)")


def version_of(text: str) -> tuple[int, int]:
    """Read `7.18.2 (stable)` or `6.49.10 (long-term)`; (0, 0) when it is not one."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def is_true(value: str | None) -> bool:
    """Flags read `true` or `yes`; absent means false."""
    return value in ("true", "yes")


@lru_cache(maxsize=1024)
def rate_of(text: str) -> tuple[int, int] | None:
    """Read `2000000/5000000` or `2M/5M` as (up, down) in bit/s; None when it is not a pair."""
    up, slash, down = text.partition("/")
    pair = _bps(up), _bps(down if slash else up)
    return (pair[0], pair[1]) if pair[0] is not None and pair[1] is not None else None


def _bps(text: str) -> int | None:
    unit = text[-1:] if text[-1:].isalpha() else ""
    number = text[: len(text) - len(unit)]
    return int(number) * _UNITS[unit] if number.isdigit() and unit in _UNITS else None


def seconds_of(text: str) -> int | None:
    """Read a duration: `1w2d3h4m5s`, or the older `1w2d03:04:05`."""
    found = _CLOCK.fullmatch(text) or _DURATION.fullmatch(text)
    if not found or not text:
        return None
    return sum(
        int(part or 0) * size for part, size in zip(found.groups(), (604_800, 86_400, 3_600, 60, 1), strict=True)
    )


def source_of(endpoint: str) -> str:
    """Take the port off a tracked connection's end: `100.64.0.5:4021`, `[2001:db8::1]:80` or a bare address."""
    if endpoint.startswith("["):
        return endpoint[1:].partition("]")[0]
    return endpoint.partition(":")[0] if endpoint.count(":") == 1 else endpoint


def plain_address(address: str) -> str:
    """Address lists drop a /32; some versions show it."""
    return address.removesuffix("/32")


def session_queue(user: str) -> str:
    """Name the queue and the interface of a PPPoE session."""
    return f"<pppoe-{user}>"


def user_of_queue(name: str) -> str:
    """Return the user of a session's queue, or "" for any other queue."""
    return name[7:-1] if name.startswith("<pppoe-") and name.endswith(">") else ""
