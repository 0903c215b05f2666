"""The embedded PostgreSQL: closed to other users, back by itself after being killed, gone when it is told to stop."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cloud.embedded.cluster import Cluster, open_cluster
from cloud.embedded.owner import DataFolder
from cloud.embedded.parts import EmbeddedParts, Wanted
from cloud.embedded.postgres import PostgresKeeper
from tests.support.broker import until

BREAK_IN = """
import os, sys
from pathlib import Path
import encodings.idna, psycopg, psycopg.conninfo  # before we can no longer read the interpreter's own files
try:
    psycopg.connect(host="/nowhere", connect_timeout=2)
except psycopg.OperationalError:
    pass
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
home, found = Path(sys.argv[1]), []
sockets = [home / "socket", home, Path("/tmp"), Path("/var/run/postgresql")]
for user in ("postgres", "mnara", "mnara_owner", "nobody"):
    for socket in sockets:
        for password in ("", "postgres", "mnara"):
            try:
                psycopg.connect(host=str(socket), user=user, password=password, dbname="postgres", connect_timeout=2)
                found.append(f"in as {user} by {socket}")
            except psycopg.OperationalError:
                pass
for name in ("passwords.json", "initdb.password", "cluster/postgresql.conf", "cluster/base", "cluster", "socket"):
    try:
        path = home / name
        list(path.iterdir()) if path.is_dir() else path.read_bytes()
        found.append(f"read {name}")
    except OSError:
        pass
for name in ("database.url", "secret.key", "authority.sealed"):
    try:
        (home.parent / name).read_bytes()
        found.append(f"read {name}")
    except OSError:
        pass
