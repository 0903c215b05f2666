"""The doorman: tokens and their odd refusals, per family; wrong paths, methods and bodies; the bad days."""

from typing import Any

import httpx
import pytest

from lab.safaricom.face.outages import KINDS, Outage
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import App

GRANT = "/oauth/v1/generate?grant_type=client_credentials"
PUSH = "/mpesa/stkpush/v1/processrequest"
QUERY = "/mpesa/stkpushquery/v1/query"
REGISTER = "/mpesa/c2b/v2/registerurl"


@pytest.mark.parametrize(("life", "value"), [("string", "3599"), ("number", 3599), ("missing", None)])
async def test_the_life_of_a_token_is_a_string_a_number_or_unsaid(world: Any, life: Any, value: object) -> None:
    world.rail.manner = Manner(expires_in=life)
    said = (await world.http.get(GRANT, auth=("key", "secret"))).json()
    assert said.get("expires_in") == value
    assert len(said["access_token"]) == 28


@pytest.mark.parametrize(
    ("authorization", "path", "code"),
    [
        ("", GRANT, "400.008.01"),
        ("Bearer a2V5OnNlY3JldA==", GRANT, "400.008.01"),
        ("Basic", GRANT, "400.008.01"),
        ("Basic a2V5OnNlY3JldA==", "/oauth/v1/generate?grant_type=password", "400.008.02"),
        ("Basic a2V5OnNlY3JldA==", "/oauth/v1/generate", "400.008.02"),
        ("Basic a2V5Ondyb25n", GRANT, None),
        ("Basic ***", GRANT, None),
        ("Basic //79", GRANT, None),
    ],
)
async def test_oauth_refuses_in_its_own_ways(world: Any, authorization: str, path: str, code: str | None) -> None:
    answer = await world.http.get(path, headers={"Authorization": authorization})
    assert answer.status_code == 400
    assert (answer.json()["errorCode"] == code) if code else answer.content == b""


async def test_a_key_of_the_other_environment_gets_the_empty_400(production: Any) -> None:
    production.rail.directory.add_app(App("other", "secret", environment="sandbox"))
    answer = await production.http.get(GRANT, auth=("other", "secret"))
    assert (answer.status_code, answer.content) == (400, b"")


FAMILIES = [
    (PUSH, 404, "404.001.03", "Invalid Access Token"),
    (QUERY, 404, "404.001.03", "Invalid Access Token"),
    (REGISTER, 400, "400.003.01", "Invalid Access Token"),
    ("/mpesa/c2b/v1/simulate", 400, "400.003.01", "Invalid Access Token"),
]


@pytest.mark.parametrize(("path", "status", "code", "message"), FAMILIES)
async def test_a_bad_bearer_is_refused_in_the_way_of_its_family(
    world: Any, path: str, status: int, code: str, message: str
) -> None:
    answer = await world.post(path, {}, {"Authorization": "Bearer nobody's"})
    assert (answer.status_code, answer.json()["errorCode"], answer.json()["errorMessage"]) == (status, code, message)


async def test_a_token_ends_after_its_hour(world: Any) -> None:
    assert (await world.push()).status_code == 200
    await world.wait(3_598)
    assert (await world.push(Amount=2)).status_code == 200
    await world.wait(2)
    assert (await world.push(Amount=3)).json()["errorCode"] == "404.001.03"


@pytest.mark.parametrize(("one", "status"), [(True, 404), (False, 200)])
async def test_a_newer_token_puts_the_older_out_unless_told_otherwise(world: Any, one: bool, status: int) -> None:
    world.rail.manner = Manner(one_token=one)
    old = await world.bearer()
    await world.bearer()
    assert (await world.post(PUSH, world.order(), old)).status_code == status


async def test_apps_have_their_own_tokens_and_products(world: Any) -> None:
    world.rail.directory.add_app(App("c2b only", "secret", frozenset({"c2b-v2"})))
    bearer = await world.bearer("c2b only")
    assert (await world.push()).status_code == 200
    for path in (PUSH, "/mpesa/c2b/v1/registerurl"):
        answer = await world.post(path, {}, bearer)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "401.003.01")
        assert "no apiproduct match found" in answer.json()["errorMessage"]
    assert (await world.post(REGISTER, {}, bearer)).json()["errorCode"] == "400.003.02"


