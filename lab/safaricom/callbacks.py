"""The one sender of callbacks: lost, doubled, delayed, held back, tried again, each delivery written down."""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lab.clock import Clock, sleep, within
from lab.safaricom.feed import Feed
from lab.safaricom.manner import Manner
from lab.safaricom.names import Resolving
from lab.safaricom.record import Delivery

UNDER_WAY_MAX = 10_000
HELD_MAX = 100_000
RECORDED_MAX = 100_000
ANSWER_BYTES_MAX = 64 * 1024


def callback_client(
    trust: Path | None = None, places: Mapping[str, tuple[str, int]] | None = None
) -> httpx.AsyncClient:
    """The HTTP client of the callbacks.

    `trust`: a PEM file of certificates to believe besides the usual ones. `places`: names that are elsewhere.
    """
    context = ssl.create_default_context()
    if trust is not None:
        context.load_verify_locations(trust)
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    transport = httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False)
    return httpx.AsyncClient(transport=Resolving(transport, places or {}), trust_env=False)


@dataclass(slots=True)
class Message:
    """One thing to be told to one address; `about` is a receipt, a checkout or a conversation."""

    kind: str
    """validation, confirmation, stk, result, timeout, …"""
    url: str
    body: Any
    about: str
    deliveries: list[Delivery] = field(default_factory=list)
    """Every attempt is added here."""


class Callbacks:
    """Sends messages in the manner of the day."""

    def __init__(self, *, clock: Clock, chance: random.Random, client: httpx.AsyncClient, feed: Feed) -> None:
        self._clock = clock
        self._chance = chance
        self._client = client
        self._feed = feed
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: list[tuple[Message, Manner]] = []
        self.recorded: deque[tuple[Message, Delivery]] = deque(maxlen=RECORDED_MAX)
        """The latest attempts, oldest first."""
        self.outage = False
        """While true nothing leaves; `release` sends the backlog."""

    def send(self, message: Message, manner: Manner) -> asyncio.Task[None] | None:
        """Begin to tell; None when the message is lost or held back."""
        if manner.lose and self._chance.random() < manner.lose:
            self._feed.tell("lost", kind=message.kind, about=message.about)
            return None
        if manner.hold or self.outage:
            if len(self._held) >= HELD_MAX:
                raise OverflowError(f"{HELD_MAX} callbacks are held back; release them")
            self._held.append((message, manner))
            return None
        return self.begin(self._copies(message, manner))

    def try_send(self, message: Message, manner: Manner) -> asyncio.Task[None] | None:
        """Like `send`, but what goes beyond the simulation's limits is lost, and watchers are told why."""
        try:
            return self.send(message, manner)
        except OverflowError as error:
            self._feed.tell("lost", kind=message.kind, about=message.about, why=str(error))
            return None

    def find(self, about: str) -> Message:
        """Return the latest message about a receipt, checkout or conversation, or raise KeyError."""
        for message, _ in reversed(self.recorded):
            if message.about == about:
                return message
        raise KeyError(about)

    def repeat(self, message: Message, times: int, manner: Manner) -> None:
        """Tell again, all copies at once."""
        before = sum(1 for each in message.deliveries if each.kind == message.kind and each.attempt == 1)
        for copy in range(before + 1, before + times + 1):
            self.begin(self._deliver(message, manner, copy))

    async def ask(self, message: Message, timeout_s: float) -> Any:
        """Post once and return the parsed answer of a 2xx; None for everything else."""
        delivery, answer = await self._post(message, 1, 1, timeout_s)
        return answer if delivery.accepted else None

    def release(self, *, shuffled: bool = False) -> int:
        """Send what was held back; returns how many."""
        held, self._held = self._held, []
        if shuffled:
            self._chance.shuffle(held)
        for message, manner in held:
            self.begin(self._copies(message, manner))
        return len(held)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside; `settle` waits for it."""
        if len(self._under_way) >= UNDER_WAY_MAX:
            work.close()
            raise OverflowError(f"{UNDER_WAY_MAX} callbacks are under way; the receiver does not keep up")
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def settle(self, limit_s: float) -> None:
        """Wait until nothing is under way; raise TimeoutError after the limit."""
        async with asyncio.timeout(limit_s):
            while self._under_way:
                await asyncio.wait(list(self._under_way))

    async def close(self) -> None:
        """Drop what is under way and let go of connections."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    async def _copies(self, message: Message, manner: Manner) -> None:
        low, high = manner.delay_s
        if high > 0:
            await sleep(self._clock, self._chance.uniform(low, high))
        if manner.at_once:
            await asyncio.gather(*(self._deliver(message, manner, copy) for copy in range(1, manner.copies + 1)))
            return
        for copy in range(1, manner.copies + 1):
            await self._deliver(message, manner, copy)

    async def _deliver(self, message: Message, manner: Manner, copy: int) -> None:
        for attempt in range(1, manner.retries + 2):
            delivery, _ = await self._post(message, copy, attempt, manner.timeout_s)
            if delivery.accepted:
                return
            await sleep(self._clock, manner.retry_wait_s if attempt <= manner.retries else 0)

    async def _post(self, message: Message, copy: int, attempt: int, timeout_s: float) -> tuple[Delivery, Any]:
        delivery = Delivery(message.kind, copy, attempt, self._clock.now_us())
        message.deliveries.append(delivery)
        self.recorded.append((message, delivery))
        answer = None
        try:
            posting = self._client.post(message.url, json=message.body, timeout=timeout_s)
            response = await within(self._clock, timeout_s, posting)
            delivery.outcome = str(response.status_code)
            answer = response.json() if len(response.content) <= ANSWER_BYTES_MAX else None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            delivery.outcome = type(error).__name__
        except ValueError:  # an answer that is not JSON: the status stands
            pass
        finally:
            delivery.answered_at_us = self._clock.now_us()
            self._feed.tell("delivery", kind=message.kind, about=message.about, url=message.url,
                            copy=copy, attempt=attempt, outcome=delivery.outcome)  # fmt: skip
        return delivery, answer
