"""A client of any simulated part's control door: one JSON request per line, one answer per line, or many."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from lab.errors import LabError, Refused

LINE_BYTES_MAX = 64 * 1024 * 1024  # `rows` of a router with 50,000 secrets
ANSWER_LIMIT_S = 30.0

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Known:
    """What a door can be asked: each request's name with its first sentence, and which of them are for watching."""

    requests: dict[str, str]
    watches: frozenset[str]


def address_of(text: str) -> tuple[str, int]:
    """Read HOST:PORT; a bare port means loopback. Raises LabError."""
    host, _, port = text.strip().rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise LabError(f"{text!r} is no address; give HOST:PORT, as the part printed it when it started")
    return host.strip("[]") or "127.0.0.1", int(port)


class Door:
    """One connection, made when needed and again after it broke; an `error` raises Refused, a door gone OSError."""

    def __init__(self, host: str, port: int, *, name: str = "the control door") -> None:
        self.address = (host, port)
        self.name = name
        self._pair: Pair | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        if self._pair is not None:
            pair, self._pair = self._pair, None
            await _hang_up(pair)

    async def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """Send one request and return its answer."""
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    if self._pair is None:
                        self._pair = await asyncio.open_connection(*self.address, limit=LINE_BYTES_MAX)
                    await _send(self._pair, do, facts)
                    line = await self._line(self._pair)
            except BaseException:
                await self.close()  # a half-read answer must not be taken for the next one's
                raise
        return self._answer(do, line)

    async def watch(self, do: str, **facts: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Yield what a watching request tells, on a connection of its own, until the door closes or nobody listens."""
        pair = await asyncio.open_connection(*self.address, limit=LINE_BYTES_MAX)
        try:
            await _send(pair, do, facts)
            while (line := await pair[0].readline()).endswith(b"\n"):
                yield self._answer(do, line)
        finally:
            await _hang_up(pair)

    async def known(self) -> Known:
        """What this door can be asked."""
        answer = await self.ask("help")
        return Known(answer.get("known", {}), frozenset(answer.get("watches", [])))

    async def _line(self, pair: Pair) -> bytes:
        line = await pair[0].readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError(f"{self.name} closed in the middle of an answer")
        return line

    def _answer(self, do: str, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise LabError(f"{self.name} at {self.address[0]}:{self.address[1]} does not speak JSON lines") from error
        if not isinstance(answer, dict):
            raise LabError(f"{self.name} answered {do} with something other than an object: {str(answer)[:100]}")
        if "error" in answer:
            raise Refused(self.name, do, 0, answer["error"])
        return answer


async def _send(pair: Pair, do: str, facts: dict[str, Any]) -> None:
    pair[1].write(json.dumps({"do": do, **facts}).encode() + b"\n")
    await pair[1].drain()


async def _hang_up(pair: Pair) -> None:
    pair[1].close()
    with contextlib.suppress(OSError):  # the other side may have gone first
        await pair[1].wait_closed()
