"""What a PPP profile says once the server's default profile has filled its gaps, and the queue it asks for."""

from dataclasses import dataclass, field

from lab.mikrotik.errors import BadValueError
from lab.mikrotik.fields.values import Kind, duration, duration_us, rate, split_list, text
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables

_LIMIT_KINDS: dict[str, Kind] = {"burst-time": duration(), "priority": text}
_LIMIT_NAMES = ("max-limit", "burst-limit", "burst-threshold", "burst-time", "priority", "limit-at")
# Where `default` means "as the server's profile has it"; elsewhere it may be a name, as of a queue type.
_UNSAID = frozenset(
    (name, "default")
    for name in (
        "only-one", "change-tcp-mss", "use-compression", "use-encryption", "use-ipv6", "use-mpls", "use-upnp",
        "bridge-learning",
    )
)  # fmt: skip


@dataclass(slots=True)
class Profile:
    """A profile as sessions meet it; `queue` is None when it makes no queue."""

    name: str
    values: dict[str, str]
    queue: dict[str, str] | None
    address_lists: tuple[str, ...] = field(default=())
    session_timeout_us: int = 0
    idle_timeout_us: int = 0

    def get(self, name: str) -> str:
        return self.values.get(name, "")


class Profiles:
    """Profiles by (own, server's default), worked out once for each state of the table."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.get("/ppp/profile")
        self._queues = tables.get("/queue/simple")
        self._known: dict[tuple[str, str], Profile] = {}
        self._version = -1

    def get(self, name: str, fallback: str) -> Profile:
        """The profile of that name, its gaps filled by the fallback."""
        if self._version != self._table.version:
            self._known.clear()
            self._version = self._table.version
        key = (name, fallback)
        if key not in self._known:
            self._known[key] = self._work_out(name, fallback)
        return self._known[key]

    def _work_out(self, name: str, fallback: str) -> Profile:
        rows = [row for row in (self._table.find(fallback), self._table.find(name)) if row is not None]
        values = _merged(rows)
        return Profile(
            name, values, self._queue(values), tuple(split_list(values.get("address-list", ""))),
            _microseconds(values.get("session-timeout", "")), _microseconds(values.get("idle-timeout", "")),
        )  # fmt: skip

    def _queue(self, values: dict[str, str]) -> dict[str, str] | None:
        """The speed of a session is a queue made at login; no rate-limit means no queue at all."""
        if not values.get("rate-limit"):
            return None
        queue = {**self._queues.fitted.defaults} | queue_limits(values["rate-limit"])
        queue["parent"] = values.get("parent-queue") or "none"
        kind = values.get("queue-type", "")
        if kind:
            queue["queue"] = kind if "/" in kind else f"{kind}/{kind}"  # from 7.19 on it may be rx/tx
        queue["dynamic"] = "true"
        return queue


def _merged(rows: list[Row]) -> dict[str, str]:
    """Later rows win, except where they say nothing or `default`."""
    values: dict[str, str] = {}
    for row in rows:
        values |= {name: value for name, value in row.values.items() if value and (name, value) not in _UNSAID}
    return values


def _microseconds(value: str) -> int:
    try:
        return duration_us(value) if value else 0
    except BadValueError:  # `none`
        return 0


def queue_limits(rate_limit: str) -> dict[str, str]:
    """Queue properties of a profile's `rx/tx rx-burst/tx-burst …`: rx is what the subscriber sends."""
    limits: dict[str, str] = {}
    for name, part in zip(_LIMIT_NAMES, rate_limit.split(), strict=False):
        up, _, down = part.partition("/")
        kind = _LIMIT_KINDS.get(name, rate)
        limits[name] = f"{kind(up)}/{kind(down or up)}"
    return limits


def insert_before(queues: Table, where: str) -> Row | None:
    """The row a session's queue goes before: `first`, `bottom` (none), or a queue's name."""
    if not where or where == "bottom":
        return None
    return queues.at_position(0) if where == "first" else queues.find(where)
