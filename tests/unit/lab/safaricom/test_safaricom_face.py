"""Daraja's HTTP face refuses and accepts in its own words."""

import random
from collections.abc import AsyncIterator

import httpx
import pytest

from lab.clock import SystemClock
from lab.safaricom.face.app import Daraja
from lab.safaricom.organisations import App
from lab.safaricom.rail import Rail

GRANT = "/oauth/v1/generate?grant_type=client_credentials"
SHOP = {
    "ShortCode": "600638",
    "ResponseType": "Completed",
    "ConfirmationURL": "https://isp.example/hooks/p/ab/confirm",
    "ValidationURL": "https://isp.example/hooks/p/ab/validate",
}


def take(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"ResultCode": 0, "ResultDesc": "Success"})


@pytest.fixture
async def rail() -> AsyncIterator[Rail]:
    made = Rail(
        clock=SystemClock(), chance=random.Random(2), client=httpx.AsyncClient(transport=httpx.MockTransport(take))
    )
    yield made
    await made.close()


@pytest.fixture
async def daraja(rail: Rail) -> AsyncIterator[httpx.AsyncClient]:
    rail.directory.add_app(App("key", "secret"))
    face = Daraja(rail)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://daraja") as client:
        yield client


async def bearer(daraja: httpx.AsyncClient) -> dict[str, str]:
    answer = (await daraja.get(GRANT, auth=("key", "secret"))).json()
    assert answer["expires_in"] == "3599"
    return {"Authorization": f"Bearer {answer['access_token']}"}


async def test_a_wrong_key_gets_an_empty_400(daraja: httpx.AsyncClient) -> None:
    answer = await daraja.get(GRANT, auth=("key", "wrong"))
    assert (answer.status_code, answer.content) == (400, b"")


async def test_a_new_token_puts_the_old_one_out(daraja: httpx.AsyncClient) -> None:
    old = await bearer(daraja)
    await bearer(daraja)
    answer = await daraja.post("/mpesa/c2b/v2/registerurl", json=SHOP, headers=old)
    assert answer.json()["errorCode"] == "400.003.01"


async def test_registered_then_simulated_money_shows_in_the_statement(daraja: httpx.AsyncClient, rail: Rail) -> None:
    token = await bearer(daraja)
    registered = (await daraja.post("/mpesa/c2b/v2/registerurl", json=SHOP, headers=token)).json()
    assert registered["ResponseDescription"] == "success"
    assert "OriginatorCoversationID" in registered
    payment = {"ShortCode": "600638", "CommandID": "CustomerPayBillOnline", "Amount": 10, "Msisdn": "254708374149"}
    answer = await daraja.post("/mpesa/c2b/v2/simulate", json=payment | {"BillRefNumber": "A1"}, headers=token)
    assert answer.json()["ResponseCode"] == "0"
    await rail.settle(5)
    (line,) = (await daraja.get("/lab/statement/600638")).json()["items"]
    assert (line["paid_in_cents"], line["bill_reference"]) == (1_000, "A1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ValidationURL": "https://isp.example/mpesa"}, "URL has the word MPESA"),
        ({"ResponseType": "completed"}, "Invalid ResponseType"),
        ({"ConfirmationURL": "not an address"}, "Invalid ConfirmationURL"),
    ],
)
async def test_bad_registrations_are_refused(daraja: httpx.AsyncClient, change: dict[str, str], words: str) -> None:
    answer = await daraja.post("/mpesa/c2b/v2/registerurl", json=SHOP | change, headers=await bearer(daraja))
    assert answer.status_code == 400
    assert words in answer.json()["errorMessage"]


async def test_a_body_that_is_no_json_is_refused(daraja: httpx.AsyncClient) -> None:
    answer = await daraja.post(
        "/mpesa/c2b/v2/simulate", content=b"{", headers=await bearer(daraja) | {"Content-Type": "application/json"}
    )
    assert answer.json()["errorCode"] == "400.002.05"
