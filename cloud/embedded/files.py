"""Folders and secret files, closed before anything is in them."""

import json
import os
from pathlib import Path
from typing import Any

from cloud.embedded.osuser import OsUser


def make_folder(folder: Path, mode: int, user: OsUser | None = None) -> None:
    """Make a folder with this mode and owner; one that is already there is left as it is."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    folder.chmod(mode)
    if user is not None:
        user.own(folder)


def write_secret(path: Path, text: str) -> None:
    """Replace a file that only we may read, durably: there is never half of it."""
    _replace(path, text, 0o600)


def write_json(path: Path, value: dict[str, Any], mode: int = 0o644) -> None:
    """Replace a JSON file, durably: a reader sees the old one or the new one."""
    _replace(path, json.dumps(value, indent=1) + "\n", mode)


def _replace(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
