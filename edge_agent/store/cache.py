"""diskcache, set up so that a commit is a commit: plain text, fsync, nothing evicted, no side files."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import diskcache
from diskcache import Disk
from diskcache.core import MODE_RAW, UNKNOWN

_DATABASE: Final = "cache.db"
_BUSY_TIMEOUT_S: Final = 10
_PAGES: Final = 256
"""SQLite's own cache, 1 MiB: its default of 8,192 pages would take half of the agent's memory."""


class TextDisk(Disk):  # type: ignore[misc]  # diskcache ships no types
    """Keys and values are stored as the text they are: no pickle, no compression, no files beside the database."""

    def put(self, key: object) -> tuple[str, bool]:
        """Write a key."""
        if not isinstance(key, str):
            raise TypeError("keys are text")
        return key, True

    def get(self, key: str, raw: bool) -> str:  # noqa: ARG002, FBT001  # diskcache's signature
        """Read a key."""
        return key

    def store(self, value: object, read: bool, key: object = UNKNOWN) -> tuple[int, int, None, str]:  # noqa: ARG002, FBT001 - diskcache's signature
        """Write a value."""
        if not isinstance(value, str):
            raise TypeError("values are JSON text")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: int, filename: object, value: str, read: bool) -> str:  # noqa: ARG002, FBT001 - diskcache's signature
        """Read a value."""
        return value


class TextCache:
    """A table of texts. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._cache: Any = diskcache.Cache(
            str(folder),
            timeout=_BUSY_TIMEOUT_S,
            disk=TextDisk,
            eviction_policy="none",
            cull_limit=0,
            statistics=0,
            size_limit=1 << 40,
            sqlite_synchronous=2,
            sqlite_journal_mode="wal",
            sqlite_auto_vacuum=0,
            sqlite_cache_size=_PAGES,
            sqlite_mmap_size=0,
        )

    @contextmanager
    def transact(self) -> Iterator[None]:
        """Everything inside is committed and fsynced together, or not at all."""
        with self._cache.transact():
            yield

    def find(self, key: str) -> str | None:
        """Return a value, or None."""
        found: str | None = self._cache.get(key)
        return found

    def set(self, key: str, value: str) -> None:
        """Write a value."""
        self._cache.set(key, value)

    def delete(self, key: str) -> None:
        """Delete a value; nothing when there is none."""
        self._cache.delete(key)

    def list_keys(self) -> list[str]:
        """Return every key, in order."""
        return list(self._cache.iterkeys())

    def close(self) -> None:
        """Close the database."""
        self._cache.close()


def is_sound(folder: Path) -> bool:
    """Whether the database is absent or whole, as SQLite itself checks it."""
    path = folder / _DATABASE
    if not path.exists():
        return True
    try:
        connection = sqlite3.connect(path)
        try:
            answer = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return False
    return bool(answer) and answer[0] == "ok"
