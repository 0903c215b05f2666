"""What the router should hold: targets, marks and names by which our rows are known."""

from dataclasses import dataclass
from typing import Final

from edge_agent.domain.access import Level
from edge_agent.domain.right import Right

MARK: Final = "mnara:"
PROFILE_MARK: Final = "mnara"
BASE_PROFILE: Final = "mnara-base"
WALL_LIST: Final = "mnara-walled"


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One entitlement's place on the router. `right` is None when nothing of it shall remain.

    Two targets are the same only if they are one object: a newer one replaces it whole.
    """

    id: str
    right: Right | None
    level: Level
    reason: str = ""
    old_names: tuple[str, ...] = ()
    """Names, addresses and prefixes that it had before: rows there with its mark are taken away."""
    old_addresses: tuple[str, ...] = ()
    old_prefixes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every secret name to look at."""
        return (self.right.username, *self.old_names) if self.right else self.old_names

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every IPv4 address to look at."""
        return (self.right.address, *self.old_addresses) if self.right else self.old_addresses

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Every IPv6 prefix to look at."""
        if self.right and self.right.prefix:
            return (self.right.prefix, *self.old_prefixes)
        return self.old_prefixes

    @property
    def walled(self) -> bool:
        """Whether the address belongs on the walled list."""
        return self.level == "walled"


def mark_of(entitlement: str) -> str:
    """Return the comment of a row we own."""
    return MARK + entitlement


def secret_mark(right: Right) -> str:
    """Return the comment of a secret: its credential's revision is in it, because passwords read back masked."""
    return f"{MARK}{right.id}:{right.revision}"


def owner_of(comment: str) -> str | None:
    """Return the entitlement whose row it is; None: a foreign row."""
    if not comment.startswith(MARK):
        return None
    return comment[len(MARK) :].partition(":")[0] or None


def profile_name(right: Right) -> str:
    """Name the speed profile."""
    return f"mnara-{right.up_bps}-{right.down_bps}"


def rate_limit(right: Right) -> str:
    """Write a profile's rate-limit: the router's rx is the subscriber's upload."""
    return f"{right.up_bps}/{right.down_bps}"
