"""What a router's worker tells the agent's loop, and what both roads share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from edge_agent.domain.reconcile import Refusal
from edge_agent.domain.rules import Trouble
from edge_agent.domain.wanted import Target
from edge_agent.routeros.claims import Claims
from edge_agent.routeros.client import Address
from edge_agent.routeros.connections import ConnectionQuery
from edge_agent.routeros.line import Randomness
from edge_agent.routeros.read import Health
from edge_agent.routeros.roads import Online, Outcome
from edge_agent.routeros.write import Unseal


class WorkerClock(Protocol):
    """What a worker needs of the clock."""

    @property
    def random(self) -> Randomness:
        """Where jitter comes from."""

    def boot_us(self) -> int:
        """Microseconds since boot."""

    def thread_us(self) -> int:
        """Processor time of this thread."""

    def rest(self, pause_us: int) -> None:
        """Let other threads work."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Three waves ended."""

    road: Literal["fast", "slow"]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a whole pass: these were found right as they are, or are refused."""

    matched: list[Target]
    failed: list[tuple[Target, Refusal]]
    online: dict[str, Online]
    away: set[str]
    """Those matched who may have a session and have none, not even one with another speed."""
    read_boot_us: int


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A whole pass was made. `whole`: every target was looked at and nothing is left open."""

    reason: str
    whole: bool
    repaired: frozenset[str]
    took_us: int
    cpu_us: int


@dataclass(frozen=True, slots=True)
class WentOnline:
    """A session with the right address and speed was seen."""

    target: Target
    online: Online


@dataclass(frozen=True, slots=True)
class RouterState:
    """The router answers (`trouble` is "") or does not."""

    health: Health
    trouble: str
    base_missing: bool = False


@dataclass(frozen=True, slots=True)
class RulesRead:
    """What a whole pass found wrong with the router's own rules."""

    troubles: tuple[Trouble, ...]


Said = Settled | Found | PassEnded | WentOnline | RouterState | RulesRead


@dataclass(slots=True)
class Shared:
    """What both roads of one router work with."""

    address: Address
    clock: WorkerClock
    unseal: Unseal
    targets: Mapping[str, Target]
    """The agent's own table: read by single calls only, because the loop writes it meanwhile."""
    post: Callable[[Said], None]
    connection_query: ConnectionQuery = "range"
    claims: Claims = field(default_factory=Claims)
