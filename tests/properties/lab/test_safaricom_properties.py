"""Whatever is sent, the simulated Safaricom answers in its own documented words; whatever happens, no money is made."""

import asyncio
import base64
import json
import random
import re
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.clock import HeldClock
from lab.safaricom.face.app import Daraja
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import SANDBOX_PASSKEY, App
from lab.safaricom.phones import DOES, Habit
from lab.safaricom.rail import Rail, Shop

NOON_US = 1_763_715_600_000_000
STAMP = "20251121120000"
PASSWORD = base64.b64encode(f"174379{SANDBOX_PASSKEY}{STAMP}".encode()).decode()
ORDER = {
    "BusinessShortCode": 174379, "Password": PASSWORD, "Timestamp": STAMP, "TransactionType": "CustomerPayBillOnline",
    "Amount": 10, "PartyA": 254711222126, "PartyB": 174379, "PhoneNumber": 254711222126,
    "CallBackURL": "http://127.0.0.1/s", "AccountReference": "A1", "TransactionDesc": "Internet",
}  # fmt: skip
SHOP = {
    "ShortCode": 600638, "ResponseType": "Completed", "ConfirmationURL": "https://isp.example/c",
    "ValidationURL": "https://isp.example/v",
}  # fmt: skip
GOOD = {
    "/mpesa/stkpush/v1/processrequest": ORDER,
    "/mpesa/stkpushquery/v1/query": ORDER | {"CheckoutRequestID": "ws_CO_1"},
    "/mpesa/c2b/v1/registerurl": SHOP,
    "/mpesa/c2b/v2/registerurl": SHOP,
    "/mpesa/c2b/v1/simulate": {
        "ShortCode": 600638, "CommandID": "CustomerPayBillOnline", "Amount": 1, "Msisdn": 254711222126
    },
}  # fmt: skip
DOCUMENTED = {"400.002.02", "400.002.05", "400.003.02", "500.001.1001", "500.003.1001"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
paths = st.sampled_from(sorted(GOOD))


def make() -> tuple[HeldClock, Rail, Daraja]:
    clock = HeldClock(NOON_US)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"ResultCode": 0}))
    rail = Rail(clock=clock, chance=random.Random(7), client=httpx.AsyncClient(transport=transport))
    rail.manner = Manner(queries_per_minute=0)
    rail.directory.add_app(App("key", "secret"))
    return clock, rail, Daraja(rail)


DOORS = sorted(make()[2].endpoints)  # every endpoint of every family


async def exchange(path: str, content: bytes, method: str = "POST") -> httpx.Response:
    clock, rail, face = make()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://daraja") as http:
        grant = await http.get("/oauth/v1/generate?grant_type=client_credentials", auth=("key", "secret"))
        headers = {"Authorization": f"Bearer {grant.json()['access_token']}", "Content-Type": "application/json"}
        answer = await http.request(method, path, content=content, headers=headers)
    await clock.advance(200)
    await rail.settle(1)
    await rail.close()
    return answer


def is_documented(answer: httpx.Response) -> bool:
    if answer.status_code == 200:
        return "ResponseCode" in answer.json()
    said = answer.json()
    return said["errorCode"] in DOCUMENTED and bool(said["errorMessage"])


@settings(max_examples=120)
@given(door=st.sampled_from(DOORS), body=anything)
def test_any_json_at_all_is_answered_in_documented_words(door: tuple[str, str], body: Any) -> None:
    method, path = door
    answer = asyncio.run(exchange(path, json.dumps(body).encode(), method))
    assert answer.status_code in (400, 401, 404, 500)
    assert re.fullmatch(r"[0-9]{3}\.[0-9]{3}(\.[0-9]{2,4})?", answer.json()["errorCode"])
    assert answer.json()["errorMessage"]


@given(path=paths, data=st.data())
def test_a_good_request_with_one_field_turned_to_anything_is_too(path: str, data: st.DataObject) -> None:
    good = GOOD[path]
    field = data.draw(st.sampled_from(sorted(good)))
    body = good | {field: data.draw(anything)}
    assert is_documented(asyncio.run(exchange(path, json.dumps(body).encode())))


@given(path=paths, content=st.binary(max_size=60))
def test_any_bytes_at_all_are_too(path: str, content: bytes) -> None:
    assert is_documented(asyncio.run(exchange(path, content)))


steps = st.one_of(
    st.tuples(st.just("push"), st.integers(0, 2), st.integers(1, 260_000)),
    st.tuples(st.just("pay"), st.integers(0, 2), st.integers(1, 250_000)),
    st.tuples(st.just("habit"), st.integers(0, 2), st.sampled_from([does for does in DOES if does != "fail"])),
    st.tuples(st.just("wait"), st.integers(0, 200), st.just(0)),
    st.tuples(st.just("manner"), st.sampled_from(["lose", "copies", "hold", "early", "retries"]), st.just(0)),
)
DAYS = {
    "lose": Manner(lose=1), "copies": Manner(copies=3, at_once=True), "hold": Manner(hold=True),
    "early": Manner(early=True), "retries": Manner(retries=2, locked="callback"),
}  # fmt: skip


async def live(story: list[tuple[str, Any, Any]]) -> None:
    clock, rail, face = make()
    rail.register(Shop("174379", "http://127.0.0.1/c", "http://127.0.0.1/v"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://daraja") as http:
        for verb, one, two in story:
            phone = f"25471122212{one}"
            if verb == "push":
                grant = await http.get("/oauth/v1/generate?grant_type=client_credentials", auth=("key", "secret"))
                headers = {"Authorization": f"Bearer {grant.json()['access_token']}"}
                body = ORDER | {"PhoneNumber": phone, "Amount": two}
                await http.post("/mpesa/stkpush/v1/processrequest", json=body, headers=headers)
            elif verb == "pay":
                await rail.pay(phone, "174379", "A1", two * 100)
            elif verb == "habit":
                rail.phones.get(phone).habit = Habit(two)
            elif verb == "wait":
                await clock.advance(one)
            else:
                rail.manner = DAYS[one]
            assert rail.phones.total_cents + rail.accounts.total_cents == rail.phones.brought_in_cents
    await clock.advance(1_000)
    await rail.close()
    paid_cents = sum(payment.amount_cents for payment in rail.record.list_paid())
    assert rail.accounts.total_cents == rail.record.paid_cents == paid_cents
    assert rail.phones.total_cents + rail.accounts.total_cents == rail.phones.brought_in_cents
    assert all(phone.balance_cents >= 0 for phone in rail.phones.list_all())
    assert {push.receipt for push in rail.pushes.list_all() if push.is_paid} == {
        payment.receipt for payment in rail.record.list_paid() if payment.road == "stk"
    }


@settings(max_examples=30)
@given(story=st.lists(steps, max_size=25))
def test_no_story_makes_or_loses_a_shilling(story: list[tuple[str, Any, Any]]) -> None:
    asyncio.run(live(story))
