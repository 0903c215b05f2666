"""A loop that works while there is work, sleeps until it is woken, and outlives the database's absences."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cloud.db import failures
from cloud.ports import Clock

CONFLICTS_MAX = 5
"""Transactions that met are run again at once so many times in a row; then they wait like an outage."""

_log = logging.getLogger(__name__)


class Loop:
    """Runs `step` again as long as it says that there may be more; then waits for `wake` or the next tick.

    A conflict with another transaction is tried again at once, an outage after a pause with full jitter. Any other
    error is a bug: it ends the loop, and with it the process.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        *,
        clock: Clock,
        random_below: Callable[[int], int],
        tick_s: float = 1.0,
    ) -> None:
        self._name = name
        self._step = step
        self._clock = clock
        self._random_below = random_below
        self._tick_s = tick_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Work now; call it from the loop's own thread."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        failed = 0
        while True:
            self._woken.clear()
            try:
                more = await self._step()
            except failures.DatabaseError as error:
                failed += 1
                await self._recover(error, failed)
                continue
            failed = 0
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._tick_s):
                        await self._woken.wait()

    async def _recover(self, error: Exception, failed: int) -> None:
        if failures.is_conflict(error):
            if failed > CONFLICTS_MAX:
                await self._clock.sleep(failures.pause_s(failed, self._random_below))
        elif failures.is_outage(error):
            _log.warning("the database is away", extra={"loop": self._name, "error": type(error).__name__})
            await self._clock.sleep(failures.pause_s(failed, self._random_below))
        else:
            raise error
