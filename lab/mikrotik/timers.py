"""Things that happen later: a heap of callbacks, run by whoever holds the clock."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_TIMERS = 1_000_000


@dataclass(order=True)
class Timer:
    """One callback and when it is due, on the monotonic clock."""

    due_us: int
    order: int
    act: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """Pending timers. `on_earlier` is told when the next due time moves forward."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._order = 0
        self.on_earlier: Callable[[], None] = lambda: None

    def at(self, due_us: int, act: Callable[[], None]) -> Timer:
        """Run `act` at this instant or soon after."""
        if len(self._heap) >= MAX_TIMERS:
            raise OverflowError("too many timers")
        self._order += 1
        timer = Timer(due_us, self._order, act)
        heapq.heappush(self._heap, timer)
        if self._heap[0] is timer:
            self.on_earlier()
        return timer

    def next_due_us(self) -> int | None:
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].due_us if self._heap else None

    def run_due(self, now_us: int) -> None:
        """Run everything due; what those callbacks add waits for the next call."""
        due: list[Timer] = []
        while self._heap and self._heap[0].due_us <= now_us:
            due.append(heapq.heappop(self._heap))
        for timer in due:
            if not timer.cancelled:
                timer.act()
