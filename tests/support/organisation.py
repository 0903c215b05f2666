"""An organisation at the simulated Safaricom: asks its endpoints, catches what is posted back, holds the clock."""

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import httpx

from lab.clock import HeldClock
from lab.control import answers
from lab.safaricom.certificate import CredentialKey
from lab.safaricom.control import Desk
from lab.safaricom.face.app import Daraja
from lab.safaricom.organisations import App, Organisation
from lab.safaricom.rail import Rail, Shop
from lab.safaricom.switches import set_switches

NOON_US = 1_763_715_600_000_000  # 2025-11-21 12:00 in Nairobi
SHORTCODE, STORE, TILL, PHONE = "600638", "600700", "5551234", "254722000000"
STATUS = "/mpesa/transactionstatus/v1/query"
BALANCE = "/mpesa/accountbalance/v1/query"
REVERSAL = "/mpesa/reversal/v1/request"
B2C, B2C_V1 = "/mpesa/b2c/v3/paymentrequest", "/mpesa/b2c/v1/paymentrequest"
PULL, PULL_REGISTER = "/pulltransactions/v1/query", "/pulltransactions/v1/register"
QR = "/mpesa/qrcode/v1/generate"


class Office:
    """The organisation's side. `results` and `timeouts` are what was posted to its two addresses."""

    def __init__(self, rail: Rail, clock: HeldClock, client: httpx.AsyncClient, posted: list[tuple[str, Any]]) -> None:
        self.rail = rail
        self.clock = clock
        self._client = client
        self._posted = posted
        self.hear: Callable[[str], None] = lambda _path: None
        self._handlers = Desk(Daraja(rail)).handlers()
        self.credential = rail.initiators.key.encrypt("Safaricom999!*!")

    def posted(self, kind: str) -> list[Any]:
        """The bodies posted to an address that ends so."""
        return [body for path, body in self._posted if path.endswith(kind)]

    @property
    def results(self) -> list[dict[str, Any]]:
        return [body["Result"] for body in self.posted("/result")]

    @property
    def timeouts(self) -> list[dict[str, Any]]:
        return [body["Result"] for body in self.posted("/timeout")]

    async def ask(
        self, path: str, body: dict[str, Any], method: str = "POST", then: Callable[[], None] = lambda: None
    ) -> httpx.Response:
        """One request with a new token; what it set going is over when it returns, as far as the clock lets it."""
        answer = await self._client.get("/oauth/v1/generate?grant_type=client_credentials", auth=("key", "secret"))
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        response = await self._client.request(method, path, json=body, headers=bearer)
        then()
        await self.clock.advance(0)
        return response

    async def result(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The newest result after a request that must be accepted."""
        answer = await self.ask(path, body)
        assert answer.status_code == 200, answer.text
        return self.results[-1]

    async def door(self, verb: str, /, **what: Any) -> dict[str, Any]:
        """One request at the control door."""
        line = json.dumps({"do": verb, **what}).encode()
        (answer,) = [each async for each in answers(self._handlers, line)]
        return answer

    async def pay(self, kes: int, reference: str = "A1", msisdn: str = PHONE, shortcode: str = SHORTCODE) -> str:
        """A phone pays; returns the receipt."""
        payment = await self.rail.pay(msisdn, shortcode, reference, kes * 100, name="JANE WANJIKU DOE")
        await self.clock.advance(0)
        return payment.receipt

    def switch(self, **values: Any) -> None:
        """Set switches of the organisation's side, as at the control door."""
        manner = self.rail.manner
        self.rail.manner = replace(manner, organisation=set_switches(manner.organisation, values))

    def request(self, **fields: Any) -> dict[str, Any]:
        """What every initiator's request has."""
        return {
            "Initiator": "testapi",
            "SecurityCredential": self.credential,
            "ResultURL": "http://office.example/hooks/result",
            "QueueTimeOutURL": "http://office.example/hooks/timeout",
            "Remarks": "as agreed",
        } | fields

    def status(self, **fields: Any) -> dict[str, Any]:
        same = {"CommandID": "TransactionStatusQuery", "PartyA": SHORTCODE, "IdentifierType": "4", "Occasion": ""}
        return self.request(**same | fields)

    def balance(self, **fields: Any) -> dict[str, Any]:
        return self.request(**{"CommandID": "AccountBalance", "PartyA": SHORTCODE, "IdentifierType": 4} | fields)

    def reversal(self, receipt: str, kes: int, **fields: Any) -> dict[str, Any]:
        same = {"CommandID": "TransactionReversal", "TransactionID": receipt, "Amount": kes,
                "ReceiverParty": SHORTCODE, "RecieverIdentifierType": "11"}  # fmt: skip
        return self.request(**same | fields)

    def b2c(self, kes: int, own_id: str = "ours-1", **fields: Any) -> dict[str, Any]:
        same = {"OriginatorConversationID": own_id, "InitiatorName": "testapi", "CommandID": "BusinessPayment",
                "Amount": kes, "PartyA": SHORTCODE, "PartyB": PHONE, "Occassion": "refund"}  # fmt: skip
        return self.request(**same | fields)


def parameters(result: dict[str, Any]) -> dict[str, Any]:
    """The ResultParameters by key; a parameter without a value is None."""
    items = result["ResultParameters"]["ResultParameter"]
    return {item["Key"]: item.get("Value") for item in ([items] if isinstance(items, dict) else items)}


@cache
def one_key() -> CredentialKey:
    """One key for all tests: making one takes a tenth of a second."""
    return CredentialKey("sandbox", NOON_US)


@asynccontextmanager
async def open_office(seed: int = 3) -> AsyncIterator[Office]:
    """An office with a paybill and a till, whose callbacks are caught."""
    posted: list[tuple[str, Any]] = []

    def take(request: httpx.Request) -> httpx.Response:
        posted.append((request.url.path, json.loads(request.content)))
        office.hear(request.url.path)
        code = "C2B00012" if request.url.path.endswith("/reject") else 0
        return httpx.Response(200, json={"ResultCode": code, "ResultDesc": "Accepted or not"})

    clock = HeldClock(NOON_US)
    catcher = httpx.AsyncClient(transport=httpx.MockTransport(take))
    rail = Rail(clock=clock, chance=random.Random(seed), client=catcher)
    rail.initiators.key = one_key()
    rail.directory.add_app(App("key", "secret"))
    rail.directory.add(Organisation(SHORTCODE, "MNARA NET"))
    rail.directory.add(Organisation(STORE, "MNARA SHOP", kind="store", tills=frozenset({TILL})))
    rail.register(Shop(SHORTCODE, "http://office.example/hooks/confirm", None))
    transport = httpx.ASGITransport(Daraja(rail))
    async with httpx.AsyncClient(transport=transport, base_url="http://daraja") as client:
        office = Office(rail, clock, client, posted)
        yield office
    await rail.close()
