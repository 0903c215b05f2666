"""Starts simulated routers as a stranger would, from their command line, and points other people's clients at them."""

import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# How to start `mnara-lab`; another installation's may be named.
MNARA_LAB = shlex.split(os.environ.get("MNARA_LAB", str(ROOT / ".venv/bin/mnara-lab")))
USER, PASSWORD = "stranger", "open sesame"
NOW, OLD, VERY_OLD = "7.18.2", "6.49.10", "6.42.12"

if shutil.which(MNARA_LAB[0]) is None and find_spec("routeros_api") is not None:
    pytest.exit(f"{MNARA_LAB[0]} is not there: run `make env`, or say in MNARA_LAB how to start one.", 2)

# In the project's own environment there are no strange clients: `make test-clients` has them.
if find_spec("routeros_api") is None:
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True)
class Router:
    """Where a router listens, and the way to ask its control door."""

    host: str
    port: int
    tls_port: int
    control: str
    version: str
    certificate: Path

    def ask(self, do: str, **options: Any) -> dict[str, Any]:
        """One request at the control door; its answer."""
        host, _, port = self.control.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=10)) as door:
            door.sendall(json.dumps({"do": do, **options}).encode() + b"\n")
            with door.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert "error" not in answer, answer
        return answer

    def rows(self, menu: str) -> list[dict[str, str]]:
        """What the router holds, by its own account."""
        rows: list[dict[str, str]] = self.ask("rows", menu=menu)["rows"]
        return rows

    def row(self, menu: str, name: str) -> dict[str, str]:
        """The row of this name, by the router's own account."""
        return next(row for row in self.rows(menu) if row.get("name") == name)


@contextmanager
def started(version: str, folder: Path, *options: str) -> Iterator[Router]:
    """A router process for as long as the block lasts."""
    certificate = folder / f"{version}.pem"
    command = [
        *MNARA_LAB, "router", "--version", version, "--port", "0", "--tls-port", "0", "--user", USER,
        "--password", PASSWORD, "--tls-certificate-out", str(certificate), *options,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline() or "{}")
            assert said, f"{shlex.join(command)} did not start; see above, and `make env`"
            yield Router(said["router"], said["port"], said["tls_port"], said["control"], version, certificate)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("routers")


@pytest.fixture(scope="module")
def routers(folder: Path) -> Iterator[dict[str, Router]]:
    """One of each version for every file of tests: what one client left behind must not be another's."""
    with started(NOW, folder) as now, started(OLD, folder) as old, started(VERY_OLD, folder) as very_old:
        yield {NOW: now, OLD: old, VERY_OLD: very_old}


@pytest.fixture(params=[NOW, OLD])
def router(request: pytest.FixtureRequest, routers: dict[str, Router]) -> Router:
    """Each test runs on both personalities."""
    return routers[request.param]


@pytest.fixture
def now(routers: dict[str, Router]) -> Router:
    return routers[NOW]


@pytest.fixture
def very_old(routers: dict[str, Router]) -> Router:
    return routers[VERY_OLD]


@pytest.fixture(scope="session")
def anonymous(folder: Path) -> Iterator[Router]:
    """A router whose api-ssl has no certificate."""
    folder = folder / "anonymous"
    folder.mkdir()
    with started(NOW, folder, "--tls-anonymous") as router:
        yield router