print(found)
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a data folder that PostgreSQL's user may enter; pytest's own folders are closed to everybody but us."""
    base = Path(tempfile.mkdtemp(prefix="mnara-test-"))
    base.chmod(0o755)
    try:
        yield base / "data"
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def data() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """One server for all tests that only look at it or kill it."""
    with open_folder() as folder:
        DataFolder(folder).prepare()
        made = open_cluster(folder)
        made.prepare()
        yield made
        made.stop()


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    running.start()
    return running


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.url()) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_it_is_durable_and_listens_on_no_network(cluster: Cluster) -> None:
    assert ask(cluster, "show fsync") == "on"
    assert ask(cluster, "show synchronous_commit") == "on"
    assert ask(cluster, "show full_page_writes") == "on"
    assert ask(cluster, "show listen_addresses") == ""
    assert ask(cluster, "select rolsuper from pg_roles where rolname = current_user") is False
    assert oct((cluster.home / "socket").stat().st_mode & 0o777) == "0o700"
    assert oct(cluster.folder.stat().st_mode & 0o777) == "0o700"


def test_even_we_need_the_password(cluster: Cluster) -> None:
    for user in ("postgres", "mnara"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(cluster.home / "socket"), user=user, dbname="postgres", password="")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user: run the tests as root to try it")
@pytest.mark.parametrize("user", ["nobody", "www-data"])
def test_another_user_of_the_machine_does_not_get_in(cluster: Cluster, user: str) -> None:
    (cluster.home.parent / "secret.key").touch(mode=0o600)
    uid = str(pwd.getpwnam(user).pw_uid)
    command = [sys.executable, "-c", BREAK_IN, str(cluster.home), uid]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")
    assert done.stdout.strip() == "[]"


def test_a_folder_that_was_there_keeps_its_mode(data: Path) -> None:
    data.parent.chmod(0o755)
    data.mkdir(mode=0o755)
    DataFolder(data).prepare()
    open_cluster(data)
    assert oct(data.stat().st_mode & 0o777) == "0o755"
    assert oct(data.parent.stat().st_mode & 0o777) == "0o755"


def test_a_long_path_gets_a_short_private_socket_folder(data: Path) -> None:
    deep = data / ("d" * 60) / ("e" * 60)
    for folder in (data, deep.parent):
        folder.mkdir(mode=0o755)
    DataFolder(deep).prepare()
    made = open_cluster(deep)
    made.prepare()
    made.start()
    try:
        assert ask(made, "select 1") == 1
        folder = Path((made.home / "socket_dir").read_text())
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
        made.stop()
        made.start()
        assert Path((made.home / "socket_dir").read_text()) == folder
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def kill_whole(cluster: Cluster) -> None:
    """Kill the postmaster and its children as a power cut would."""
    pid = cluster.running_pid()
    assert pid is not None
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for victim in [pid, *map(int, children)]:
        os.kill(victim, signal.SIGKILL)


@pytest.mark.parametrize("how", ["the postmaster alone", "with all its children"])
async def test_a_killed_server_is_back_within_seconds_and_has_lost_nothing(cluster: Cluster, how: str) -> None:
    keeper = PostgresKeeper(cluster)
    await keeper.start()
    watching = asyncio.create_task(keeper.watch())
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (7)")
        began = time.monotonic()
        if how == "the postmaster alone":
            os.kill(cluster.running_pid() or 0, signal.SIGKILL)
        else:
            kill_whole(cluster)
        while True:
            try:
                assert await asyncio.to_thread(ask, cluster, "select max(n) from kept") == 7
                break
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)
    waited = time.monotonic() - began
    print(f"back after {waited:.2f} s")
    assert waited < 5
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


def test_a_stale_pid_file_of_a_stranger_does_not_stop_the_start(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.folder}\n1\n5432\n\n\n\n\n")
    (cluster.home / "socket" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    cluster.start()
    assert ask(cluster, "select 1") == 1


def test_an_initdb_cut_off_half_way_is_done_again(data: Path) -> None:
    DataFolder(data).prepare()
    made = open_cluster(data)
    (made.home / "cluster.draft").mkdir(parents=True)
    (made.home / "cluster.draft" / "PG_VERSION").write_text("18\n")
    made.prepare()
    made.start()
    assert ask(made, "select 1") == 1
    made.stop()


async def no_one() -> set[str]:
    return set()


async def test_when_the_owner_dies_the_next_process_takes_the_running_server_over(data: Path) -> None:
    wanted = Wanted(database=True, broker=None, broker_address=("127.0.0.1", 1))
    first_folder, second_folder = DataFolder(data), DataFolder(data)
    first_folder.prepare()
    first, second = EmbeddedParts(first_folder, wanted), EmbeddedParts(second_folder, wanted)
    first_runs = asyncio.create_task(first.run(no_one))
    url = await first_folder.wait_for_database_url()
    second_runs = asyncio.create_task(second.run(no_one))
    await asyncio.sleep(0.5)
    assert not second_folder.owned
    pid = open_cluster(data).running_pid()
    # A death without goodbye: the kernel lets go of the lock, PostgreSQL lives on.
    first_runs.cancel()
    await asyncio.gather(first_runs, return_exceptions=True)
    first_folder.let_go()
    await until(lambda: second_folder.owned)
    await asyncio.sleep(0.5)
    assert open_cluster(data).running_pid() == pid
    assert second_folder.read_runtime()["pid"] == os.getpid()
    with psycopg.connect(url) as connection:
        connection.execute("select 1")
    second_runs.cancel()
    await asyncio.gather(second_runs, return_exceptions=True)
    await second.stop()
    assert open_cluster(data).running_pid() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else: run the tests as root")
def test_root_may_have_its_data_folder_where_nobody_else_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    DataFolder(data).prepare()
    made = open_cluster(data)
    made.prepare()
    made.start()
    try:
        assert ask(made, "select 1") == 1
        assert oct(closed.stat().st_mode & 0o777) == "0o700"
        assert not made.home.is_relative_to(closed)
    finally:
        made.stop()
        shutil.rmtree(made.home)
