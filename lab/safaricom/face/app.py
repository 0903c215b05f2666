"""Daraja's HTTP face: a bare ASGI application that knows the paths, the bearers, the bad days and who answers what."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from lab.safaricom.face import b2c, balance, c2b, oauth, pages, pull, qr, reversal, status, stk
from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import Answer, Endpoint, Endpoints
from lab.safaricom.face.outages import HANG_S, KINDS, Kind, Outage, answer_of
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail

BODY_BYTES_MAX = 64 * 1024
BUSY = "System is busy. Please try again in few minutes."

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TOO_BIG = {"fault": {"faultstring": "Body buffer overflow", "detail": {"errorcode": "protocol.http.TooBigBody"}}}


class Daraja:
    """The face of one rail. `outage` strikes before anything else is looked at."""

    def __init__(self, rail: Rail) -> None:
        self.rail = rail
        self.outage: Outage | None = None
        self.endpoints: Endpoints = {}
        for module in (stk, c2b, status, balance, reversal, b2c, pull, qr):
            self.endpoints |= module.endpoints(rail)
        self._paths = {path for _, path in self.endpoints} | {oauth.PATH}
        self._serving: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            if not self._closing:
                raise
            await _break(send)  # by `close`, and the server is told nothing of it
        finally:
            self._serving.discard(task)

    async def close(self, grace_s: float) -> None:
        """End what is being answered: whatever takes longer than the grace has its connection broken."""
        self._closing = True
        if self._serving:
            _, late = await asyncio.wait(set(self._serving), timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _read(receive)
        if self.outage and self.outage.strikes(scope["path"], self.rail.chance):
            await _suffer(self.outage.kind, send)
            return
        answered = asyncio.Event()
        try:
            try:
                status, answer = await self._answer(scope, raw, answered)
            except Refusal as refusal:
                status, answer = refusal.status, refused(refusal.code, refusal.message)
            except OverflowError:  # one of the simulation's own limits, all of which say so
                status, answer = 503, refused("500.003.02", BUSY)
            await _say(send, status, answer)
        finally:
            answered.set()

    async def _answer(self, scope: Scope, raw: bytes | None, answered: asyncio.Event) -> Answer:
        method, path = scope["method"], scope["path"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        if method == "GET" and (page := pages.find(self.rail, path, query)):
            return page
        if method == "GET" and path.startswith("/lab/statement/"):
            return self._statement(path.rsplit("/", 1)[-1])
        if path not in self._paths:
            raise Refusal(404, "404.001.01", "Resource not found")
        if path == oauth.PATH and method == "GET":
            return oauth.generate(self.rail, headers.get("authorization", ""), query.get("grant_type", ""))
        endpoint = self.endpoints.get((method, path))
        if endpoint is None:
            raise Refusal(405, "405.001", "Method Not Allowed")
        app_key = self._bearer(endpoint, headers.get("authorization", ""))
        if raw is None:
            return 413, _TOO_BIG
        body = _body(raw, headers.get("content-type", ""))
        bad_code = endpoint.family.bad_code
        return await endpoint.handle(Request(method, path, body, headers, query, bad_code, app_key, answered))

    def _bearer(self, endpoint: Endpoint, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        family = endpoint.family
        if scheme.lower() != "bearer":
            raise Refusal(404, "404.001.04", "Invalid Authentication Header")
        app = oauth.app_of(self.rail, token.strip())
        if app is None:
            said = family.token_message
            raise Refusal(family.token_status, family.token_code, f"{said}{token}" if said.endswith("- ") else said)
        if (endpoint.product or family.name) not in app.products:
            message = "Error Occurred - Invalid API call as no apiproduct match found"
            raise Refusal(401, "401.003.01", message)
        return app.key

    def _statement(self, shortcode: str) -> Answer:
        """What no real rail offers: its record, for whoever checks books against it."""
        lines = self.rail.record.statement(shortcode)
        return 200, {"items": [{name: getattr(line, name) for name in line.__slots__} for line in lines]}


def refused(code: str, message: str) -> dict[str, str]:
    """Daraja's error body."""
    return {"requestId": f"{secrets.token_hex(2)}-{secrets.token_hex(4)}-1", "errorCode": code, "errorMessage": message}


async def _read(receive: Receive) -> bytes | None:
    """The body; None when it is too much."""
    read, full = b"", False
    while True:
        message = await receive()
        read = b"" if full else read + message.get("body", b"")
        full = full or len(read) > BODY_BYTES_MAX
        if not message.get("more_body"):
            return None if full else read


def _body(raw: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object; nothing at all when it is not said to be JSON, so that the first field is found missing."""
    if "json" not in content_type.lower():
        return {}
    try:
        body = json.loads(raw)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # neither NaN nor half a surrogate pair
    except (ValueError, RecursionError):
        raise Refusal(400, "400.002.05", "Invalid Request Payload") from None
    if not isinstance(body, dict):
        raise Refusal(400, "400.002.05", "Invalid Request Payload")
    return body


async def _say(send: Send, status: int, answer: Any) -> None:
    payload, kind = (answer, "text/plain") if isinstance(answer, bytes) else (b"", "application/json")
    if answer is not None and not isinstance(answer, bytes):
        payload = json.dumps(answer).encode()
    await _write(send, status, payload, kind)


async def _write(send: Send, status: int, payload: bytes, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(payload)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})


async def _suffer(kind: Kind, send: Send) -> None:
    if kind in ("reset", "hang"):
        await asyncio.sleep(HANG_S if kind == "hang" else 0)
        await _break(send)
        return
    status, content, content_type = answer_of(kind)
    if content_type is not None:
        await _write(send, status, content, content_type)
    else:
        await _say(send, status, refused(*content) if isinstance(content, tuple) else content)


async def _break(send: Send) -> None:
    """End the connection without a word; ASGI has no way to say it, so the server's transport is asked."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the simulated Safaricom broke the connection")
    transport.abort()
    await asyncio.sleep(0.01)  # the server must notice before it finds that nothing was answered


__all__ = ["KINDS", "Daraja", "refused"]
