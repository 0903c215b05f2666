"""Rests in a long piece of work, so that whoever is in a hurry finds the interpreter free most of the time."""

from collections.abc import Callable
from typing import Final, Protocol

SLICE_US: Final = 1_000
"""Of processor time between two rests. A thread that wakes meanwhile waits this long at the very most."""
REST_FACTOR: Final = 9
"""Rests are so many times as long as the work before them: a pass takes four times its processor time."""
REST_MAX_US: Final = 20_000


class PaceClock(Protocol):
    """What a pace needs of the clock."""

    def thread_us(self) -> int:
        """Processor time of this thread."""

    def rest(self, pause_us: int) -> None:
        """Let the others work."""


class Pace:
    """Of one thread. Call `breathe` often; it rests when a slice is used up.

    Without it a fast change during a slow pass waits at every system call for the interpreter: some twenty times
    half a millisecond between the cloud's message and the router's answer.
    """

    def __init__(self, clock: PaceClock) -> None:
        self._thread_us: Callable[[], int] = clock.thread_us
        self._rest = clock.rest
        self._since_us = clock.thread_us()

    def breathe(self) -> None:
        """Rest, if enough was done since the last rest."""
        used_us = self._thread_us() - self._since_us
        if used_us >= SLICE_US:
            self._rest(min(used_us * REST_FACTOR, REST_MAX_US))
            self._since_us = self._thread_us()
