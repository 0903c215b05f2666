"""The real programs, started as a user would: own process, own log file, stopped, killed and restarted by hand."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import ProgramFailed

MODULES = {
    "mnara-cloud": "cloud.main",
    "mnara-agent": "edge_agent.main",
    "mnara-provision": "provisioning.main",
    "mnara-lab": "lab.main",
}
TAIL_BYTES = 64 * 1024
STOP_LIMIT_S = 15.0


def argv_of(program: str) -> list[str]:
    """Return the command: the installed script beside this Python, or the same entry point out of the source tree."""
    script = Path(sys.executable).with_name(program)
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", f"from {MODULES[program]} import app; app(prog_name={program!r})"]


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log."""
    if not path.exists():
        return "(no log)"
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


async def run_once(argv: Sequence[str], *, env: Mapping[str, str], limit_s: float = 60.0) -> str:
    """Run a command to its end and return what it printed; raise ProgramFailed with its words otherwise."""
    process = await asyncio.create_subprocess_exec(
        *argv, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s):
            out, err = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise ProgramFailed(f"`{_said(argv)}` did not end within {limit_s:g} s") from error
    if process.returncode != 0:
        words = (err or out).decode(errors="replace").strip()
        raise ProgramFailed(f"`{_said(argv)}` ended with status {process.returncode}: {words[-1500:]}")
    return out.decode()


async def run_for_json(argv: Sequence[str], *, env: Mapping[str, str], limit_s: float = 60.0) -> dict[str, Any]:
    """Run a command whose output ends in one JSON object, and return that."""
    printed = await run_once(argv, env=env, limit_s=limit_s)
    start = printed.find("{")
    try:
        found: dict[str, Any] = json.loads(printed[start:]) if start >= 0 else {}
    except ValueError as error:
        raise ProgramFailed(f"`{_said(argv)}` printed no JSON object: {printed[-500:]}") from error
    return found


def _said(argv: Sequence[str]) -> str:
    """The command for people: without the interpreter, and without what follows --password."""
    words = [word for word in argv if word not in {sys.executable, "-c"}]
    for index, word in enumerate(words[:-1]):
        if word == "--password":
            words[index + 1] = "***"
    return " ".join(words)[:300]


class Program:
    """One long-running program. Its output goes to `<folder>/<name>.log`, appended over restarts."""

    def __init__(self, name: str, argv: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.argv = list(argv)
        self.log = folder / f"{name}.log"
        self._env = {**os.environ, "PYTHONUNBUFFERED": "1", **env}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id of the running program."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C at the terminal reaches the lab alone."""
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.argv, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def check(self) -> None:
        """Raise ProgramFailed if it has ended, with the end of its log."""
        if self._process is not None and self._process.returncode is not None:
            raise ProgramFailed(
                f"{self.name} ended by itself with status {self._process.returncode}; its log ends:\n{tail(self.log)}"
            )

    async def kill(self) -> None:
        """Kill it as a power cut would (SIGKILL), and wait until it is gone."""
        assert self._process is not None, f"{self.name} was never started"
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self, limit_s: float = STOP_LIMIT_S) -> bool:
        """Ask it to end (SIGTERM); kill it after the limit. Returns whether it ended by itself."""
        if self._process is None or self._process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(limit_s):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
            return False
        return True


def kill_process(pid: int) -> None:
    """Send SIGKILL to a process that one of ours started; it may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
