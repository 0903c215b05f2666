"""The control door of every simulated part: one JSON request per line over TCP, one JSON answer per line.

A request is `{"do": NAME, …}`. What cannot be done is answered `{"error": …}`; `{"do": "help"}` lists the names, and
those that watch. A request that watches is answered by one line after another until the asker hangs up, or asks
something else.
"""

import asyncio
import inspect
import itertools
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from lab.errors import LabError

TALKS_MAX = 1_000
MAX_LINE_BYTES = 8 * 1024 * 1024
Request = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Request], Answer | Awaitable[Answer] | AsyncIterator[Answer]]
Handlers = Mapping[str, Handler]


def listening_place(text: str) -> tuple[str, int]:
    """Read HOST:PORT of a door to be opened; without a host loopback, 0 for any port. Raises LabError."""
    host, _, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise LabError(f"{text!r} is no place for a control door; give HOST:PORT, with 0 for any port")
    return host.strip("[]") or "127.0.0.1", int(port)


class ControlError(LabError):
    """A request at the control door makes no sense."""


async def answers(handlers: Handlers, line: bytes) -> AsyncGenerator[Answer, None]:
    """The answer to one request, or the answers; never an exception for what somebody typed."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ControlError("a request is one JSON object")
        async with aclosing(_told(_handler(handlers, str(request.get("do")))(request))) as told:
            async for answer in told:
                yield answer
    except KeyError as error:
        yield {"error": f"missing {error.args[0]!r}"}
    except (ValueError, TypeError, OverflowError, RecursionError, LabError) as error:
        yield {"error": str(error)}


async def _told(result: Answer | Awaitable[Answer] | AsyncIterator[Answer]) -> AsyncGenerator[Answer, None]:
    if isinstance(result, dict):
        yield result
    elif isinstance(result, AsyncGenerator):
        async with aclosing(result):  # so that a watch that was left lets go at once
            async for answer in result:
                yield answer
    elif isinstance(result, AsyncIterator):
        async for answer in result:
            yield answer
    else:
        yield await result


def _handler(handlers: Handlers, name: str) -> Handler:
    if name == "help":
        return lambda _request: _help(handlers)
    try:
        return handlers[name]
    except KeyError:
        raise ControlError(f"unknown request {name!r}; known are: {', '.join(handlers)}") from None


def _help(handlers: Handlers) -> Answer:
    watches = [known for known, handler in handlers.items() if inspect.isasyncgenfunction(handler)]
    return {"known": {known: _sentence(handler) for known, handler in handlers.items()}, "watches": watches}


def _sentence(handler: Handler) -> str:
    return (inspect.getdoc(handler) or "").partition("\n")[0]


class _Talk:
    """One asker. His next line is awaited while he is answered, so that a watch ends with whoever watched."""

    def __init__(self, handlers: Handlers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._handlers = handlers
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        """Answer until he hangs up."""
        try:
            line = await self._reader.readline()
            while line:
                line = await self._answer(line)
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass  # gone, or a line beyond the limit: this talk is over
        finally:
            self._writer.close()

    async def _answer(self, line: bytes) -> bytes:
        """Answer one line and return the next."""
        following = asyncio.ensure_future(self._reader.readline())
        told = answers(self._handlers, line)
        coming: asyncio.Future[Answer | None] | None = None
        try:
            for number in itertools.count():
                coming = asyncio.ensure_future(anext(told, None))
                # What is no watch is answered to its end, also to somebody who has said the next thing already.
                await asyncio.wait({coming, following} if number else {coming}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    break
                answer = coming.result()
                if answer is None:
                    break
                self._writer.write(json.dumps(answer).encode() + b"\n")
                await self._writer.drain()
            return await following
        finally:
            following.cancel()
            if coming is not None and not coming.done():  # also when the door closes: a running generator has no end
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            await told.aclose()


@asynccontextmanager
async def open_door(handlers: Handlers, host: str, port: int) -> AsyncIterator[int]:
    """A door, open for as long as the block lasts; yields its port. Raises LabError when it cannot be opened."""
    talks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(talks) >= TALKS_MAX:
            writer.close()
            return
        talks.add(task)
        try:
            await _Talk(handlers, reader, writer).run()
        except asyncio.CancelledError:
            pass  # by us, below, and the end of the task anyway; asyncio's streams complain of a cancelled one
        finally:
            talks.discard(task)

    try:
        listener = await asyncio.start_server(talk, host, port, limit=MAX_LINE_BYTES)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise LabError(
            f"cannot open the control door at {host}:{port} ({reason}); give another place, or port 0 for any"
        ) from error
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
