"""What the whole fleet counted: bytes, messages, refusals, and how long changes and connections took."""

import os
from collections import Counter, deque
from pathlib import Path
from typing import Any, Final

LAGS_KEPT: Final = 20_000
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Figures:
    """Shared by all agents of one process."""

    def __init__(self) -> None:
        self.bytes_down = 0
        self.bytes_up = 0
        self.heard: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.connects = 0
        self.failures: Counter[str] = Counter()
        """Connections that did not open or were lost, by reason."""
        self.lags_us: deque[int] = deque(maxlen=LAGS_KEPT)
        """From the cloud's `sent_at` of a change to our report that it is applied."""
        self.opens_us: deque[int] = deque(maxlen=LAGS_KEPT)

    def as_json(self) -> dict[str, Any]:
        """All figures; times in milliseconds."""
        return {
            "bytes_down": self.bytes_down, "bytes_up": self.bytes_up, "connects": self.connects,
            "heard": dict(self.heard), "said": dict(self.said), "refused": dict(self.refused),
            "failures": dict(self.failures.most_common(8)),
            "lag_ms": quantiles_ms(self.lags_us), "open_ms": quantiles_ms(self.opens_us),
        }  # fmt: skip


def quantiles_ms(lengths_us: deque[int]) -> dict[str, float]:
    """Median, 99th percentile and the longest, in milliseconds; empty of nothing."""
    if not lengths_us:
        return {}
    ordered = sorted(lengths_us)
    last = len(ordered) - 1
    wanted = {"p50": ordered[last // 2], "p99": ordered[last * 99 // 100], "max": ordered[-1]}
    return {name: round(length / 1_000, 1) for name, length in wanted.items()}


def resident_bytes() -> int:
    """Our resident memory now (Linux; 0 elsewhere)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
