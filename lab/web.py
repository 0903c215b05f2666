"""A bare HTTP face for simulated parts: requests within limits, answers to the byte, connections that break on demand.

No framework: what a real gateway answers to nonsense is part of what is simulated, so nothing may answer before us.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from lab.errors import LabError

BODY_BYTES_MAX = 256 * 1024
CONNECTIONS_MAX = 10_000
BACKLOG = 2_048
GOODBYE_S = 0.2  # for answers under way when the server ends; what hangs on purpose is cancelled
HANG_MAX_S = 600.0  # nobody's client waits longer; what hangs must not hang for ever
FIELDS_MAX = 1_000  # of a query or a form
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Header names are in lower case; of a name given twice the last value counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: str = ""
    too_large: bool = False
    """The body went beyond the limit; what is here is its beginning."""

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def form(self) -> dict[str, str]:
        """The body as an `application/x-www-form-urlencoded` form; empty when it is none."""
        return _pairs(self.body.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, to the byte."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class BreakOff(Exception):
    """Do not answer: `reset` the connection, `close` it without a word, `cut` the answer in its middle, or `hang`."""

    def __init__(self, how: Literal["reset", "close", "cut", "hang"], *, hang_s: float = HANG_MAX_S) -> None:
        super().__init__(how)
        self.how = how
        self.hang_s = min(hang_s, HANG_MAX_S)


Answerer = Callable[[Asked], Awaitable[Said]]


def said_json(status: int, answer: Any, headers: Mapping[str, str] | None = None) -> Said:
    """An answer of JSON."""
    return Said(status, json.dumps(answer).encode(), headers=headers or {})


def said_text(status: int, text: str, kind: str = "text/plain; charset=utf-8") -> Said:
    """An answer of text, or of HTML by its kind."""
    return Said(status, text.encode(), kind)


class Face:
    """The ASGI application over one function that answers."""

    def __init__(self, answer: Answerer, *, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self._answer = answer
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        asked = await self._read(scope, receive)
        try:
            said = await self._answer(asked)
        except BreakOff as breaking:
            await _break_off(breaking, scope, receive, send)
            return
        await send({"type": "http.response.start", "status": said.status, "headers": _headers_of(said)})
        await send({"type": "http.response.body", "body": said.body})

    async def _read(self, scope: Scope, receive: Receive) -> Asked:
        body, more, too_large = b"", True, False
        while more:
            message = await receive()
            body = (body + message.get("body", b""))[: self._body_bytes_max + 1]
            more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > self._body_bytes_max:
            body, too_large = body[: self._body_bytes_max], True
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = _pairs(scope["query_string"].decode("latin-1"))
        client = (scope.get("client") or ("", 0))[0]
        return Asked(scope["method"], scope["path"], query, headers, body, client, too_large)


def _pairs(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:  # more fields than any of our clients has
        return {}


def _headers_of(said: Said) -> list[tuple[bytes, bytes]]:
    headers = {"content-type": said.kind, "content-length": str(len(said.body)), **said.headers}
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items() if value]


async def _break_off(breaking: BreakOff, scope: Scope, receive: Receive, send: Send) -> None:
    if breaking.how == "hang":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(breaking.hang_s):
                while (await receive())["type"] != "http.disconnect":
                    pass
    if breaking.how == "cut":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4096")]})
        await send({"type": "http.response.body", "body": b'{"', "more_body": True})
    wire = scope.get("state", {}).get("wire")
    if wire is None:
        return  # not served by us: the server closes what was not answered
    if breaking.how == "reset" and (sock := wire.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        wire.abort()
    else:
        wire.close()
    # Return only when the server has noticed: it would answer 500 for an application that says nothing.
    await receive()


class _Wire(H11Protocol):
    """uvicorn's protocol, with the transport within the application's reach."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        self.app_state = {**self.app_state, "wire": transport}
        super().connection_made(transport)


@asynccontextmanager
async def serve_http(
    app: Callable[[Any, Any, Any], Awaitable[None]], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Serve an ASGI application for as long as the block lasts; yields the port. Raises LabError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise LabError(f"cannot listen on {host}:{port} ({error.strerror}); give another port, or 0 for any") from error
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False, date_header=False,
        limit_concurrency=CONNECTIONS_MAX,
    )  # fmt: skip
    config.load()
    state = ServerState()
    # uvicorn's protocol without its Server, which minds signals and looks only ten times a second whether to end.
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Wire(config=config, server_state=state, app_state={}, _loop=loop), sock=listener, backlog=BACKLOG
    )
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(set(state.tasks), timeout=GOODBYE_S)
        for connection in list(state.connections):
            if (wire := getattr(connection, "transport", None)) is not None:
                wire.abort()
        if state.tasks:  # what hangs on purpose has noticed by now; whatever else is still at work is cancelled
            _, late = await asyncio.wait(set(state.tasks), timeout=GOODBYE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
