"""What a stranger's client meets that was told nothing but the address: HTTP's corners, the sandbox's own values."""

import asyncio
import base64
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.clock import SystemClock
from lab.safaricom.command import rail_of
from lab.safaricom.face.app import Daraja
from lab.safaricom.organisations import SANDBOX_PASSKEY
from lab.safaricom.server import serve
from lab.web import Asked, Face, Said, said_json, serve_http

PUSH = "/mpesa/stkpush/v1/processrequest"
OAUTH = "/oauth/v1/generate?grant_type=client_credentials"
STAMP = "20261122101500"


class Stranger:
    """The simulation as the command line starts it, a receiver, and bytes as a client of one's own would send them."""

    def __init__(self, port: int, hooks: int, client: httpx.AsyncClient) -> None:
        self.port = port
        self.hooks = f"http://127.0.0.1:{hooks}"
        self.client = client
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def take(self, asked: Asked) -> Said:
        self.told.put_nowait((asked.path, asked.json()))
        return said_json(200, {"ResultCode": 0, "ResultDesc": "Accepted"})

    async def bearer(self) -> str:
        answer = await self.client.get(OAUTH, auth=("lab-key", "lab-secret"))
        return f"Bearer {answer.json()['access_token']}"

    def order(self, **changes: Any) -> dict[str, Any]:
        password = base64.b64encode(f"174379{SANDBOX_PASSKEY}{STAMP}".encode()).decode()
        return {
            "BusinessShortCode": "174379", "Password": password, "Timestamp": STAMP, "PartyB": "174379",
            "TransactionType": "CustomerPayBillOnline", "Amount": "1", "PartyA": "254708374149",
            "PhoneNumber": "254708374149", "CallBackURL": f"{self.hooks}/s", "AccountReference": "CompanyXLTD",
            "TransactionDesc": "Payment of X",
        } | changes  # fmt: skip

    async def raw(self, *sent: bytes) -> tuple[list[bytes], bytes]:
        """Send piece by piece; what came after each piece but the last, and then the whole rest."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            came = []
            for piece in sent[:-1]:
                writer.write(piece)
                came.append(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5))
            writer.write(sent[-1])
            return came, await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    rail = rail_of(after_s=0.05)
    made: list[Stranger] = []
    async with (
        serve(Daraja(rail)) as port,
        serve_http(Face(lambda asked: made[0].take(asked))) as hooks,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        made.append(Stranger(port, hooks, client))
        yield made[0]
    await rail.close()


async def test_the_portals_test_credentials_work_without_any_configuration(stranger: Stranger) -> None:
    client, bearer = stranger.client, {"Authorization": await stranger.bearer()}
    assert (await client.post(PUSH, json=stranger.order(), headers=bearer)).json()["ResponseCode"] == "0"
    path, told = await asyncio.wait_for(stranger.told.get(), 5)
    assert (path, told["Body"]["stkCallback"]["ResultCode"]) == ("/s", 0)
    pem = (await client.get("/lab/certificate.pem")).content
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    for number, secret in enumerate((b"Safaricom999!*!", b"Safaricom123!!")):
        payout = {
            "OriginatorConversationID": f"own-{number}", "InitiatorName": "testapi", "Amount": 10,
            "SecurityCredential": base64.b64encode(key.encrypt(secret, padding.PKCS1v15())).decode(),
            "CommandID": "BusinessPayment", "PartyA": "600998", "PartyB": "254708374149", "Remarks": "here",
            "QueueTimeOutURL": f"{stranger.hooks}/q", "ResultURL": f"{stranger.hooks}/r", "Occassion": "Christmas",
        }  # fmt: skip
        taken = await client.post("/mpesa/b2c/v3/paymentrequest", json=payout, headers=bearer)
        assert taken.json()["ResponseDescription"] == "Accept the service request successfully."
        path, told = await asyncio.wait_for(stranger.told.get(), 5)
        assert (path, told["Result"]["ResultCode"]) == ("/r", 0), told


async def test_a_payment_to_a_test_shortcode_needs_no_registration_of_the_shortcode(stranger: Stranger) -> None:
    client, bearer = stranger.client, {"authorization": await stranger.bearer()}
    urls = {"ConfirmationURL": f"{stranger.hooks}/c", "ValidationURL": f"{stranger.hooks}/v"}
    register = {"ShortCode": "600984", "ResponseType": "Completed"} | urls
    assert (await client.post("/mpesa/c2b/v1/registerurl", json=register, headers=bearer)).status_code == 200
    payment = {"ShortCode": 600984, "CommandID": "CustomerPayBillOnline", "Amount": 1, "Msisdn": 254708374149}
    answer = await client.post("/mpesa/c2b/v1/simulate", json=payment | {"BillRefNumber": "x"}, headers=bearer)
    assert answer.json()["ResponseDescription"] == "Accept the service request successfully."
    path, told = await asyncio.wait_for(stranger.told.get(), 5)
    assert (path, len(told["MSISDN"])) == ("/c", 64)
    assert {type(value) for value in told.values()} == {str}


async def test_chunks_a_question_before_the_body_and_loud_header_names_are_understood(stranger: Stranger) -> None:
    bearer, body = (await stranger.bearer()).encode(), json.dumps(stranger.order()).encode()
    head = b"POST %s?trace=1 HTTP/1.1\r\nHOST: x\r\nAUTHORIZATION: %s\r\nCONTENT-TYPE: APPLICATION/JSON\r\n"
    head = head % (PUSH.encode(), bearer)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:7], body[7:])) + b"0\r\n\r\n"
    _, answer = await stranger.raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"ResponseCode": "0"' in answer
    length = b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(body)
    (first,), answer = await stranger.raw(head + length, body)
    assert first.startswith(b"HTTP/1.1 100")
    assert b"Unable to lock subscriber" in answer


async def test_a_connection_is_kept_for_many_requests_and_head_has_no_body(stranger: Stranger) -> None:
    one = b"HEAD /oauth/v1/generate HTTP/1.1\r\nHost: x\r\n\r\n"
    came, rest = await stranger.raw(one, one, one.replace(b"x\r\n", b"x\r\nConnection: close\r\n"))
    assert [each.startswith(b"HTTP/1.1 405 ") for each in [*came, rest]] == [True] * 3
    assert rest.endswith(b"\r\n\r\n")


async def test_other_methods_other_paths_and_other_encodings_get_darajas_own_words(stranger: Stranger) -> None:
    client, bearer = stranger.client, {"Authorization": await stranger.bearer()}
    seen = [
        await client.options(PUSH),
        await client.get(PUSH, headers=bearer),
        await client.post(f"{PUSH}/", json=stranger.order(), headers=bearer),
        await client.post(
            PUSH, content=gzip.compress(json.dumps(stranger.order()).encode()),
            headers=bearer | {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        ),
        await client.post(PUSH, content=b"", headers=bearer | {"Content-Type": "application/json"}),
    ]  # fmt: skip
    assert [(each.status_code, each.json()["errorCode"]) for each in seen] == [
        (405, "405.001"), (405, "405.001"), (404, "404.001.01"), (400, "400.002.05"), (400, "400.002.05"),
    ]  # fmt: skip
    assert all(set(each.json()) == {"requestId", "errorCode", "errorMessage"} for each in seen)
    assert "server" not in seen[0].headers


async def test_three_hundred_requests_at_once_are_all_answered(stranger: Stranger) -> None:
    bearer = {"Authorization": await stranger.bearer()}
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(base_url=str(stranger.client.base_url), limits=limits, trust_env=False) as client:
        began_s = time.monotonic()
        answers = await asyncio.gather(
            *(
                client.post(PUSH, json=stranger.order(PhoneNumber=str(254_711_000_000 + n)), headers=bearer, timeout=20)
                for n in range(300)
            )
        )
    assert {each.json().get("ResponseCode") for each in answers} == {"0"}
    assert len({each.json()["CheckoutRequestID"] for each in answers}) == 300
    for _ in range(300):
        await asyncio.wait_for(stranger.told.get(), 10)
    assert time.monotonic() - began_s < 20


async def test_no_result_overtakes_its_acknowledgement(stranger: Stranger) -> None:
    bearer, clock = {"Authorization": await stranger.bearer()}, SystemClock()
    question = {
        "Initiator": "testapi", "SecurityCredential": "bad", "CommandID": "AccountBalance", "PartyA": 600000,
        "IdentifierType": "4", "Remarks": "x", "QueueTimeOutURL": f"{stranger.hooks}/q",
        "ResultURL": f"{stranger.hooks}/r",
    }  # fmt: skip
    taken = await stranger.client.post("/mpesa/accountbalance/v1/query", json=question, headers=bearer)
    answered_us = clock.monotonic_us()
    _, told = await asyncio.wait_for(stranger.told.get(), 5)
    assert told["Result"]["ConversationID"] == taken.json()["ConversationID"]
    assert clock.monotonic_us() - answered_us > 200_000
