"""Starts the simulated SMS gateway as a stranger would, and points Africa's Talking's own client at it."""

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MNARA_LAB = shlex.split(os.environ.get("MNARA_LAB", str(ROOT / ".venv/bin/mnara-lab")))

# In the project's own environment there are no strange clients: `make test-clients` has them.
if find_spec("africastalking") is None:
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True)
class Gateway:
    """Where the gateway listens, and the way to ask its control door."""

    port: int
    control: str

    def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """One request at the control door; its answer."""
        host, _, port = self.control.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=10)) as door:
            door.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")
            with door.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert "error" not in answer, answer
        return answer

    def texts(self, number: str) -> list[str]:
        """What a phone really received."""
        return [one["text"] for one in self.ask("inbox", number=number)["inbox"]]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    command = [*MNARA_LAB, "sms", "--port", "0", "--api-key", "secret"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline() or "{}")
            assert said, f"{shlex.join(command)} did not start; see above, and `make env`"
            yield Gateway(said["port"], said["control"])
        finally:
            process.terminate()
