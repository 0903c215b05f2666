"""Two common designs, re-implemented here for comparison: a poller beside the router, and a central program.

They are not other people's programs. Both get the best case: an idle simulated router of their own with 2,000 walled
addresses, no database, no queueing behind other payments, nothing lost.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import librouteros
from librouteros.query import Key

from lab.house import House, Plans
from lab.links import Link
from lab.servers import EmbeddedServers
from tests.bench.figures import percentile

WALLED = 2_000
POLL_EVERY_S = 30.0
POLL_RATE_PER_S = 4.0
CENTRAL_RATE_PER_S = 10.0
CENTRAL_PAYMENTS = 100
CENTRAL_ROUND_TRIP_MS = 200.0
_LIST = Key("list")
_ADDRESS = Key("address")
_ID = Key(".id")
_SOURCE = Key("src-address")


@dataclass(slots=True)
class Baselines:
    """Milliseconds from a payment until the router was read back."""

    poll_ms: list[float] = field(default_factory=list)
    central_ms: list[float] = field(default_factory=list)

    @property
    def poll_p50_ms(self) -> float:
        return percentile(self.poll_ms, 0.5)

    @property
    def central_p50_ms(self) -> float:
        return percentile(self.central_ms, 0.5)


async def measure(folder: Path, chance: random.Random) -> Baselines:
    """Run both, each against its own addresses of one simulated router."""
    found = Baselines()
    async with House(Plans(folder), EmbeddedServers()) as house:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        await house.start_router()
        addresses = [f"100.64.{index // 250}.{index % 250 + 2}" for index in range(WALLED)]
        login = Login(house.lan, house.router_password)
        await asyncio.to_thread(wall, login, addresses)
        half = WALLED // 2
        found.poll_ms = await poller(login, addresses[:half], chance)
        house.lan.delay(up_ms=CENTRAL_ROUND_TRIP_MS / 2, down_ms=CENTRAL_ROUND_TRIP_MS / 2)
        found.central_ms = await central(login, addresses[half : half + CENTRAL_PAYMENTS], chance)
    return found


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in."""

    link: Link
    password: str

    def open(self) -> Any:
        """Connect and log in, as both designs do anew each time."""
        return librouteros.connect("127.0.0.1", "mnara-agent", self.password, port=self.link.port, timeout=30)


def wall(login: Login, addresses: Sequence[str]) -> None:
    """Put everybody behind the wall."""
    api = login.open()
    rows = api.path("ip", "firewall", "address-list")
    for address in addresses:
        rows.add(list="mnara-walled", address=address)
    api.close()


def reconnect(api: Any, address: str) -> None:
    """Find the row, remove it, look for live connections, read back: a command and its answer at a time."""
    rows = api.path("ip", "firewall", "address-list")
    found = list(rows.select(_ID).where(_LIST == "mnara-walled", address == _ADDRESS))
    rows.remove(*(row[".id"] for row in found))
    list(api.path("ip", "firewall", "connection").select(_ID).where(address == _SOURCE))
    left = list(rows.select(_ID).where(_LIST == "mnara-walled", address == _ADDRESS))
    assert not left, f"{address} is still walled"


async def poller(login: Login, addresses: Sequence[str], chance: random.Random) -> list[float]:
    """A program beside the router asks every 30 s who has paid, and reconnects them in one session."""
    paid: list[tuple[float, str]] = []
    took: list[float] = []
    end = time.monotonic() + POLL_EVERY_S
    waiting = list(addresses)
    while waiting:
        await asyncio.sleep(chance.expovariate(POLL_RATE_PER_S))
        if time.monotonic() >= end:
            break
        paid.append((time.monotonic(), waiting.pop()))

    def poll() -> None:
        api = login.open()
        for paid_at, address in paid:
            reconnect(api, address)
            took.append((time.monotonic() - paid_at) * 1000)
        api.close()

    await asyncio.to_thread(poll)
    return took


async def central(login: Login, addresses: Sequence[str], chance: random.Random) -> list[float]:
    """A central program logs in to the router over the WAN for each payment; no payment waits for another."""

    def one(address: str) -> float:
        start = time.monotonic()
        api = login.open()
        reconnect(api, address)
        took_ms = (time.monotonic() - start) * 1000
        api.close()
        return took_ms

    running = []
    for address in addresses:
        running.append(asyncio.create_task(asyncio.to_thread(one, address)))
        await asyncio.sleep(chance.expovariate(CENTRAL_RATE_PER_S))
    return list(await asyncio.gather(*running))
