"""A long wire: bytes come out later, in order, however many are under way; some are lost and sent again."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.control import ControlError

# What TCP waits before it sends a lost segment again, doubled for each further loss (Linux's least time-out).
RETRANSMIT_S = 0.2
# A new connection's first segment waits longer (RFC 6298).
HANDSHAKE_RETRANSMIT_S = 1.0
# With this many losses in a row a link is as good as dead; real TCP would go on for minutes.
MAX_LOSSES = 6


@dataclass(slots=True)
class Link:
    """The way between client and router: seconds for there and back, and the share of segments that get lost."""

    round_trip_s: float = 0.0
    loss: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311  # a run can be replayed

    @classmethod
    def of(cls, round_trip_s: float, loss: float, seed: int = 1) -> Link:
        """A checked link; ControlError says what makes no sense."""
        if not 0 <= loss < 1:
            raise ControlError(f"a loss of {loss} is not a share; say 0.05 for one in twenty")
        if round_trip_s < 0:
            raise ControlError(f"a round trip of {round_trip_s} s goes back in time; say 0 or more")
        return cls(round_trip_s, loss, random.Random(seed))  # noqa: S311  # a run can be replayed

    def one_way_s(self) -> float:
        """What one burst of bytes takes in one direction, with what was lost and sent again."""
        return self.round_trip_s / 2 + self._lost_s(RETRANSMIT_S)

    def handshakes_s(self, *, tls: bool) -> float:
        """What passes before a connection's first byte is here: TCP costs one round trip, TLS 1.2 two more, and
        then there is the byte's own way."""
        return self.round_trip_s * (3.5 if tls else 1.5) + self._lost_s(HANDSHAKE_RETRANSMIT_S)

    def _lost_s(self, timeout_s: float) -> float:
        waited_s = 0.0
        for _ in range(MAX_LOSSES):
            if not self.loss or self.chance.random() >= self.loss:
                break
            waited_s += timeout_s
            timeout_s *= 2
        return waited_s


class DelayLine:
    """One direction of one connection. Delay may change at any time; order is kept."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._deliver = deliver
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = 0.0
        self._at_end: Callable[[], object] | None = None
        self.size_bytes = 0

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
        self.size_bytes += len(data)
        if self._timer is None:
            self._arm()

    def finish(self, then: Callable[[], object]) -> None:
        """Call this once everything has come out."""
        self._at_end = then
        if not self._waiting:
            self._loop.call_soon(then)

    def close(self) -> None:
        """Drop what is under way."""
        self._waiting.clear()
        self.size_bytes = 0
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
            data = self._waiting.popleft()[1]
            self.size_bytes -= len(data)
            self._deliver(data)
        if self._waiting:
            if self._timer is None:
                self._arm()
        elif self._at_end is not None:
            self._at_end()
