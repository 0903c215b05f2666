"""Where all other threads leave word for the loop."""

import queue
from dataclasses import dataclass
from typing import Final

from edge_agent.link.mqtt import Inbound, LinkSaid
from edge_agent.routeros.said import Said

INBOX_MAX: Final = 2_000
"""Messages from the cloud beyond this are dropped: it sends again. The router's own words are never dropped."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the loop."""


class Mailbox:
    """Where all other threads leave word for the loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[LinkSaid | Said | Stop] = queue.SimpleQueue()
        self.dropped = 0

    def from_link(self, said: LinkSaid) -> bool:
        """Leave a word of the link; False when there are too many."""
        if isinstance(said, Inbound) and self._queue.qsize() > INBOX_MAX:
            self.dropped += 1
            return False
        self._queue.put(said)
        return True

    def put(self, said: Said | Stop) -> None:
        """Leave a word of a worker; their number is bounded by what was asked of them."""
        self._queue.put(said)

    def take(self, timeout_s: float) -> LinkSaid | Said | Stop | None:
        """Wait for a word; None when there is none in time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._queue.empty()
