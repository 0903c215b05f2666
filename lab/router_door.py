"""A client of the simulated router's control door: one JSON object per line, one answer per line."""

import asyncio
import contextlib
import json
from types import TracebackType
from typing import Any, Self

from lab.errors import Refused

LINE_BYTES_MAX = 64 * 1024 * 1024  # `rows` of a router with 50,000 secrets
ANSWER_LIMIT_S = 30.0
_AFTER_ALL = 1 << 62


class RouterDoor:
    """Asks the simulated MikroTik what an onlooker could see: who is online, whose packets pass, what was written."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
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
            writer, self._pair = self._pair[1], None
            writer.close()
            with contextlib.suppress(OSError):  # the router may have gone first
                await writer.wait_closed()

    async def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """Send one request and return its answer; raise Refused on `error`, OSError when the door is gone."""
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    line = await self._exchange(json.dumps({"do": do, **facts}).encode() + b"\n")
            except BaseException:
                await self.close()  # a half-read answer must not be taken for the next one's
                raise
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Refused("the router's control door", do, 0, answer["error"])
        return answer

    async def _exchange(self, request: bytes) -> bytes:
        if self._pair is None:
            self._pair = await asyncio.open_connection(*self.address, limit=LINE_BYTES_MAX)
        reader, writer = self._pair
        writer.write(request)
        await writer.drain()
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the router's control door closed in the middle of an answer")
        return line

    async def reaches(self, user: str, to: str, *, port: int = 443) -> bool:
        """Whether the user's packets to this address pass the router now."""
        answer = await self.ask("reach", user=user, to=to, protocol="tcp", port=port)
        return bool(answer["reach"])

    async def writes(self, since: int) -> list[dict[str, Any]]:
        """What was written to the router after number `since`, with wall-clock microseconds."""
        answer = await self.ask("writes", since=since)
        found: list[dict[str, Any]] = answer["writes"]
        return found

    async def last_write(self) -> int:
        """The number of the last write to the router."""
        return int((await self.ask("writes", since=_AFTER_ALL))["last"])

    async def rows(self, menu: str) -> list[dict[str, Any]]:
        """All rows of a menu."""
        answer = await self.ask("rows", menu=menu)
        found: list[dict[str, Any]] = answer["rows"]
        return found
