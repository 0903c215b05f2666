"""Policies of user groups: what a group may do, written as a comma list with `!` before what is denied."""

from collections.abc import Callable

from lab.mikrotik.errors import BadValueError

POLICIES = (
    "local", "telnet", "ssh", "ftp", "reboot", "read", "write", "policy", "test", "winbox", "password", "web",
    "sniff", "sensitive", "api", "romon", "rest-api",
)  # fmt: skip
POLICIES_6 = (
    "local", "telnet", "ssh", "ftp", "reboot", "read", "write", "policy", "test", "winbox", "password", "web",
    "sniff", "sensitive", "api", "romon", "dude", "tikapp",
)  # fmt: skip
# What a script or a schedule can hold.
SCRIPT_POLICIES = (
    "ftp", "reboot", "read", "write", "policy", "test", "password", "sniff", "sensitive", "romon",
)  # fmt: skip


def _parse(value: str, names: tuple[str, ...]) -> dict[str, bool]:
    named: dict[str, bool] = {}
    for part in filter(None, value.split(",")):
        name = part.removeprefix("!")
        if name not in names:
            raise BadValueError(words=names, part=name)
        named[name] = not part.startswith("!")
    return named


def _format(granted: dict[str, bool], names: tuple[str, ...]) -> str:
    allowed = [name for name in names if granted.get(name)]
    return ",".join([*allowed, *(f"!{name}" for name in names if not granted.get(name))])


def new_policies(names: tuple[str, ...] = POLICIES) -> Callable[[str], str]:
    """What `add` makes of a list: everything not named is denied."""
    return lambda value: _format(_parse(value, names), names)


def merge_policies(names: tuple[str, ...] = POLICIES) -> Callable[[str, str], str]:
    """What `set` makes of a list: only what is named changes."""
    return lambda old, new: _format(_parse(old, names) | _parse(new, names), names)


def script_policies(value: str) -> str:
    """What a script may do: only what is granted is kept, in the router's order."""
    given = _parse(value, SCRIPT_POLICIES)
    return ",".join(name for name in SCRIPT_POLICIES if given.get(name))


def granted(value: str) -> frozenset[str]:
    """The policies a stored value allows."""
    return frozenset(name for name in value.split(",") if name and not name.startswith("!"))
