"""The webhooks of the payment rails: store, then answer what the rail expects.

Plain Starlette routes: these bodies are nobody's model, and this is the path that is measured.
"""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cloud.api.deps import ApiDeps
from cloud.api.problems import Raised
from cloud.db.inbox import DatabaseGone
from cloud.payments.inbox import InboxUnavailable
from cloud.payments.webhooks import RAW_BYTES_MAX, Hook, HookUnknown, Received

BODY_TIMEOUT_S = 10.0
"""The rail itself waits about eight."""

_SEND_AGAIN = "Nothing can be stored just now. Send it again in a few seconds."
_BROKE_OFF = "The body did not come to its end. Send the request again."
_UNKNOWN = "There is no such path here. Register the URL that the list of shortcodes shows."


class HookEnd:
    """One of the two ends of a webhook. `path` is its name in the figures."""

    def __init__(self, deps: ApiDeps, kind: str) -> None:
        self.path = f"/hooks/p/{{token}}/{kind}"
        self._webhooks = deps.webhooks
        self._answer = deps.webhooks.confirm if kind == "confirm" else deps.webhooks.validate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one callback."""
        request = Request(scope, receive)
        hook = await self._hook(request.path_params["token"])
        received, whole = await _read(request)
        try:
            answer = await self._answer(hook, received)
        except InboxUnavailable as error:
            raise Raised(503, "unavailable", _SEND_AGAIN, {"Retry-After": "5"}) from error
        if not whole:
            raise Raised(408, "broke-off", _BROKE_OFF, {"Connection": "close"})
        headers = {"Connection": "close"} if received.cut else None
        await Response(answer, 200, headers, "application/json")(scope, receive, send)

    async def _hook(self, token: str) -> Hook:
        try:
            return await self._webhooks.check(token)
        except HookUnknown as error:
            raise Raised(404, "not-found", _UNKNOWN) from error
        except DatabaseGone as error:
            raise Raised(503, "unavailable", _SEND_AGAIN, {"Retry-After": "5"}) from error


def hook_routes(deps: ApiDeps) -> list[Route]:
    """Return the routes, to stand before all others."""
    return [
        Route(f"/hooks/p/{{token}}/{kind}", HookEnd(deps, kind), methods=["POST"]) for kind in ("confirm", "validate")
    ]


async def _read(request: Request) -> tuple[Received, bool]:
    """Read a body up to the bound, and say whether it was sent to its end or the bound.

    What is longer, or breaks off, is kept as far as it came.
    """
    source: str | None = request.state.client
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > RAW_BYTES_MAX:
                    cut = f"the body is larger than {RAW_BYTES_MAX} bytes; only its beginning was kept"
                    return Received(bytes(raw[:RAW_BYTES_MAX]), source, cut), True
    except (ClientDisconnect, TimeoutError):
        return Received(bytes(raw), source, f"the body broke off after {len(raw)} bytes"), False
    return Received(bytes(raw), source), True
