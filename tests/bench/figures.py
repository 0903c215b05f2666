"""What every bench prints: percentiles, a table with limits beside it, and the machine's own limits."""

import asyncio
import contextlib
import json
import math
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest measured value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a bench's table. `limit` is what must not be exceeded, None for what is only shown."""

    what: str
    figure: float
    unit: str = "ms"
    limit: float | None = None

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"≤ {self.limit:g} {self.unit}"
        judged = "" if self.limit is None else ("held" if self.figure <= self.limit else "MISSED")
        return f"{self.what:<66} {self.figure:>10.2f} {self.unit:<6} {limit:>12}  {judged}"


def show(title: str, rows: Sequence[Row], figures: dict[str, float]) -> None:
    """Print the table, and the figures as the last line."""
    print(f"\n{title}")
    for row in rows:
        print(row)
    print(json.dumps(figures), flush=True)


class CpuWait:
    """How long something was ready to run and had no core, by the kernel's pressure file: ours and others' alike."""

    _FILE = Path("/proc/pressure/cpu")

    def __init__(self) -> None:
        self._start_us, self._start = self._waited_us(), time.monotonic()

    def percent(self) -> float:
        """Share of the time since the start; 0 where the kernel does not tell."""
        elapsed_us = (time.monotonic() - self._start) * 1e6
        return 100 * (self._waited_us() - self._start_us) / elapsed_us if elapsed_us else 0.0

    def _waited_us(self) -> int:
        if not self._FILE.exists():
            return 0
        return int(self._FILE.read_text().split("total=", 1)[1].split()[0])


async def machine_rows() -> list[Row]:
    """What this machine can do at best: every figure above is to be read beside these."""
    return [
        Row("this machine: cores", float(os.cpu_count() or 1), ""),
        Row("this machine: loopback TCP round trip, p50", await _loopback_ms()),
        Row("this machine: 4 KiB write and fsync, p50", _fsync_ms()),
    ]


async def _loopback_ms(rounds: int = 500) -> float:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # the bench ends before this does
            while chunk := await reader.read(64):
                writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        writer.write(b"x")
        await reader.read(64)
        took.append((time.perf_counter() - start) * 1000)
    writer.close()
    await writer.wait_closed()
    server.close()
    return percentile(took, 0.5)


def _fsync_ms(rounds: int = 50) -> float:
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    return percentile(took, 0.5)
