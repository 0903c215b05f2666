"""Clocks that tests set."""

import asyncio
from datetime import datetime, timedelta


class SetClock:
    """A clock that stands still until it is moved; sleeping yields and adds to `slept_s`."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await asyncio.sleep(0.01)

    def move(self, by: timedelta) -> None:
        self._now += by
