"""The one processor that answers: what an answer costs when prints are slow or the load is high."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# One row looked at costs a tenth of one row sent: 1,880 rows took a hEX 1.2 s to send and 0.119 s to look through.
SCANS_PER_ROW = 10
# A command on an idle router, as planned with (nobody published a figure), and the most that load may stretch it by.
COMMAND_S = 0.002
MAX_STRETCH = 100


class Clerk:
    """Everything costs nothing unless the fault `slow-print` or `cpu-load` is armed; then answers wait in one line."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._busy_until = 0.0

    @property
    def hurried(self) -> bool:
        """True when nothing costs anything."""
        faults = self._router.faults
        return faults.find("slow-print") is None and faults.find("cpu-load") is None

    def command_s(self) -> float:
        """What one more command waits, its own work included."""
        load = self._router.faults.find("cpu-load")
        return 0.0 if load is None else self._take(COMMAND_S * self._stretch())

    def rows_s(self, sent: int, scanned: int = 0) -> float:
        """What sending rows waits, and looking through others."""
        slow = self._router.faults.find("slow-print")
        if slow is None:
            return 0.0
        return self._take((sent + scanned / SCANS_PER_ROW) / max(1, slow.rows_per_s) * self._stretch())

    def _stretch(self) -> float:
        load = self._router.faults.find("cpu-load")
        if load is None:
            return 1.0
        return min(MAX_STRETCH, 100 / max(1, 100 - load.percent))

    def _take(self, work_s: float) -> float:
        now = asyncio.get_running_loop().time()
        self._busy_until = max(now, self._busy_until) + work_s
        return self._busy_until - now
