"""What happened at a simulated part: numbered, bounded, to be listed or followed live."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from lab.clock import Clock

KEPT_MAX = 100_000
FOLLOWERS_MAX = 100
BEHIND_MAX = 10_000
"""A follower who reads no faster loses what he is behind; the numbers show the gap."""


class Events:
    """Numbers only grow; the oldest entries fall off."""

    def __init__(self, clock: Clock, kept_max: int = KEPT_MAX) -> None:
        self._clock = clock
        self._kept: deque[dict[str, Any]] = deque(maxlen=kept_max)
        self._followers: set[asyncio.Queue[dict[str, Any]]] = set()
        self.in_all = 0

    def note(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Keep one event, and tell whoever follows."""
        self.in_all += 1
        event = {"n": self.in_all, "at_us": self._clock.now_us(), "kind": kind, **facts}
        self._kept.append(event)
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        return event

    def after(self, number: int = 0, kind: str | None = None) -> list[dict[str, Any]]:
        """What happened after `number`, of one kind or all."""
        return [event for event in self._kept if event["n"] > number and kind in (None, event["kind"])]

    async def follow(self, kind: str | None = None) -> AsyncGenerator[dict[str, Any], None]:
        """Yield what happens from now on, for ever. Raises ValueError when too many follow already."""
        if len(self._followers) >= FOLLOWERS_MAX:
            raise ValueError(f"{FOLLOWERS_MAX} follow already; let one of them go")
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(BEHIND_MAX)
        self._followers.add(queue)
        try:
            while True:
                event = await queue.get()
                if kind in (None, event["kind"]):
                    yield event
        finally:
            self._followers.discard(queue)
