"""Who was told to be online, and who should come online soon: so that both are told once per change."""

from typing import Final

OFFLINE_MAX: Final = 200
"""Told in one pass, so that a router's reboot does not flood the link; the next pass tells of more."""


class Presence:
    """Generations by entitlement. It begins empty: what was told before a restart is not told again."""

    def __init__(self) -> None:
        self._awaited: dict[str, int] = {}
        """Changed to full, or gone offline, and not seen since."""
        self._online: dict[str, tuple[int, int]] = {}
        """Told to be online: at which generation, and when."""
        self._told = 0

    def await_online(self, id_: str, generation: int) -> None:
        """Its next session is news."""
        self._online.pop(id_, None)
        self._awaited[id_] = generation

    def forget(self, id_: str) -> None:
        """Its sessions are no news: it is walled, off or gone."""
        self._online.pop(id_, None)
        self._awaited.pop(id_, None)

    def seen(self, id_: str, now_us: int) -> int | None:
        """Note a session; returns the generation to tell of, or None if nobody waits for it."""
        generation = self._awaited.pop(id_, None)
        if generation is not None:
            self._online[id_] = generation, now_us
        return generation

    def missed(self, id_: str, read_us: int) -> int | None:
        """Note that a reading showed no session; returns the generation to tell of, or None if it is no news.

        A reading that is older than the session says nothing.
        """
        generation, since_us = self._online.get(id_, (None, 0))
        if generation is None or since_us >= read_us or self._told >= OFFLINE_MAX:
            return None
        self._told += 1
        self.await_online(id_, generation)
        return generation

    def pass_ended(self) -> None:
        """The next pass may tell of as many again."""
        self._told = 0
