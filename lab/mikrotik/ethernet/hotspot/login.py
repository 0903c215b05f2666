"""One device that is logged in, and what it may still use."""

from dataclasses import dataclass, field

from lab.mikrotik.ethernet.hotspot.presence import Presence
from lab.mikrotik.ethernet.hotspot.totals import Totals
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.timers import Timer

BYTE_LIMITS = ("limit-bytes-in", "limit-bytes-out", "limit-bytes-total")


@dataclass(eq=False, slots=True)
class Login:
    """One logged-in device. `before` is what it had carried when it came, `settled` what is in the user's totals."""

    presence: Presence
    user: Row
    way: str
    since_us: int
    before: Totals
    settled: Totals
    settled_us: int
    until_us: int | None = None
    limits: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    timer: Timer | None = None
    queue: Row | None = None
    rows: list[tuple[Table, Row]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.user.get("name")

    def carried(self) -> Totals:
        return Totals.of(self.presence.host).less(self.before)

    def unsettled(self, now_us: int) -> Totals:
        """What is not in the user's totals yet."""
        return Totals.of(self.presence.host).less(self.settled).plus(Totals(uptime_us=now_us - self.settled_us))

    def spent(self) -> list[tuple[int, int]]:
        """(limit, used) of each byte limit it was dealt."""
        used = dict(zip(BYTE_LIMITS, used_of(self.carried()), strict=True))
        return [(limit, used[name]) for name, limit in self.limits.items()]


def left_of(user: Row, totals: Totals) -> dict[str, int]:
    """Bytes left of each limit the user has."""
    limits = zip(BYTE_LIMITS, used_of(totals), strict=True)
    return {name: int(user.get(name)) - spent for name, spent in limits if user.get(name)}


def used_of(totals: Totals) -> tuple[int, int, int]:
    """In the order of the limits."""
    return totals.bytes_in, totals.bytes_out, totals.bytes_in + totals.bytes_out
