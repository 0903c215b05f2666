"""Waiting with a limit: look again and again until what is seen is good, or say what was seen last."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from lab.errors import NotSeen, Refused

Seen = TypeVar("Seen")

# While a program starts, dies or restarts, its doors refuse, reset or answer 503: looking again is the point here.
_PASSING = (OSError, httpx.TransportError, Refused)


async def until(
    what: str,
    look: Callable[[], Awaitable[Seen]],
    good: Callable[[Seen], bool],
    *,
    limit_s: float,
    every_s: float = 0.05,
) -> Seen:
    """Return the first thing seen that is good; raise NotSeen after `limit_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    last: object = "nothing"
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                seen = await look()
        except TimeoutError as error:
            raise NotSeen(what, limit_s, f"no answer (before that: {last})") from error
        except _PASSING as error:
            last = f"{type(error).__name__}: {error}"
        else:
            if good(seen):
                return seen
            last = seen
        if loop.time() + every_s >= deadline:
            raise NotSeen(what, limit_s, last)
        await asyncio.sleep(every_s)
