"""Policies of user groups: what a group may do, written as a comma list with `!` before what is denied."""

from lab.mikrotik.errors import BadValueError

POLICIES = (
    "local", "telnet", "ssh", "ftp", "reboot", "read", "write", "policy", "test", "winbox", "password", "web",
    "sniff", "sensitive", "api", "romon", "rest-api",
)  # fmt: skip


def _parse(value: str) -> dict[str, bool]:
    named: dict[str, bool] = {}
    for part in filter(None, value.split(",")):
        name = part.removeprefix("!")
        if name not in POLICIES:
            raise BadValueError
        named[name] = not part.startswith("!")
    return named


def _format(granted: dict[str, bool]) -> str:
    allowed = [name for name in POLICIES if granted.get(name)]
    return ",".join([*allowed, *(f"!{name}" for name in POLICIES if not granted.get(name))])


def new_policies(value: str) -> str:
    """What `add` makes of a list: everything not named is denied."""
    return _format(_parse(value))


def merge_policies(old: str, new: str) -> str:
    """What `set` makes of a list: only what is named changes."""
    return _format(_parse(old) | _parse(new))


def granted(value: str) -> frozenset[str]:
    """The policies a stored value allows."""
    return frozenset(name for name, allowed in _parse(value).items() if allowed)
