"""The control door of every simulated part: one JSON request per line over TCP, one JSON answer per line.

A request is `{"do": NAME, …}`. What cannot be done is answered `{"error": …}`; `{"do": "help"}` lists the names. A
request that watches is answered by one line after another until the asker hangs up.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from lab.errors import LabError

MAX_LINE_BYTES = 8 * 1024 * 1024
Request = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Request], Answer | Awaitable[Answer] | AsyncIterator[Answer]]
Handlers = Mapping[str, Handler]


class ControlError(LabError):
    """A request at the control door makes no sense."""


async def answers(handlers: Handlers, line: bytes) -> AsyncIterator[Answer]:
    """The answer to one request, or the answers; never an exception for what somebody typed."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ControlError("a request is one JSON object")
        result = _handler(handlers, str(request.get("do")))(request)
        if isinstance(result, AsyncIterator):
            async for answer in result:
                yield answer
        elif isinstance(result, dict):
            yield result
        else:
            yield await result
    except KeyError as error:
        yield {"error": f"missing {error.args[0]!r}"}
    except (ValueError, TypeError, LabError) as error:
        yield {"error": str(error)}


def _handler(handlers: Handlers, name: str) -> Handler:
    if name == "help":
        return lambda _request: {"known": {known: _sentence(handler) for known, handler in handlers.items()}}
    try:
        return handlers[name]
    except KeyError:
        raise ControlError(f"unknown request {name!r}; known are: {', '.join(handlers)}") from None


def _sentence(handler: Handler) -> str:
    return (inspect.getdoc(handler) or "").partition("\n")[0]


@asynccontextmanager
async def open_door(handlers: Handlers, host: str, port: int) -> AsyncIterator[int]:
    """A door, open for as long as the block lasts; yields its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                async for answer in answers(handlers, line):
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass  # gone, or a line beyond the limit: this talk is over
        finally:
            writer.close()

    listener = await asyncio.start_server(talk, host, port, limit=MAX_LINE_BYTES)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
