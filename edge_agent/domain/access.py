"""Access at an instant: what a right allows now, why, and when that changes by itself."""

from dataclasses import dataclass
from typing import Literal

from edge_agent.domain.right import Right

Level = Literal["full", "walled", "off"]


@dataclass(frozen=True, slots=True)
class Access:
    """`full` at the right's rate, `walled` (only the pay page) or `off` (no session at all)."""

    level: Level
    reason: str
    next_change_at: int | None
    """When time alone changes it; None: never."""


_OFF = Access("off", "suspended", None)
_UNLIMITED = Access("full", "never-cut", None)
_EXPIRED = Access("walled", "expired", None)


def access_at(right: Right, instant: int, unheard_since: int | None) -> Access:
    """Judge a right. `unheard_since` is when the cloud was last heard if it cannot be heard now, else None.

    The right is over at `valid_until` itself. An outage grace holds only for who ran out while the cloud could not
    be heard: it could have told of a payment otherwise.
    """
    if not right.service_on:
        return _OFF
    until = right.valid_until
    if until is None:
        return _UNLIMITED
    if instant < until:
        return Access("full", "paid", until)
    if unheard_since is not None and until >= unheard_since and instant < until + right.outage_grace_us:
        return Access("full", "outage-grace", until + right.outage_grace_us)
    return _EXPIRED
