"""Daraja's HTTP face: OAuth, register and simulate, with its real spellings and its real refusals."""

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from lab.clock import Clock
from lab.safaricom.rail import BadRegistration, Rail, Shop

BODY_BYTES_MAX = 64 * 1024
TOKEN_LIFE_S = 3599

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, Any]
"""Status and JSON body; None for an empty body, which is how Daraja refuses a wrong key."""


class DarajaFace:
    """A bare ASGI application over a rail."""

    def __init__(self, rail: Rail, clock: Clock, *, consumer_key: str, consumer_secret: str) -> None:
        self._rail = rail
        self._clock = clock
        self._basic = "Basic " + base64.b64encode(f"{consumer_key}:{consumer_secret}".encode()).decode()
        self._token: tuple[str, int] = ("", 0)
        self.string_expiry = True
        """`expires_in` has been seen both as a string and as a number."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status, answer = await self._answer(scope["method"], scope["path"], headers, await _body(receive))
        payload = b"" if answer is None else json.dumps(answer).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": payload})

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        if path == "/oauth/v1/generate" and method == "GET":
            return self._oauth(headers.get("authorization", ""))
        if path.startswith("/lab/"):
            return await self._lab(method, path)
        if headers.get("authorization") != f"Bearer {self._live_token()}":
            return _refusal(400, "400.003.01", "Invalid Access Token")
        if not isinstance(body, dict):
            return _refusal(400, "400.002.02", "Bad Request - Invalid Request Payload")
        if path in {"/mpesa/c2b/v1/registerurl", "/mpesa/c2b/v2/registerurl"}:
            return self._register(body)
        if path in {"/mpesa/c2b/v1/simulate", "/mpesa/c2b/v2/simulate"}:
            return await self._simulate(body)
        return _refusal(404, "404.001.01", "Resource not found")

    def _oauth(self, authorization: str) -> Answer:
        if not authorization.startswith("Basic "):
            return _refusal(400, "400.008.01", "Invalid Authentication passed")
        if not secrets.compare_digest(authorization, self._basic):
            return 400, None
        token = secrets.token_hex(14)
        # One live token per app: a new one puts the old one out.
        self._token = (token, self._clock.monotonic_us() + TOKEN_LIFE_S * 1_000_000)
        life: str | int = str(TOKEN_LIFE_S) if self.string_expiry else TOKEN_LIFE_S
        return 200, {"access_token": token, "expires_in": life}

    def _live_token(self) -> str | None:
        token, until_us = self._token
        return token if token and self._clock.monotonic_us() < until_us else None

    def _register(self, body: dict[str, Any]) -> Answer:
        kind: Literal["Completed", "Cancelled"]
        match body.get("ResponseType"):
            case "Completed":
                kind = "Completed"
            case "Cancelled":
                kind = "Cancelled"
            case _:
                return _refusal(400, "400.003.02", "Bad Request - Invalid ResponseType")
        shop = Shop(
            str(body.get("ShortCode", "")),
            str(body.get("ConfirmationURL", "")),
            str(body.get("ValidationURL", "")) or None,
            kind,
        )
        try:
            self._rail.register(shop)
        except BadRegistration as refusal:
            return _refusal(400, "400.003.02", str(refusal))
        return 200, _accepted("success")

    async def _simulate(self, body: dict[str, Any]) -> Answer:
        try:
            cents = int(str(body["Amount"])) * 100
            self._rail.get_shop(str(body["ShortCode"]))
            msisdn, reference = str(body["Msisdn"]), str(body.get("BillRefNumber") or "")
            await self._rail.pay(msisdn, str(body["ShortCode"]), reference, cents)
        except (KeyError, ValueError) as error:
            return _refusal(400, "400.002.02", f"Bad Request - Invalid {error}")
        return 200, _accepted("Accept the service request successfully.")

    async def _lab(self, method: str, path: str) -> Answer:
        """What no real rail offers: its record, for whoever checks books against it."""
        await asyncio.sleep(0)
        if method == "GET" and path.startswith("/lab/statement/"):
            lines = self._rail.record.statement(path.rsplit("/", 1)[-1])
            return 200, {"items": [{name: getattr(line, name) for name in line.__slots__} for line in lines]}
        return 404, {"error": "known here: /lab/statement/<shortcode>"}


async def _body(receive: Receive) -> Any:
    """Read the request's JSON; None when it is none, or too much."""
    read = b""
    while True:
        message = await receive()
        read += message.get("body", b"")
        if len(read) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            break
    try:
        return json.loads(read) if read else None
    except ValueError:
        return None


def _refusal(status: int, code: str, message: str) -> Answer:
    return status, {"requestId": secrets.token_hex(8), "errorCode": code, "errorMessage": message}


def _accepted(description: str) -> dict[str, str]:
    """The key is misspelt by Daraja."""
    return {"OriginatorCoversationID": secrets.token_hex(8), "ResponseCode": "0", "ResponseDescription": description}
