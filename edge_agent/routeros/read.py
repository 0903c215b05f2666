"""What is read from the router: rows of some targets by name and address, or our menus whole, in one wave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from edge_agent.domain.observed import Observed, ProfileRow, SecretRow, SessionRow, WallRow
from edge_agent.domain.wanted import BASE_PROFILE, WALL_LIST, Target, profile_name
from edge_agent.errors import RouterRefused
from edge_agent.routeros.client import Answer, Command
from edge_agent.routeros.fields import (
    is_true,
    plain_address,
    rate_of,
    seconds_of,
    session_queue,
    user_of_queue,
)

Row = dict[str, str]
SECRETS = "/ppp/secret"
PROFILES = "/ppp/profile"
SESSIONS = "/ppp/active"
QUEUES = "/queue/simple"
WALL4, WALL6 = "/ip/firewall/address-list", "/ipv6/firewall/address-list"

_ACCOUNT_FIELDS = "=.proplist=.id,name,service,profile,remote-address,remote-ipv6-prefix,disabled,comment"
_WALL_FIELDS = "=.proplist=.id,address,disabled,dynamic,comment"
_PROFILE_FIELDS = "=.proplist=.id,name,rate-limit,comment"
_ROWS_A_BREATH = 128
BASE_FIELDS = (
    "local-address",
    "dns-server",
    "wins-server",
    "use-ipv6",
    "change-tcp-mss",
    "only-one",
    "on-up",
    "on-down",
)
"""What a speed profile takes over from the base profile."""


# A whole pass keeps thousands of rows for a moment: texts that rights hold already are shared by interning.


def _secret(row: Row) -> SecretRow:
    get = row.get
    return SecretRow(
        row[".id"], intern(row["name"]), intern(get("service", "any")), intern(get("profile", "")),
        intern(get("remote-address", "")), get("remote-ipv6-prefix", ""), is_true(get("disabled")),
        get("comment", ""),
    )  # fmt: skip


def _wall4(row: Row) -> WallRow:
    address = intern(plain_address(row.get("address", "")))
    return WallRow(row[".id"], 4, address, is_true(row.get("disabled")), is_true(row.get("dynamic")), _comment(row))


def _wall6(row: Row) -> WallRow:
    address = row.get("address", "")
    return WallRow(row[".id"], 6, address, is_true(row.get("disabled")), is_true(row.get("dynamic")), _comment(row))


def _comment(row: Row) -> str:
    return row.get("comment", "")


def _session(row: Row) -> SessionRow:
    return SessionRow(row[".id"], intern(row.get("name", "")), intern(row.get("address", "")))


def _profile(row: Row) -> ProfileRow:
    return ProfileRow(row[".id"], row.get("name", ""), row.get("rate-limit", ""), _comment(row))


def _queue(row: Row) -> tuple[str, tuple[int, int] | None]:
    return intern(user_of_queue(row.get("name", ""))), rate_of(row.get("max-limit", ""))


@dataclass(frozen=True, slots=True)
class Reading:
    """Commands of one wave, and how their answers become one observation."""

    commands: tuple[Command, ...]

    def observed(self, answers: Sequence[Answer], breathe: Callable[[], None] = lambda: None) -> Observed:
        """Put the rows where they belong. A refusal to show rows must not look like there being none."""
        seen = Observed()
        for command, answer in zip(self.commands, answers, strict=True):
            if answer.trap is not None and not command.optional:
                raise RouterRefused(
                    f"the router does not show {command.words[0]} ({answer.trap})",
                    "give the agent's user the policies api, read and write",
                )
            for number, row in enumerate(answer.rows, 1):
                _put(seen, row)
                if not number % _ROWS_A_BREATH:
                    breathe()
        return seen


def _put(seen: Observed, row: Any) -> None:
    match row:
        case SecretRow():
            seen.secrets[row.name] = row
        case WallRow():
            _put_wall(seen, row)
        case SessionRow():
            seen.sessions.setdefault(row.name, []).append(row)
        case ProfileRow():
            seen.profiles[row.name] = row
        case (user, rate) if user and rate:
            seen.rates[user] = rate
        case _:  # a queue that is no session's, or one without limits
            pass


def _put_wall(seen: Observed, row: WallRow) -> None:
    """Of several rows for one address (disabled ones may stand beside) the lasting, enabled one counts."""
    other = seen.walls.get(row.address)
    if other is None or (other.temporary, other.disabled) > (row.temporary, row.disabled):
        seen.walls[row.address] = row


def reading_of(targets: Sequence[Target]) -> Reading:
    """Read only the rows of these targets (at most 100), by name and address."""
    names = list(dict.fromkeys(name for target in targets for name in target.names))
    addresses = list(dict.fromkeys(a for target in targets for a in target.addresses))
    prefixes = list(dict.fromkeys(p for target in targets for p in target.prefixes))
    profiles = list(dict.fromkeys(profile_name(target.right) for target in targets if target.right))
    commands: list[Command] = []
    if names:
        queues = [session_queue(name) for name in names]
        commands += [
            Command((f"{SECRETS}/print", _ACCOUNT_FIELDS, *any_of("name", names)), _secret),
            Command((f"{SESSIONS}/print", "=.proplist=.id,name,address", *any_of("name", names)), _session),
            Command((f"{QUEUES}/print", "=.proplist=name,max-limit", *any_of("name", queues)), _queue),
        ]
    if addresses:
        list_is = f"?list={WALL_LIST}"
        commands.append(Command((f"{WALL4}/print", _WALL_FIELDS, list_is, *any_of("address", addresses)), _wall4))
    if prefixes:
        list_is = f"?list={WALL_LIST}"
        commands.append(
            Command((f"{WALL6}/print", _WALL_FIELDS, list_is, *any_of("address", prefixes)), _wall6, optional=True)
        )
    if profiles:
        commands.append(Command((f"{PROFILES}/print", _PROFILE_FIELDS, *any_of("name", profiles)), _profile))
    return Reading(tuple(commands))


def sessions_reading(targets: Sequence[Target]) -> Reading:
    """Read only whether these have a live session, and its speed."""
    names = [target.right.username for target in targets if target.right]
    queues = [session_queue(name) for name in names]
    sessions = Command((f"{SESSIONS}/print", "=.proplist=.id,name,address", *any_of("name", names)), _session)
    limits = Command((f"{QUEUES}/print", "=.proplist=name,max-limit", *any_of("name", queues)), _queue)
    return Reading((sessions, limits))


def any_of(field: str, values: Sequence[str]) -> list[str]:
    """One query for many values: the router scans its table once, not once per value."""
    words = [f"?{field}={value}" for value in values]
    return [*words, "?#" + "|" * (len(values) - 1)] if len(values) > 1 else words


def whole_reading(*, ipv6: bool) -> Reading:
    """Read our menus whole, with as few properties as will do."""
    commands = [
        Command((f"{SECRETS}/print", _ACCOUNT_FIELDS), _secret),
        Command((f"{WALL4}/print", _WALL_FIELDS, f"?list={WALL_LIST}"), _wall4),
        Command((f"{PROFILES}/print", _PROFILE_FIELDS), _profile),
        Command((f"{SESSIONS}/print", "=.proplist=.id,name,address"), _session),
        Command((f"{QUEUES}/print", "=.proplist=name,max-limit", "?dynamic=true"), _queue),
    ]
    if ipv6:
        commands.append(Command((f"{WALL6}/print", _WALL_FIELDS, f"?list={WALL_LIST}"), _wall6, optional=True))
    return Reading(tuple(commands))


HEALTH = (
    Command(("/system/resource/print", "=.proplist=uptime,version,cpu-load")),
    Command(("/system/identity/print",)),
)
BASE = Command((f"{PROFILES}/print", "=.proplist=" + ",".join(("name", *BASE_FIELDS)), f"?name={BASE_PROFILE}"))


@dataclass(frozen=True, slots=True)
class Health:
    """What the router says of itself."""

    identity: str
    version: str
    uptime_s: int | None
    cpu_load_percent: int | None


def health_of(answers: Sequence[Answer]) -> Health:
    """Read the answers to HEALTH."""
    resource: Row = answers[0].rows[0] if answers[0].rows else {}
    identity: Row = answers[1].rows[0] if answers[1].rows else {}
    load = resource.get("cpu-load", "").removesuffix("%")
    return Health(
        identity.get("name", "")[:200],
        resource.get("version", "")[:200],
        seconds_of(resource.get("uptime", "")),
        int(load) if load.isdigit() else None,
    )
