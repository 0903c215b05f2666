"""One PostgreSQL cluster in a folder of ours: made, started, looked at and stopped with PostgreSQL's own programs.

Nobody else gets in: SCRAM with generated passwords, a socket in a folder of mode 0700, no TCP.
"""

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from cloud.embedded import binaries, osuser
from cloud.embedded.errors import EmbeddedError
from cloud.embedded.files import make_folder, write_secret
from cloud.embedded.osuser import OsUser

DATABASE = "mnara"
LOGIN = "mnara"
SUPERUSER = "postgres"
_SOCKET_DIR_BYTES_MAX = 90
"""A socket's path may have 107 bytes, and PostgreSQL adds `/.s.PGSQL.5432.lock`."""
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30
_ANSWER_TRIES = 60
_FALLBACK_HOME = Path("/var/lib/mnara")
"""Where root keeps a cluster whose data folder the server's user cannot enter."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than any query here takes
    "io_method": "sync",  # no idle I/O workers on a small machine
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",  # seven files that overwrite each other: bounded
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
    "log_min_error_statement": "panic",  # statements hold names and phone numbers
    "log_parameter_max_length_on_error": "0",
}
"""fsync, full_page_writes and synchronous_commit stay on, as PostgreSQL has them."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the cluster lives and who runs it. All methods block: call them from a thread."""

    home: Path
    user: OsUser
    programs: Path

    @property
    def folder(self) -> Path:
        """Return PostgreSQL's own data folder."""
        return self.home / "cluster"

    def url(self) -> str:
        """Return the address by which the cloud connects (a secret)."""
        password = self._passwords()[LOGIN]
        return f"postgresql://{LOGIN}:{password}@/{DATABASE}?host={quote(str(self._socket_dir()), safe='')}"

    def prepare(self) -> None:
        """Make the cluster if it is not there yet."""
        version = self.folder / "PG_VERSION"
        if not version.exists():
            self._initialise()
        found = version.read_text().strip()
        if found != str(binaries.MAJOR):
            raise EmbeddedError(
                f"{self.folder} belongs to PostgreSQL {found}, and PostgreSQL {binaries.MAJOR} is installed. "
                "Install the release that made it and move the data with pg_dump."
            )

    def start(self) -> None:
        """Start the server, or take over one that runs, and wait until it answers."""
        if self.running_pid() is None:
            self._clear_dead()
            self._launch()
        self._ensure_database()

    def _launch(self) -> None:
        socket_dir = self._make_socket_dir()
        settings = _SETTINGS | {"unix_socket_directories": '"' + str(socket_dir).replace('"', '""') + '"'}
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        log = self.folder / "log" / "start.log"
        make_folder(log.parent, 0o700, self.user)
        self._run("pg_ctl", "-D", self.folder, "-l", log, "-o", options, "-w", "-t", str(_START_TIMEOUT_S), "start")

    def stop(self) -> None:
        """Stop the server: sessions are ended, everything committed stays."""
        if self.running_pid() is not None:
            self._run("pg_ctl", "-D", self.folder, "-m", "fast", "-w", "-t", str(_STOP_TIMEOUT_S), "stop")

    def running_pid(self) -> int | None:
        """Return the postmaster's pid if it lives. A zombie or a stranger with the same pid does not count."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _works_in(pid, self.folder) else None

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: one cut off half-way is made again."""
        draft = self.home / "cluster.draft"
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(draft, 0o700, self.user)
        passwords = {SUPERUSER: secrets.token_hex(24), LOGIN: secrets.token_hex(24)}
        write_secret(self.home / "passwords.json", json.dumps(passwords))
        handed = self.home / "initdb.password"
        write_secret(handed, passwords[SUPERUSER] + "\n")
        self.user.own(handed)
        try:
            self._run(
                "initdb", "-D", draft, "--username", SUPERUSER, "--pwfile", handed, "--auth", "scram-sha-256",
                "--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8", "--no-instructions",
            )  # fmt: skip
        finally:
            handed.unlink()
        # Whatever initdb's default would be, this is the whole list of who may come in.
        (draft / "pg_hba.conf").write_text("local all all scram-sha-256\n")
        draft.rename(self.folder)

    def _ensure_database(self) -> None:
        """Make the login and the database once; both are looked for, so a start cut off half-way is finished here."""
        passwords = self._passwords()
        with self._as_superuser(passwords[SUPERUSER]) as connection:
            if connection.execute("select 1 from pg_roles where rolname = %s", [LOGIN]).fetchone() is None:
                statement = "create role {} login createrole password {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(LOGIN), sql.Literal(passwords[LOGIN])))
                # A role that LOGIN makes (owner, app, worker) is one it may then act as.
                connection.execute(f"alter role {LOGIN} set createrole_self_grant = 'set, inherit'")
            if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"create database {DATABASE} owner {LOGIN}")
                connection.execute(f"revoke all on database {DATABASE} from public")

    @retry(
        retry=retry_if_exception_type(psycopg.OperationalError),
        stop=stop_after_attempt(_ANSWER_TRIES),
        wait=wait_fixed(0.25),
        reraise=True,
    )
    def _as_superuser(self, password: str) -> psycopg.Connection[Any]:
        """Connect; a server taken over may still be recovering from its crash."""
        socket_dir = str(self._socket_dir())
        return psycopg.connect(
            host=socket_dir, user=SUPERUSER, password=password, dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _passwords(self) -> dict[str, str]:
        return dict(json.loads((self.home / "passwords.json").read_text()))

    def _socket_dir(self) -> Path:
        return Path((self.home / "socket_dir").read_text())

    def _make_socket_dir(self) -> Path:
        folder = self.home / "socket"
        if len(os.fsencode(folder)) > _SOCKET_DIR_BYTES_MAX:
            folder = self._short_socket_dir()
        make_folder(folder, 0o700, self.user)
        (self.home / "socket_dir").write_text(str(folder))
        return folder

    def _short_socket_dir(self) -> Path:
        """Return the private folder made before if it is still ours, or make one: /tmp gets cleaned, and strangers
        write there."""
        try:
            known = self._socket_dir()
            if (
                known.lstat().st_uid == self.user.uid
                and known.parent == Path(tempfile.gettempdir())
                and not known.is_symlink()
            ):
                return known
        except OSError:
            pass
        made = Path(tempfile.mkdtemp(prefix="mnara-"))
        self.user.own(made)
        return made

    def _clear_dead(self) -> None:
        """End what a killed postmaster left behind and remove its lock files; PostgreSQL mistakes a zombie for a live
        one."""
        for entry in Path("/proc").glob("[0-9]*"):
            if _works_in(int(entry.name), self.folder):
                os.kill(int(entry.name), signal.SIGKILL)
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        if (self.home / "socket_dir").exists():
            for leftover in self._socket_dir().glob(".s.PGSQL.*"):
                leftover.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(  # programs of the wheel, arguments of ours
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal must reach us, not the database
            **self.user.as_arguments(),
        )
        if done.returncode:
            tail = " / ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-3:])
            raise EmbeddedError(f"{program} failed: {tail}. Its log is in {self.folder / 'log'}.")


def open_cluster(data: Path) -> Cluster:
    """Choose user, place and programs for the data folder's cluster. Blocks."""
    user = osuser.choose()
    home = data / "postgres"
    if not user.can_enter(data):
        home = _FALLBACK_HOME / sha256(os.fsencode(data.resolve())).hexdigest()[:16]
        make_folder(_FALLBACK_HOME, 0o755)
    # The server's user passes through; every secret inside is closed by its own mode.
    make_folder(home, 0o711 if user.switch else 0o700)
    if not user.can_enter(home):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and its user cannot enter {home}. "
            "Choose a data folder that everybody may pass through, or set MNARA_CLOUD_DATABASE_URL."
        )
    return Cluster(home, user, binaries.find_programs(user, home / "programs"))


def _works_in(pid: int, folder: Path) -> bool:
    """Tell whether a live process works in the folder, as PostgreSQL's do. A zombie has no working folder."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False
