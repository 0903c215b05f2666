"""The status file of a running agent: in memory-backed storage, so that it costs no disk writes."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

REFRESH_US: Final = 2_000_000


def runtime_folder(data: Path, setting: Path | None) -> Path:
    """Return where the status of the agent of this data folder is: by setting, /run, or shared memory."""
    if setting is not None:
        return setting
    base = Path(os.environ.get("RUNTIME_DIRECTORY") or os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm")  # noqa: S108 - memory-backed
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    return base / f"mnara-agent-{os.getuid()}-{name}"


class StatusFile:
    """Written by the running agent, read by `mnara-agent status`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "status.json"
        self._due_us = 0

    def refresh(self, now_us: int, make: Callable[[], dict[str, Any]]) -> None:
        """Write it if the last one is older than two seconds."""
        if now_us < self._due_us:
            return
        self._due_us = now_us + REFRESH_US
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({**make(), "pid": os.getpid()}))
        draft.replace(self._path)

    def find(self) -> dict[str, Any] | None:
        """Return the status of the running agent, or None if there is none."""
        try:
            status: dict[str, Any] = json.loads(self._path.read_text())
            os.kill(status["pid"], 0)
        except (OSError, ValueError, KeyError):
            return None
        return status

    def remove(self) -> None:
        """The agent stops."""
        self._path.unlink(missing_ok=True)
