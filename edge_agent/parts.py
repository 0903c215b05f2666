"""What the loop is made of, and the little it needs of each of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from edge_agent.domain.site import Site
from edge_agent.link.outbox import Outbox
from edge_agent.link.speech import Speaker
from edge_agent.link.trust import KeyRing
from edge_agent.mailbox import Mailbox
from edge_agent.status import StatusFile
from edge_agent.store.store import Loaded, Store
from edge_agent.timekeeper import Timekeeper
from protocol.enrolment import EnrolAnswer


class Publisher(Protocol):
    """What the loop needs of the link."""

    def publish(self, payload: bytes) -> bool:
        """Say something; False when there is no connection."""


class Roads(Protocol):
    """What the loop needs of a router's worker."""

    def start(self) -> None:
        """Begin."""

    def submit(self, ids: Iterable[str]) -> None:
        """The fast road."""

    def defer(self, ids: Iterable[str], reason: str) -> None:
        """The slow road, for many."""

    def ask_for_pass(self, reason: str) -> None:
        """The slow road."""


class AgentClock(Protocol):
    """What the loop needs of the clock."""

    random: Any

    def boot_us(self) -> int:
        """Microseconds since boot."""

    def boot_id(self) -> str:
        """Name of this boot."""

    def new_id(self) -> str:
        """A new id."""


@dataclass(slots=True)
class Parts:
    """What the agent is made of; `main` puts it together."""

    identity: EnrolAnswer
    clock: AgentClock
    store: Store
    loaded: Loaded
    site: Site
    time: Timekeeper
    keys: KeyRing
    speaker: Speaker
    outbox: Outbox
    mailbox: Mailbox
    link: Publisher
    roads: Roads
    status: StatusFile
    find_dead_thread: Callable[[], str]
    """Names a thread of ours that ended or hangs; "" normally."""
