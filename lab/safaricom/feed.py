"""What happens, as it happens: payments and deliveries for whoever watches."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

WAITING_MAX = 1_000
WATCHERS_MAX = 50

Event = dict[str, Any]


class Feed:
    """Tells every watcher; a watcher who does not keep up loses the oldest."""

    def __init__(self) -> None:
        self._watchers: list[tuple[deque[Event], asyncio.Event]] = []

    def tell(self, event: str, **what: Any) -> None:
        """Tell what happened to everybody who watches now."""
        for waiting, bell in self._watchers:
            waiting.append({"event": event, **what})
            bell.set()

    async def watch(self) -> AsyncGenerator[Event, None]:
        """Everything from now on."""
        if len(self._watchers) >= WATCHERS_MAX:
            raise ValueError(f"{WATCHERS_MAX} are watching already; let one go first")
        watcher = deque[Event](maxlen=WAITING_MAX), asyncio.Event()
        self._watchers.append(watcher)
        waiting, bell = watcher
        try:
            while True:
                await bell.wait()
                bell.clear()
                while waiting:
                    yield waiting.popleft()
        finally:
            self._watchers.remove(watcher)
