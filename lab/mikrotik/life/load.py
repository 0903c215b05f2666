"""The load of the router's processor and memory: invented figures that move the way real ones do."""

import math
from collections.abc import Callable

from lab.mikrotik.store.tables import Tables

BASE_PERCENT = 3.0
# One write keeps one of four cores busy for some 10 ms, and the shown load fades over seconds.
PERCENT_PER_WRITE = 0.25
FADES_OVER_S = 3.0
BYTES_PER_ROW = 700
TOTAL_MEMORY = 1_073_741_824
FREE_MEMORY = 800_000_000
LEAST_FREE_MEMORY = 16_000_000


class Load:
    """cpu-load: a base, what writes add and time takes away, and what each session costs; `override` beats it."""

    def __init__(self, tables: Tables, now_us: Callable[[], int]) -> None:
        self._tables = tables
        self._now_us = now_us
        self._active = tables.get("/ppp/active")
        self.base_percent = BASE_PERCENT
        self.percent_per_write = PERCENT_PER_WRITE
        self.percent_per_thousand_sessions = 4.0
        self.override: int | None = None
        self._level = 0.0
        self._at_us = 0

    def write(self) -> None:
        """Somebody wrote."""
        self._level = self._faded() + self.percent_per_write
        self._at_us = self._now_us()

    def percent(self) -> int:
        """As /system/resource shows it."""
        if self.override is not None:
            return self.override
        sessions = self.percent_per_thousand_sessions * len(self._active) / 1_000
        return min(100, round(self.base_percent + self._faded() + sessions))

    def free_memory(self) -> int:
        """Bytes; every row of every table takes some."""
        rows = sum(map(len, self._tables))
        return max(LEAST_FREE_MEMORY, FREE_MEMORY - rows * BYTES_PER_ROW)

    def reboot(self) -> None:
        self._level = 0.0

    def _faded(self) -> float:
        return self._level * math.exp(-(self._now_us() - self._at_us) / 1_000_000 / FADES_OVER_S)
