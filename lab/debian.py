"""Debian's own PostgreSQL 15 and mosquitto, started for a test in folders of their own and stopped after it."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
START_LIMIT_S = 20.0
LOOK_EVERY_S = 0.05
_TUNING = ("listen_addresses=", "shared_buffers=64MB", "max_connections=60")


class MissingPackage(RuntimeError):
    """A Debian package is not installed; the message names it and says what to do."""


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not on this machine."""
    missing = []
    if not (POSTGRES_PROGRAMS / "initdb").exists():
        missing.append("postgresql-15")
    if mosquitto_program() is None:
        missing.append("mosquitto")
    return missing


def mosquitto_program() -> str | None:
    """Find mosquitto also where an ordinary user's PATH does not look."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def require_packages() -> None:
    """Raise MissingPackage with one sentence of what is missing and one of what to do."""
    missing = missing_packages()
    if missing:
        names = " ".join(missing)
        raise MissingPackage(f"Debian's {names} is not installed. Run: apt-get install {names}")


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return "postgres" if os.geteuid() == 0 else None


class DebianPostgres:
    """One cluster in one folder, reachable by its own Unix socket only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of an empty database owned by an ordinary role that may create roles."""
        return self.database_url("mnara")

    def database_url(self, name: str) -> str:
        """Return the address of a database by name."""
        return f"postgresql://mnara:{self.password}@/{name}?host={self.folder}&port=5432"

    @property
    def pid(self) -> int:
        """Return the postmaster's process id, for whoever wants to kill it."""
        assert self._server is not None
        return self._server.pid

    def create(self) -> None:
        """Make the cluster, its role and its database."""
        self.folder.mkdir(mode=0o700, parents=True)
        if user := _unprivileged():
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "--auth=peer", "-E", "UTF8", "--no-sync")
        rules = "local all postgres peer map=any\nlocal all all scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules)
        (data / "pg_ident.conf").write_text("any /^.*$ postgres\n")
        self.start()
        self._sql(f"create role mnara login createrole createdb password '{self.password}'")
        self._sql("create database mnara owner mnara")

    def start(self) -> None:
        """Start the postmaster and wait until it answers."""
        options = [part for setting in _TUNING for part in ("-c", setting)]
        data, socket_folder = str(self.folder / "data"), str(self.folder)
        command = [str(POSTGRES_PROGRAMS / "postgres"), "-D", data, "-k", socket_folder, *options]
        log = (self.folder / "log").open("ab")
        self._server = subprocess.Popen(command, stdout=log, stderr=log, user=_unprivileged(), cwd="/")
        _look_until(self._answers, f"PostgreSQL 15 did not start; read {self.folder / 'log'}")

    def stop(self) -> None:
        """Stop it fast but cleanly."""
        if self._server and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(START_LIMIT_S)

    def kill(self) -> None:
        """Kill the postmaster as a power cut would; its children notice and die."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(START_LIMIT_S)

    def _answers(self) -> bool:
        return self._client("select 1").returncode == 0

    def _sql(self, statement: str) -> None:
        self._client(statement).check_returncode()

    def _client(self, statement: str) -> subprocess.CompletedProcess[bytes]:
        command = [
            str(POSTGRES_PROGRAMS / "psql"),
            "-h",
            str(self.folder),
            "-U",
            "postgres",
            "-qc",
            statement,
            "postgres",
        ]
        return subprocess.run(command, capture_output=True, user=_unprivileged(), cwd="/", check=False)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [POSTGRES_PROGRAMS / program, *arguments], check=True, capture_output=True, user=_unprivileged(), cwd="/"
        )


@contextmanager
def debian_postgres(folder: Path) -> Iterator[DebianPostgres]:
    """Run a fresh PostgreSQL 15 in `folder`, which must not exist yet."""
    server = DebianPostgres(folder)
    server.create()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def debian_mosquitto(configuration: Path, port: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run mosquitto with a configuration made by `mnara-cloud broker conf`, and wait until it listens on `port`."""
    program = mosquitto_program()
    assert program is not None, "call require_packages first"
    with log.open("ab") as output:
        server = subprocess.Popen([program, "-c", configuration], stdout=output, stderr=output)
        try:
            _look_until(lambda: listens("127.0.0.1", port), f"mosquitto does not listen on port {port}; read {log}")
            yield server
        finally:
            server.terminate()
            server.wait(START_LIMIT_S)


def listens(host: str, port: int) -> bool:
    """Tell whether something accepts connections there."""
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def _look_until(seen: Callable[[], bool], complaint: str) -> None:
    pause = threading.Event()
    for _ in range(int(START_LIMIT_S / LOOK_EVERY_S)):
        if seen():
            return
        pause.wait(LOOK_EVERY_S)
    raise TimeoutError(complaint)
