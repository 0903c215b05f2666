"""The doors: REST page by page, refusals as errors, and the router's control door line by line."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from lab.cloud_door import CloudDoor
from lab.errors import Refused
from lab.people import mistyped
from lab.router_door import RouterDoor
from lab.timeline import hops, instant_us


def cloud_of(answer: Any) -> CloudDoor:
    return CloudDoor("http://cloud/", "secret", client=httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_a_list_is_walked_page_by_page() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer secret"
        cursor = int(request.url.params.get("cursor", "0"))
        following = str(cursor + 1) if cursor < 2 else None
        return httpx.Response(200, json={"items": [{"n": cursor}], "next_cursor": following})

    async with cloud_of(pages) as cloud:
        assert await cloud.list_all("/v1/payments", state="posted") == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_every_post_is_its_own_intention() -> None:
    keys = []

    def take(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(201, json={"id": "1"})

    async with cloud_of(take) as cloud:
        await cloud.post("/v1/payments/cash", {"amount_cents": 1})
        await cloud.post("/v1/payments/cash", {"amount_cents": 1})
    assert len(set(keys)) == 2


async def test_a_refusal_carries_status_and_code() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json={"code": "claim_used", "detail": "..."})

    async with cloud_of(refuse) as cloud:
        with pytest.raises(Refused) as refusal:
            await cloud.get("/v1/sites")
    assert (refusal.value.status, refusal.value.code) == (409, "claim_used")


async def _control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        asked = json.loads(line)
        if asked["do"] == "vanish":
            break
        answer = {"error": "no such user"} if asked.get("user") == "ghost" else {"reach": asked["to"] == "10.0.0.2"}
        writer.write(json.dumps(answer).encode() + b"\n")
    writer.close()


async def test_the_router_door_asks_and_is_refused_and_comes_back_after_a_break() -> None:
    server = await asyncio.start_server(_control, "127.0.0.1", 0)
    async with server, RouterDoor(*server.sockets[0].getsockname()[:2]) as door:
        assert await door.reaches("jane", "10.0.0.2")
        assert not await door.reaches("jane", "198.51.100.7")
        with pytest.raises(Refused, match="no such user"):
            await door.reaches("ghost", "10.0.0.2")
        with pytest.raises(ConnectionResetError):
            await door.ask("vanish")
        assert await door.reaches("jane", "10.0.0.2")
    await asyncio.sleep(0.01)  # for the server's side to see the end


@pytest.mark.parametrize("number", ["10017", "A-1001-9", "9"])
def test_a_mistyped_number_is_one_digit_off(number: str) -> None:
    wrong = mistyped(number)
    assert sum(a != b for a, b in zip(number, wrong, strict=True)) == 1


def test_the_hops_of_a_payment_are_those_after_it_left_the_phone() -> None:
    def item(kind: str, at_us: int, **data: int) -> dict[str, Any]:
        return {"kind": kind, "at": "2026-01-01T00:00:00Z", "data": {"at_us": at_us, **data}}

    timeline = [
        item("applied", 50),
        item("payment_received", 101),
        item("payment_posted", 103),
        item("applied", 120, stored_at_us=110, verified_at_us=119, wrote_at_us=115, read_at_us=0),
        item("online", 121),
    ]
    names = [hop.name for hop in hops(timeline, 100)]
    assert names[:4] == ["callback received", "posted", "agent stored", "router wrote"]


def test_instants_are_read_to_the_microsecond() -> None:
    assert instant_us("2026-01-01T00:00:00.000007Z") == 1_767_225_600_000_007