async def test_wrong_paths_methods_and_headers(world: Any) -> None:
    bearer = await world.bearer()
    said = [
        await world.http.post("/mpesa/stkpush/v2/processrequest", json={}, headers=bearer),
        await world.http.get(PUSH, headers=bearer),
        await world.http.post("/oauth/v1/generate", headers=bearer),
        await world.http.post(PUSH, json={}),
        await world.http.post(PUSH, json={}, headers={"Authorization": "Basic a2V5OnNlY3JldA=="}),
    ]
    codes = [(answer.status_code, answer.json()["errorCode"]) for answer in said]
    missing = (404, "404.001.04")
    assert codes == [(404, "404.001.01"), (405, "405.001"), (405, "405.001"), missing, missing]


async def test_production_simulates_nothing(production: Any) -> None:
    answer = await production.post("/mpesa/c2b/v2/simulate", {})
    assert answer.json()["errorCode"] == "404.001.01"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"x"', b'{"Amount": NaN}', b'{"A": "\\ud800"}', b"\xff"]
)
async def test_a_body_that_is_no_json_object_is_malformed(world: Any, content: bytes) -> None:
    headers = await world.bearer() | {"Content-Type": "application/json"}
    answer = await world.http.post(PUSH, content=content, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.05")


async def test_deep_nests_and_long_numbers_are_malformed_too(world: Any) -> None:
    headers = await world.bearer() | {"Content-Type": "application/json"}
    for content in (b"[" * 50_000, b'{"Amount": ' + b"9" * 5_000 + b"}"):
        answer = await world.http.post(PUSH, content=content, headers=headers)
        assert answer.json()["errorCode"] == "400.002.05"


async def test_json_that_is_not_called_json_has_no_fields(world: Any) -> None:
    answer = await world.http.post(PUSH, data=world.order(), headers=await world.bearer())
    assert answer.json()["errorMessage"] == "Bad Request - Invalid BusinessShortCode"


async def test_a_body_beyond_the_limit_is_refused_by_the_gateway(world: Any) -> None:
    answer = await world.push(Extra="x" * 70_000)
    assert (answer.status_code, answer.json()["fault"]["detail"]["errorcode"]) == (413, "protocol.http.TooBigBody")


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("empty", 200, ""),
        ("html", 200, "<html>"),
        ("soap", 500, "soapenv:Fault"),
        ("busy", 500, "500.003.02"),
        ("quota", 500, "500.003.03"),
        ("spike", 429, "policies.ratelimit.SpikeArrestViolation"),
    ],
)
async def test_a_bad_day_answers_everything_in_its_way(world: Any, kind: Any, status: int, words: str) -> None:
    world.face.outage = Outage(kind)
    answer = await world.http.get(GRANT, auth=("key", "secret"))
    assert answer.status_code == status
    assert words in answer.text if words else answer.content == b""


async def test_a_broken_connection_gives_no_answer(world: Any) -> None:
    world.face.outage = Outage("reset")
    with pytest.raises((httpx.TransportError, ConnectionResetError)):
        await world.http.get(GRANT, auth=("key", "secret"))


async def test_an_outage_strikes_its_path_and_its_share_only(world: Any) -> None:
    world.face.outage = Outage("busy", "/mpesa/stkpushquery")
    assert (await world.push()).status_code == 200
    world.face.outage = Outage("busy", "/mpesa/", 0.5)
    statuses = [(await world.post(PUSH, {})).status_code for _ in range(40)]
    assert 5 < sum(status == 500 for status in statuses) < 40


def test_an_outage_of_no_kind_is_refused() -> None:
    assert "reset" in KINDS
    with pytest.raises(ValueError, match="no outage of kind 'rain'"):
        Outage.of("rain", "/", 1.0)
