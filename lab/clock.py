"""The one home of time for the lab: everything else is given a clock, so that a test can hold the hands."""

import time
from typing import Protocol


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
