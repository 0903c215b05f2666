"""What every request passes first: an id, a bound on its body, one line in the log, and a clean end if we crash.

Plain ASGI: a wrapping middleware class costs each webhook more than its database insert.
"""

import re
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.client import ClientAddress
from cloud.api.metrics import Metrics
from cloud.api.problems import Raised, problem
from cloud.ports import Clock
from cloud.services.outages import is_conflict, is_outage

BODY_BYTES_MAX = 1024 * 1024
"""An import of 1,000 subscribers is a third of it."""
HOOKS = "/hooks/"
_HOOK_SECRET = re.compile(r"(/hooks/[a-z]+/)[^/]+")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_log = structlog.get_logger("mnara.api")


class Gate:
    """Wraps the application."""

    def __init__(
        self, app: ASGIApp, *, clock: Clock, client: ClientAddress, metrics: Metrics, new_request_id: Callable[[], str]
    ) -> None:
        self._app = app
        self._clock = clock
        self._client = client
        self._metrics = metrics
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; lifespan and the rest pass by."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic_s()
        request_id = self._new_request_id()
        address = self._client.of(scope)
        scope.setdefault("state", {}).update(request_id=request_id, client=address)
        body = _Body(receive, None if scope["path"].startswith(HOOKS) else BODY_BYTES_MAX)
        answer = _Answer(send, request_id, body)
        try:
            await self._app(scope, body.receive, answer.send)
            if body.exceeded:
                detail = f"The body is larger than {BODY_BYTES_MAX} bytes. Send it in smaller parts."
                raise Raised(413, "too-large", detail, {"Connection": "close"})
        except Exception as error:  # noqa: BLE001 - the last place where a bug can be logged once and answered
            await self._fail(error, request_id, scope, receive, answer)
        finally:
            self._note(scope, answer, request_id, address, self._clock.monotonic_s() - started_s)

    async def _fail(self, error: Exception, request_id: str, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if isinstance(error, Raised):
            response: Response = problem(request_id, error.status, error.code, error.detail, headers=error.headers)
        elif is_outage(error) or is_conflict(error):
            _log.warning("database unavailable", request_id=request_id, error=type(error).__name__)
            detail = "The database is too busy or away just now. Send the request again in a few seconds."
            response = problem(request_id, 503, "unavailable", detail, headers={"Retry-After": "2"})
        else:
            _log.exception("a request failed", request_id=request_id, path=_redacted(scope["path"]))
            detail = "Something is wrong on our side. Tell us the request_id."
            response = problem(request_id, 500, "internal-error", detail)
        if answer.status is None:
            await response(scope, receive, answer.send_ours)

    def _note(self, scope: Scope, answer: "_Answer", request_id: str, address: str | None, seconds: float) -> None:
        status = answer.status or 499
        route = _route_of(scope)
        self._metrics.observe_request(scope["method"], route, status, seconds)
        if scope["path"] in _QUIET and status == HTTPStatus.OK:
            return
        # The path holds ids only, and a webhook's secret, which is cut out; query strings may hold names: left out.
        _log.info(
            "request",
            request_id=request_id,
            method=scope["method"],
            path=_redacted(scope["path"]),
            status=status,
            client=address,
            ms=round(seconds * 1000, 2),
        )


class _Body:
    """The request's body, refused beyond its bound while it comes in, whatever its Content-Length says."""

    def __init__(self, receive: Receive, bytes_max: int | None) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._bytes = 0

    @property
    def exceeded(self) -> bool:
        return self._bytes_max is not None and self._bytes > self._bytes_max

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.exceeded else message


class _Answer:
    """Passes the answer on, with the request's id, and remembers its status."""

    def __init__(self, send: Send, request_id: str, body: _Body) -> None:
        self._send = send
        self._headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        self._body = body
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if not self._body.exceeded:  # else the application answers a body that broke off, and does not know why
            await self.send_ours(message)

    async def send_ours(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *self._headers]
        await self._send(message)


def _route_of(scope: Scope) -> str:
    """Return the route's template: a bounded set of names, unlike paths."""
    route = scope.get("route") or scope.get("endpoint")
    return str(getattr(route, "path", "unmatched"))


def _redacted(path: str) -> str:
    return _HOOK_SECRET.sub(r"\1…", path)[:200]
