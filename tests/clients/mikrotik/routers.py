"""Starts simulated routers as a stranger would: from their command line, asked at their control door."""

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
# How to start `mnara-lab`; another installation's may be named.
MNARA_LAB = shlex.split(os.environ.get("MNARA_LAB", str(ROOT / ".venv/bin/mnara-lab")))
USER, PASSWORD = "stranger", "open sesame"
NOW, OLD, VERY_OLD = "7.18.2", "6.49.10", "6.42.12"


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
