"""Kinds of values: each takes what a client wrote and gives what the router would read back, or refuses it."""

import ipaddress
import re
import string
from collections.abc import Callable, Iterable

from lab.mikrotik.errors import BadValueError

Kind = Callable[[str], str]

_DURATION_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_CLOCK_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(\d+):(\d{2}):(\d{2})")
# Capital or not: people write `128K` and `1m` as often as the manual's `128k` and `1M`, and scripts of theirs run.
_RATE = re.compile(r"(\d+)([kKmMgG]?)")
_RATE_UNIT = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_HEXADECIMAL = re.compile(r"0x[0-9A-Fa-f]{1,16}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|[A-Za-z]{3}/\d{1,2}/\d{4}")
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SIZE = re.compile(r"\d+([kMG]|[KMG]i?B)?")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_-]+)*\.?")
_PORTS = re.compile(r"\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*")


def text(value: str) -> str:
    """Any bytes at all."""
    return value


def boolean(value: str) -> str:
    """Written yes/no or true/false, read true/false."""
    if value in ("yes", "true"):
        return "true"
    if value in ("no", "false"):
        return "false"
    raise BadValueError


def number(low: int = 0, high: int = 2**64 - 1) -> Kind:
    """A whole number within bounds, decimal or as `0x1F`; read decimal."""

    def kind(value: str) -> str:
        if _HEXADECIMAL.fullmatch(value):
            value = str(int(value, 16))
        if not value.isascii() or not value.isdecimal():
            raise BadValueError
        if not low <= int(value) <= high:
            raise BadValueError(f"{low}..{high}")
        return str(int(value))

    return kind


def enum(*words: str) -> Kind:
    """One of these words."""

    def kind(value: str) -> str:
        if value not in words:
            raise BadValueError(words=words, part=value)
        return value

    return kind


def yes_no(*more: str) -> Kind:
    """An enum that keeps yes and no as they are, unlike a boolean."""
    words = ("yes", "no", *more)

    def kind(value: str) -> str:
        value = {"true": "yes", "false": "no"}.get(value, value)
        if value not in words:
            raise BadValueError(words=words, part=value)
        return value

    return kind


def several(kind: Kind) -> Kind:
    """A comma list of one kind; empty is allowed."""

    def many(value: str) -> str:
        return ",".join(kind(part) for part in value.split(",")) if value else ""

    return many


def negatable(kind: Kind) -> Kind:
    """A firewall matcher: the value, or `!` and the value."""

    def either(value: str) -> str:
        return "!" + kind(value[1:]) if value.startswith("!") else kind(value)

    return either


def first_of(*kinds: Kind) -> Kind:
    """The first kind that takes the value; a value none takes is out of the last one's range, if it has one."""

    def kind(value: str) -> str:
        allowed = None
        for candidate in kinds:
            try:
                return candidate(value)
            except BadValueError as error:
                allowed = error.allowed
        raise BadValueError(allowed)

    return kind


def mac(value: str) -> str:
    """A hardware address, read with colons and in capitals."""
    digits = value.replace(":", "").replace("-", "").replace(".", "")
    if len(digits) != 12 or not set(digits) <= set(string.hexdigits):
        raise BadValueError
    return ":".join(digits[at : at + 2].upper() for at in range(0, 12, 2))


def size(value: str) -> str:
    """`50KiB` stays as it was typed; a bare number is bytes."""
    if not _SIZE.fullmatch(value):
        raise BadValueError
    return value


