"""A delay line: bytes come out later, in order, however many are under way (a long wire, not a slow clerk)."""

import asyncio
from collections import deque
from collections.abc import Callable


class DelayLine:
    """One direction of one connection. Delay may change at any time; order is kept."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._deliver = deliver
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = 0.0

    @property
    def empty(self) -> bool:
        return not self._waiting

    def hold(self, delay_s: float) -> None:
        """Nothing comes out before this much time has passed (the handshakes of a new connection)."""
        self._held_until = self._loop.time() + delay_s

    def push(self, data: bytes, delay_s: float) -> None:
        """Send bytes in at one end."""
        now = self._loop.time()
        due = max(now + delay_s, self._held_until)
        if due <= now and not self._waiting:
            self._deliver(data)
            return
        if self._waiting:
            due = max(due, self._waiting[-1][0])
        self._waiting.append((due, data))
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Drop what is under way."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._loop.call_at(self._waiting[0][0], self._release)

    def _release(self) -> None:
        self._timer = None
        now = self._loop.time()
        # 0.1 ms of slack: asyncio may wake a hair early.
        while self._waiting and self._waiting[0][0] <= now + 0.0001:
            self._deliver(self._waiting.popleft()[1])
        if self._waiting:
            self._arm()
