"""The bare HTTP face: what comes in is bounded, what goes out is exact, and connections break as asked."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from lab.errors import LabError
from lab.web import Asked, BreakOff, Face, Said, said_json, said_text, serve_http


async def answer(asked: Asked) -> Said:
    match asked.path:
        case "/echo":
            told = {"query": dict(asked.query), "form": asked.form(), "json": asked.json(), "large": asked.too_large}
            return said_json(201, told | {"size": len(asked.body)}, {"x-mood": "fine"})
        case "/text":
            return said_text(401, "no")
        case "/reset":
            raise BreakOff("reset")
        case "/close":
            raise BreakOff("close")
        case "/cut":
            raise BreakOff("cut")
        case _:
            raise BreakOff("hang", hang_s=0.05)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    face = Face(answer, body_bytes_max=100)
    async with serve_http(face) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as one:
        yield one


async def test_query_form_json_and_headers_arrive(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo?a=1&b=", data={"to": "+254711", "message": "a b"})
    assert response.status_code == 201
    assert response.headers["x-mood"] == "fine"
    seen = response.json()
    assert seen["query"] == {"a": "1", "b": ""}
    assert seen["form"] == {"to": "+254711", "message": "a b"}
    assert seen["json"] is None
    assert (await client.post("/echo", json=[1])).json()["json"] == [1]


async def test_a_body_beyond_the_limit_is_cut_and_told(client: httpx.AsyncClient) -> None:
    seen = (await client.post("/echo", content=b"x" * 100_000)).json()
    assert (seen["large"], seen["size"]) == (True, 100)
    assert not (await client.post("/echo", content=b"x" * 100)).json()["large"]


async def test_text_is_text(client: httpx.AsyncClient) -> None:
    response = await client.get("/text")
    assert (response.status_code, response.text) == (401, "no")
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("/reset", httpx.ReadError),
        ("/close", httpx.RemoteProtocolError),
        ("/cut", httpx.RemoteProtocolError),
        ("/hang", httpx.RemoteProtocolError),
    ],
)
async def test_connections_break_as_asked(client: httpx.AsyncClient, path: str, broken: type[Exception]) -> None:
    with pytest.raises(broken):
        await client.get(path)
    assert (await client.get("/text")).status_code == 401


async def test_who_hangs_up_on_a_hanging_answer_leaves_nothing_behind(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/hang", timeout=0.02)
    await asyncio.sleep(0.1)
    assert (await client.get("/text")).status_code == 401


async def test_a_port_that_is_taken_is_named() -> None:
    async with serve_http(Face(answer)) as port:
        with pytest.raises(LabError, match=str(port)):
            await serve_http(Face(answer), port=port).__aenter__()