def ip4(value: str) -> str:
    """An IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError as error:
        raise BadValueError from error


def ip6(value: str) -> str:
    """An IPv6 address."""
    try:
        return str(ipaddress.IPv6Address(value))
    except ValueError as error:
        raise BadValueError from error


def ip6_prefix(value: str) -> str:
    """An IPv6 prefix, read with its length even when it is a single address."""
    try:
        return str(ipaddress.IPv6Network(value, strict=False))
    except ValueError as error:
        raise BadValueError from error


def prefix(value: str) -> str:
    """A network of either family, read with its length even when it is a single address."""
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError as error:
        raise BadValueError from error


def ip4_with_length(value: str) -> str:
    """An address with a prefix length, host bits kept (`/ip/address`)."""
    try:
        return str(ipaddress.IPv4Interface(value))
    except ValueError as error:
        raise BadValueError from error


def ip4_range(value: str) -> str:
    """`a-b`, both ends IPv4, in order."""
    first, dash, last = value.partition("-")
    if not dash or ipaddress.IPv4Address(ip4(first)) > ipaddress.IPv4Address(ip4(last)):
        raise BadValueError
    return f"{ip4(first)}-{ip4(last)}"


def ip4_block(value: str) -> str:
    """An address, a network or a range; a single address loses its /32, a network its host bits."""
    if "-" in value:
        return ip4_range(value)
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError as error:
        raise BadValueError from error
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def host_name(value: str) -> str:
    """A DNS name that is not a number in disguise."""
    if not _HOST_NAME.fullmatch(value) or value.replace(".", "").isdecimal():
        raise BadValueError
    return value


def queue_targets(value: str) -> str:
    """Comma list of networks (always read with a length) and interface names."""
    if not value:
        raise BadValueError
    return ",".join(_queue_target(part) for part in value.split(","))


def _queue_target(part: str) -> str:
    try:
        return prefix(part)
    except BadValueError:
        return part


def ports(value: str) -> str:
    """`80`, `80,443`, `8728-8729`."""
    if not _PORTS.fullmatch(value) or any(int(part) > 65_535 for part in re.split("[,-]", value)):
        raise BadValueError
    return value


def rate(value: str) -> str:
    """`5M` is stored as `5000000`."""
    match = _RATE.fullmatch(value)
    if match is None:
        raise BadValueError
    return str(int(match[1]) * _RATE_UNIT[match[2].lower()])


def pair(kind: Kind) -> Kind:
    """`up/down`; one value stands for both."""

    def both(value: str) -> str:
        first, slash, second = value.partition("/")
        return f"{kind(first)}/{kind(second if slash else first)}"

    return both


def rate_limit(value: str) -> str:
    """A profile's `rx[/tx] [burst [threshold [time [priority [minimum]]]]]`: checked, but kept as it was typed."""
    parts = value.split()
    if len(parts) > len(_RATE_LIMIT_PARTS):
        raise BadValueError
    for part, kind in zip(parts, _RATE_LIMIT_PARTS, strict=False):
        for side in part.split("/"):
            kind(side)
    return value


def duration_us(value: str) -> int:
    """Microseconds of `1w2d3h4m5s`, `1d02:03:04`, `500ms` or plain seconds."""
    if value.isascii() and value.isdecimal():
        return int(value) * 1_000_000
    clock = _CLOCK_DURATION.fullmatch(value)
    if clock is not None:
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return (weeks * 604_800 + days * 86_400 + hours * 3_600 + minutes * 60 + seconds) * 1_000_000
    match = _DURATION.fullmatch(value)
    if match is None or not value:
        raise BadValueError
    parts = [int(part or 0) for part in match.groups()]
    seconds = sum(count * size for count, size in zip(parts, _DURATION_UNITS_S.values(), strict=False))
    return seconds * 1_000_000 + parts[5] * 1_000


def format_duration(microseconds: int) -> str:
    """`1w2d3h4m5s` without the parts that are zero; `0s` for nothing."""
    seconds, rest = divmod(microseconds, 1_000_000)
    parts: list[str] = []
    for unit, size in _DURATION_UNITS_S.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    if rest >= 1_000:
        parts.append(f"{rest // 1_000}ms")
    return "".join(parts) or "0s"


def duration(*words: str) -> Kind:
    """A span of time, or one of these words (`none`, `never`)."""

    def kind(value: str) -> str:
        return value if value in words else format_duration(duration_us(value))

    return kind


def date(value: str) -> str:
    """A day, as RouterOS wrote it until 7.9 (`jan/31/2026`) or since (`2026-01-31`); kept as it was typed."""
    if not _DATE.fullmatch(value):
        raise BadValueError
    return value.lower()


def time_of_day(value: str) -> str:
    """`09:30:00`; seconds may be left out."""
    match = _TIME_OF_DAY.fullmatch(value)
    if match is None:
        raise BadValueError
    hours, minutes, seconds = match[1], match[2], match[3] or "00"
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        raise BadValueError
    return f"{int(hours):02}:{minutes}:{seconds}"


def split_list(value: str) -> Iterable[str]:
    """The parts of a comma list, without empty ones."""
    return (part for part in value.split(",") if part)


_RATE_LIMIT_PARTS: tuple[Kind, ...] = (rate, rate, rate, duration(), number(1, 8), rate)
