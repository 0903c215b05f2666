"""A simulated gateway behind HTTP, and somebody who takes its reports."""

import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from lab.clock import SystemClock
from lab.sms.command import running_gateway
from lab.sms.gateway import Gateway
from lab.sms.manner import changed
from lab.sms.message import Account
from lab.web import Asked, Face, Said, said_text, serve_http

KEY = {"apiKey": "lab-key", "Accept": "application/json"}


class Rig:
    """A gateway, a client of it, and the reports that arrived."""

    def __init__(self, gateway: Gateway, client: httpx.AsyncClient) -> None:
        self.gateway = gateway
        self.client = client
        self.told: list[dict[str, Any]] = []
        self.answers: list[int] = []
        """Statuses with which the next reports are answered; 200 after them."""

    def manner(self, **facts: Any) -> None:
        self.gateway.manner = changed(self.gateway.manner, facts)

    async def take(self, asked: Asked) -> Said:
        self.told.append(asked.json() or asked.form())
        return said_text(self.answers.pop(0) if self.answers else 200, "")

    async def send(self, to: str, message: str = "Habari", **other: Any) -> httpx.Response:
        form = {"username": "sandbox", "to": to, "message": message} | other
        return await self.client.post("/version1/messaging", data=form, headers=KEY)

    async def recipients(self, to: str, message: str = "Habari", **other: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.send(to, message, **other)).json()["SMSMessageData"]["Recipients"]
        return found

    async def service(self, name: str, **fields: Any) -> Any:
        body = {"apikey": "lab-key", "partnerID": "1", "shortcode": "MNARA", "pass_type": "plain"} | fields
        return (await self.client.post(f"/api/services/{name}/", json=body)).json()

    def texts(self, number: str) -> list[str]:
        return [one.text for one in self.gateway.inboxes.list_received(number)]

    def statuses(self) -> list[str]:
        return [report["status"] for report in self.told]


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    gateway = Gateway(clock=SystemClock(), chance=random.Random(1), account=Account())
    client = httpx.AsyncClient(trust_env=False)
    made = Rig(gateway, client)
    async with client, running_gateway(gateway) as port, serve_http(Face(made.take)) as taker:
        client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        for family in ("africas-talking", "white-label"):
            gateway.reports.addresses[family] = f"http://127.0.0.1:{taker}/hooks/s/"
        yield made
