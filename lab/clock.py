"""The one home of time for the lab: everything else is given a clock, so that a test can hold the hands."""

import asyncio
import heapq
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

Result = TypeVar("Result")
_TURNS = 50  # of the event loop given to whoever was woken, before the hands move on


class Clock(Protocol):
    """Wall clock for what people compare, monotonic clock for what lasts."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds of a clock that never jumps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1_000


class HeldClock:
    """Hands that only `advance` moves; whoever sleeps by it wakes when they pass."""

    def __init__(self, now_us: int) -> None:
        self._started_us = self._now_us = now_us
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._beds = 0

    def now_us(self) -> int:
        return self._now_us

    def monotonic_us(self) -> int:
        return self._now_us - self._started_us

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands have moved on by so much; not at all for nothing."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._beds += 1
        bed = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_us + int(seconds * 1_000_000), self._beds, bed))
        await bed

    async def advance(self, seconds: float) -> None:
        """Move the hands, waking one sleeper after the other at his own instant."""
        until_us = self._now_us + int(seconds * 1_000_000)
        await self._breathe()
        while self._sleepers and self._sleepers[0][0] <= until_us:
            due_us, _, bed = heapq.heappop(self._sleepers)
            if not bed.done():  # a cancelled sleeper is no reason to stop the hands
                self._now_us = max(self._now_us, due_us)
                bed.set_result(None)
                await self._breathe()
        self._now_us = until_us

    @staticmethod
    async def _breathe() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)


async def sleep(clock: Clock, seconds: float) -> None:
    """Sleep by a clock: by the hands of a held one, else by the event loop."""
    await (clock.sleep(seconds) if isinstance(clock, HeldClock) else asyncio.sleep(seconds))


async def within(clock: Clock, seconds: float, work: Awaitable[Result]) -> Result:
    """Return what the work gives, or raise TimeoutError when the clock is first; the work is then cancelled."""
    if not isinstance(clock, HeldClock):
        async with asyncio.timeout(seconds):
            return await work
    worker = asyncio.ensure_future(work)
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({worker, limit}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            raise TimeoutError
        return worker.result()
    finally:
        for each in (worker, limit):
            each.cancel()
