"""Which process runs what is embedded: the first that takes the data folder's lock; when it dies, the next.

`runtime.json` tells everybody else where things are; `database.url`, which holds a password, only this user.
"""

import asyncio
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from cloud.embedded.files import make_folder, write_json, write_secret

_TRY_EVERY_S = 0.25


class DataFolder:
    """The cloud's data folder and its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: int | None = None

    @property
    def owned(self) -> bool:
        """Tell whether the lock is ours."""
        return self._lock is not None

    def prepare(self) -> None:
        """Make the folder. As root others may pass through it (PostgreSQL's user must), but list nothing."""
        make_folder(self.path, 0o711 if os.geteuid() == 0 else 0o700)

    def try_own(self) -> bool:
        """Take the lock if nobody lives who has it; it is let go by the kernel, however we end."""
        if self._lock is not None:
            return True
        # Python's descriptors are closed in child programs, so no surviving PostgreSQL can keep the lock.
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    async def wait_to_own(self) -> None:
        """Keep trying until the lock is ours."""
        while True:
            if self.try_own():
                return
            await asyncio.sleep(_TRY_EVERY_S)

    def let_go(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read_runtime(self) -> dict[str, Any]:
        """Return what is known to run; empty when nothing was written yet."""
        try:
            return dict(json.loads((self.path / "runtime.json").read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def write_runtime(self, **facts: Any) -> None:
        """Add facts to what others read; a fact that is None is taken away."""
        merged = {name: value for name, value in (self.read_runtime() | facts).items() if value is not None}
        write_json(self.path / "runtime.json", merged)

    def write_database_url(self, url: str) -> None:
        """Leave the embedded database's address for the other processes of this user."""
        write_secret(self.path / "database.url", url)

    async def wait_for_database_url(self) -> str:
        """Return the embedded database's address as soon as its owner has left it."""
        while True:
            try:
                return (self.path / "database.url").read_text()
            except FileNotFoundError:
                await asyncio.sleep(_TRY_EVERY_S)
