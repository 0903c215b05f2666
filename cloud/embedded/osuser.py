"""Which operating system user runs PostgreSQL: ourselves, or a system user of our own when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.embedded.errors import EmbeddedError

SYSTEM_USER = "mnara"
"""Made on first use when we are root. Not `nobody`: other services run as that user and could read our files."""

_USERADD = (
    "--system",
    "--no-create-home",
    "--home-dir",
    "/nonexistent",
    "--shell",
    "/usr/sbin/nologin",
    "--user-group",
)


@dataclass(frozen=True, slots=True)
class OsUser:
    """Who runs the server. `switch` is true when we are root and must become somebody else."""

    uid: int
    gid: int
    switch: bool

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of `subprocess` that start a program as this user and no other group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give this user a file or folder that we made."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user may reach into a folder; asked of the kernel, as that user."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        probe = ["/usr/bin/test", "-x", str(folder)]
        return subprocess.run(probe, check=False, cwd="/", **self.as_arguments()).returncode == 0  # fixed program


def choose() -> OsUser:
    """Return who shall run the server; as root, make the system user if it is missing."""
    if os.geteuid() != 0:
        return OsUser(os.geteuid(), os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_system_user()
    if entry.pw_uid == 0:
        raise EmbeddedError(
            f"the user `{SYSTEM_USER}` is root. Give it a uid of its own, or set MNARA_CLOUD_DATABASE_URL."
        )
    return OsUser(entry.pw_uid, entry.pw_gid, switch=True)


def _make_system_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    advice = f"Run as an ordinary user, make a system user `{SYSTEM_USER}`, or set MNARA_CLOUD_DATABASE_URL."
    if useradd is None:
        raise EmbeddedError(f"PostgreSQL does not run as root, and there is no useradd to make a user for it. {advice}")
    made = subprocess.run([useradd, *_USERADD, SYSTEM_USER], check=False, capture_output=True, text=True)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        raise EmbeddedError(
            f"useradd could not make the user `{SYSTEM_USER}`: {made.stderr.strip()}. {advice}"
        ) from error
