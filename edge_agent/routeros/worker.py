"""One router's worker: the fast road and the slow road, each a thread with a session of its own.

A dead router delays nobody but its own worker.
"""

from collections.abc import Iterable

from edge_agent.routeros.fast import FastRoad
from edge_agent.routeros.said import Shared
from edge_agent.routeros.slow import SlowRoad

_JOIN_S = 3.0


class RouterWorker:
    """Started once there is a desired state to hold the router to."""

    def __init__(self, shared: Shared, *, pass_every_s: float) -> None:
        self._claims = shared.claims
        self._slow = SlowRoad(shared, pass_every_s)
        self._fast = FastRoad(shared, self._slow.ask)
        self.started = False

    def start(self) -> None:
        """Connect, and make the first whole pass."""
        if not self.started:
            self.started = True
            self._slow.thread.start()
            self._fast.thread.start()

    def submit(self, ids: Iterable[str]) -> None:
        """Have these entitlements' rows put right now."""
        self._fast.submit(ids)

    def defer(self, ids: Iterable[str], reason: str) -> None:
        """Leave many changes to a whole pass, which is cheaper than chunk after chunk."""
        self._claims.touch(ids)
        self._slow.ask(reason)

    def ask_for_pass(self, reason: str) -> None:
        """Have everything read and put right."""
        self._slow.ask(reason)

    def stop(self) -> None:
        """End both threads; waits a little for the wave they are in."""
        self._fast.stop()
        self._slow.stop()
        if self.started:
            self._fast.thread.join(_JOIN_S)
            self._slow.thread.join(_JOIN_S)

    def list_dead(self) -> list[str]:
        """Name the threads that ended by themselves: a bug."""
        threads = (self._fast.thread, self._slow.thread)
        return [thread.name for thread in threads if self.started and not thread.is_alive()]
