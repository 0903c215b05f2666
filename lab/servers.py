"""Which database and broker the cloud uses: what it brings itself, or Debian's own."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from lab.debian import DebianPostgres, debian_mosquitto, debian_postgres, require_packages
from lab.errors import LabError
from lab.processes import argv_of, free_port, kill_process, run_for_json
from lab.waiting import until

_ROOTS_CLUSTERS = Path("/var/lib/mnara")  # where the cloud puts its cluster when root starts it in a closed folder


class Site(Protocol):
    """What the servers need to know of the house they stand in."""

    cloud_folder: Path
    broker_port: int
    logs: Path

    @property
    def cloud_env(self) -> dict[str, str]:
        """The environment of cloud commands."""
        ...


class Servers(Protocol):
    """A database and a broker."""

    def cloud_env(self) -> dict[str, str]:
        """What the cloud must be told of them."""
        ...

    async def start(self, site: Site) -> None:
        """Start what the cloud does not start by itself."""
        ...

    def database_pid(self) -> int:
        """The postmaster's process id; LabError when there is none now."""
        ...

    async def kill_database(self) -> None:
        """SIGKILL to the postmaster. Whoever keeps it running starts it again: the cloud, or we in systemd's place."""
        ...

    def close(self) -> None:
        """Stop what was started."""
        ...


class EmbeddedServers:
    """What `mnara-cloud` brings by itself."""

    def __init__(self) -> None:
        self._cloud_folder = Path()

    def cloud_env(self) -> dict[str, str]:
        """Nothing: embedded is the default."""
        return {"MNARA_CLOUD_DATABASE_URL": "", "MNARA_CLOUD_BROKER_URL": ""}

    async def start(self, site: Site) -> None:
        """Remember where the cloud keeps its cluster."""
        self._cloud_folder = site.cloud_folder

    async def kill_database(self) -> None:
        """Kill the postmaster found by its pid file; the cloud's keeper starts it again."""
        kill_process(self.database_pid())

    def database_pid(self) -> int:
        """The first line of the cluster's own pid file."""
        return int(self._pid_file().read_text().split("\n", 1)[0])

    def close(self) -> None:
        """The cloud stopped them."""

    def _pid_file(self) -> Path:
        found = list(self._cloud_folder.rglob("postmaster.pid"))
        name = hashlib.sha256(os.fsencode(self._cloud_folder.resolve())).hexdigest()[:16]
        found += [path for path in [_ROOTS_CLUSTERS / name / "cluster" / "postmaster.pid"] if path.exists()]
        if not found:
            raise LabError(f"no postmaster.pid under {self._cloud_folder}; is the embedded PostgreSQL running?")
        return found[0]


class DebianServers:
    """Debian's PostgreSQL 15 and mosquitto, in folders of their own."""

    def __init__(self, folder: Path) -> None:
        require_packages()
        self._stack = ExitStack()
        self._postgres: DebianPostgres = self._stack.enter_context(debian_postgres(folder / "postgres15"))
        self._broker_url = ""

    def cloud_env(self) -> dict[str, str]:
        """Both addresses."""
        return {"MNARA_CLOUD_DATABASE_URL": self._postgres.url, "MNARA_CLOUD_BROKER_URL": self._broker_url}

    async def start(self, site: Site) -> None:
        """Have the cloud write mosquitto's configuration, and start it."""
        self._broker_url = f"mqtts://127.0.0.1:{free_port()}"  # agents have a listener of their own: site.broker_port
        written = await run_for_json([*argv_of("mnara-cloud"), "broker", "conf"], env=site.cloud_env)
        running = debian_mosquitto(Path(written["configuration"]), site.broker_port, site.logs / "mosquitto.log")
        await asyncio.to_thread(self._stack.enter_context, running)

    def database_pid(self) -> int:
        """The postmaster that we started last."""
        return self._postgres.pid

    async def kill_database(self) -> None:
        """Kill the postmaster and start it again as systemd would, once its children have gone."""
        self._postgres.kill()

        async def start_again() -> bool:
            await asyncio.to_thread(self._postgres.start)
            return True

        await until("PostgreSQL 15 to start again", start_again, bool, limit_s=30)

    def close(self) -> None:
        """Stop both."""
        self._stack.close()


def servers_of(kind: str, folder: Path) -> Servers:
    """Return the servers by name, or raise LabError."""
    makers: dict[str, Callable[[], Servers]] = {
        "embedded": EmbeddedServers,
        "debian": lambda: DebianServers(folder),
    }
    if kind not in makers:
        raise LabError(f"there are no servers called {kind!r}; choose one of: {', '.join(makers)}")
    return makers[kind]()
