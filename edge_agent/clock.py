"""The only home of time, randomness and new ids in the agent; everything else is given them."""

import ctypes
import os
import random
import time
import uuid
from pathlib import Path

_ADJTIMEX_BYTES = 256
"""More than struct timex is on any Linux; only the return value is read."""
_CLOCK_UNSYNCHRONISED = 5


class Clock:
    """The machine's clocks. `boot_us` runs through suspend and never jumps; `wall_us` is what the system believes."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()

    def boot_us(self) -> int:
        """Microseconds since the machine booted, suspend included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def thread_us(self) -> int:
        """Microseconds of processor time that this thread has used."""
        return time.thread_time_ns() // 1000

    def rest(self, pause_us: int) -> None:
        """Let other threads work for a moment: milliseconds, so nothing waits for it to end."""
        time.sleep(pause_us / 1e6)

    def wall_us(self) -> int:
        """The system's idea of microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000

    def wall_is_synchronised(self) -> bool:
        """Whether the kernel says that NTP disciplines the system clock."""
        try:
            libc = ctypes.CDLL(None)
            state = int(libc.adjtimex(ctypes.create_string_buffer(_ADJTIMEX_BYTES)))
        except (OSError, AttributeError):
            return False
        return 0 <= state < _CLOCK_UNSYNCHRONISED

    def boot_id(self) -> str:
        """Name this boot of the machine; the same over restarts of the agent."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return f"pid-{os.getppid()}"

    def new_id(self) -> str:
        """Make an id that nobody else has."""
        return uuid.uuid4().hex
