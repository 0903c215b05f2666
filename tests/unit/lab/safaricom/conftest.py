"""A simulated Safaricom whose clock we hold, a receiver of its callbacks, and a client with the right password."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from lab.clock import HeldClock
from lab.safaricom.face.app import Daraja
from lab.safaricom.organisations import SANDBOX_PASSKEY, App, Environment
from lab.safaricom.rail import Rail, Shop
from tests.support.organisation import Office, open_office

NOON_US = 1_763_715_600_000_000  # 2025-11-21 12:00 in Nairobi
STAMP = "20251121120000"
PHONE = "254711222126"
TILL, STORE = "5123456", "174380"


class Receiver:
    """Takes callbacks by path and keeps them in the order of their coming."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answer: Callable[[str, dict[str, Any]], httpx.Response | None] = lambda _path, _body: None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.got.append((request.url.path, body))
        answer = self.answer(request.url.path, body)
        if isinstance(answer, httpx.Response):
            return answer
        if answer is not None:
            await answer
        return httpx.Response(200, json={"ResultCode": 0, "ResultDesc": "Accepted"})

    def at(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.got if where == path]

    @property
    def stk(self) -> list[dict[str, Any]]:
        return [body["Body"]["stkCallback"] for body in self.at("/s")]


class World:
    """Everything a test needs; `wait` moves the hands."""

    def __init__(self, environment: Environment = "sandbox") -> None:
        self.clock = HeldClock(NOON_US)
        self.receiver = Receiver()
        callbacks = httpx.AsyncClient(transport=httpx.MockTransport(self.receiver))
        self.rail = Rail(clock=self.clock, chance=random.Random(7), client=callbacks, environment=environment)
        self.rail.directory.add_app(App("key", "secret", environment=environment))
        self.face = Daraja(self.rail)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.face), base_url="http://daraja")
        self._bearer = ""

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    def register(self, shortcode: str = "174379", *, validation: bool = True, **more: Any) -> None:
        url = "http://127.0.0.1/v" if validation else None
        self.rail.register(Shop(shortcode, "http://127.0.0.1/c", url, **more))

    async def bearer(self, key: str = "key", secret: str = "secret") -> dict[str, str]:
        answer = await self.http.get("/oauth/v1/generate?grant_type=client_credentials", auth=(key, secret))
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        if headers is None:
            self._bearer = self._bearer or (await self.bearer())["Authorization"]
            headers = {"Authorization": self._bearer}
        return await self.http.post(path, json=body, headers=headers)

    def order(self, **changes: Any) -> dict[str, Any]:
        """A good push; None leaves a field out."""
        order = {
            "BusinessShortCode": 174379, "Password": password("174379"), "Timestamp": STAMP,
            "TransactionType": "CustomerPayBillOnline", "Amount": 1500, "PartyA": int(PHONE), "PartyB": 174379,
            "PhoneNumber": int(PHONE), "CallBackURL": "http://127.0.0.1/s", "AccountReference": "ACC1001",
            "TransactionDesc": "Internet",
        }  # fmt: skip
        return {name: value for name, value in (order | changes).items() if value is not None}

    async def push(self, **changes: Any) -> httpx.Response:
        return await self.post("/mpesa/stkpush/v1/processrequest", self.order(**changes))

    async def pushed(self, **changes: Any) -> str:
        """The CheckoutRequestID of a push that was taken."""
        answer = (await self.push(**changes)).json()
        assert answer["ResponseCode"] == "0", answer
        return str(answer["CheckoutRequestID"])

    async def query(self, checkout: str, **changes: Any) -> httpx.Response:
        body = {"BusinessShortCode": "174379", "Password": password("174379"), "Timestamp": STAMP}
        return await self.post("/mpesa/stkpushquery/v1/query", body | {"CheckoutRequestID": checkout} | changes)

    async def close(self) -> None:
        await self.http.aclose()
        await self.rail.close()


def password(shortcode: str, passkey: str = SANDBOX_PASSKEY, stamp: str = STAMP) -> str:
    return base64.b64encode(f"{shortcode}{passkey}{stamp}".encode()).decode()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


@pytest.fixture
async def production() -> AsyncIterator[World]:
    made = World("production")
    yield made
    await made.close()


@pytest.fixture
def make_password() -> Callable[..., str]:
    return password


@pytest.fixture
def never() -> Callable[[str, dict[str, Any]], Any]:
    """A receiver's answer that does not come."""
    return lambda _path, _body: asyncio.Event().wait()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened
