"""The rail itself: phones pay in, validation is asked, money moves, confirmations go out in the manner of the day."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from lab.clock import Clock
from lab.safaricom.bodies import callback
from lab.safaricom.manner import Manner
from lab.safaricom.receipts import Receipts
from lab.safaricom.record import Delivery, PhonePayment, Record
from lab.safaricom.urls import refusal

UNDER_WAY_MAX = 10_000
ANSWER_BYTES_MAX = 64 * 1024
AMOUNT_MAX_CENTS = 25_000_000  # KES 250,000: what one customer may pay at once


class BadRegistration(Exception):
    """Daraja refuses the addresses; the text is its errorMessage."""


@dataclass(frozen=True, slots=True)
class Shop:
    """One registered shortcode."""

    shortcode: str
    confirmation_url: str
    validation_url: str | None
    response_type: Literal["Completed", "Cancelled"] = "Completed"


class Rail:
    """Simulated M-Pesa C2B. `record` is its own truth; `manner` may be changed at any time."""

    def __init__(self, *, clock: Clock, chance: random.Random, client: httpx.AsyncClient | None = None) -> None:
        self.manner = Manner()
        self.record = Record()
        self._clock = clock
        self._chance = chance
        self._receipts = Receipts(chance)
        self._client = client or httpx.AsyncClient(
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50), trust_env=False
        )
        self._shops: dict[str, Shop] = {}
        self._balances: dict[str, int] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: list[tuple[PhonePayment, Manner]] = []

    def register(self, shop: Shop) -> None:
        """Register callback addresses, or raise BadRegistration with Daraja's words."""
        for field, url in (("ConfirmationURL", shop.confirmation_url), ("ValidationURL", shop.validation_url)):
            complaint = refusal(field, url) if url else None
            if complaint:
                raise BadRegistration(complaint)
        self._shops[shop.shortcode] = shop
        self._balances.setdefault(shop.shortcode, 0)

    def get_shop(self, shortcode: str) -> Shop:
        """Return a registered shop, or raise KeyError."""
        return self._shops[shortcode]

    async def pay(
        self, msisdn: str, shortcode: str, bill_reference: str, amount_cents: int,
        *, name: str = "JANE DOE", manner: Manner | None = None,
    ) -> PhonePayment:  # fmt: skip
        """Pay from a phone. Returns when the money has moved (or not); confirmations follow by themselves."""
        if amount_cents <= 0 or amount_cents % 100 or amount_cents > AMOUNT_MAX_CENTS:
            raise ValueError(f"phones pay whole shillings up to {AMOUNT_MAX_CENTS // 100}, not {amount_cents} cents")
        manner, shop, now_us = manner or self.manner, self._shops[shortcode], self._clock.now_us()
        payment = PhonePayment(
            self._receipts.deal(now_us), shortcode, msisdn, name, amount_cents, bill_reference, now_us
        )
        self.record.add(payment)
        if manner.validation and shop.validation_url and not await self._validated(payment, shop, manner):
            payment.state = "rejected"
            return payment
        self._balances[shortcode] += amount_cents
        self.record.settle(payment, self._balances[shortcode])
        self._confirm(payment, manner)
        return payment

    def repeat(self, payment: PhonePayment, *, times: int = 1, manner: Manner | None = None) -> None:
        """Send a payment's confirmation again, all copies at once."""
        manner = manner or self.manner
        before = sum(1 for each in payment.deliveries if each.kind == "confirmation" and each.attempt == 1)
        for copy in range(before + 1, before + times + 1):
            self._begin(self._deliver(payment, manner, copy))

    def release(self, *, shuffled: bool = False) -> int:
        """Send the confirmations that were held back; returns how many."""
        held, self._held = self._held, []
        if shuffled:
            self._chance.shuffle(held)
        for payment, manner in held:
            self._begin(self._send_copies(payment, manner))
        return len(held)

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

    def _confirm(self, payment: PhonePayment, manner: Manner) -> None:
        if manner.lose and self._chance.random() < manner.lose:
            return
        if manner.hold:
            self._held.append((payment, manner))
            return
        self._begin(self._send_copies(payment, manner))

    def _begin(self, sending: Any) -> None:
        if len(self._under_way) >= UNDER_WAY_MAX:
            sending.close()
            raise OverflowError(f"{UNDER_WAY_MAX} callbacks are under way; the receiver does not keep up")
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send_copies(self, payment: PhonePayment, manner: Manner) -> None:
        low, high = manner.delay_s
        if high > 0:
            await asyncio.sleep(self._chance.uniform(low, high))
        if manner.at_once:
            await asyncio.gather(*(self._deliver(payment, manner, copy) for copy in range(1, manner.copies + 1)))
            return
        for copy in range(1, manner.copies + 1):
            await self._deliver(payment, manner, copy)

    async def _deliver(self, payment: PhonePayment, manner: Manner, copy: int) -> None:
        body = callback(payment, manner, balance_cents=payment.balance_after_cents)
        url = self._shops[payment.shortcode].confirmation_url
        for attempt in range(1, manner.retries + 2):
            delivery = Delivery("confirmation", copy, attempt, self._clock.now_us())
            payment.deliveries.append(delivery)
            await self._post(url, body, delivery, manner.timeout_s)
            if delivery.accepted:
                return
            await asyncio.sleep(manner.retry_wait_s if attempt <= manner.retries else 0)

    async def _validated(self, payment: PhonePayment, shop: Shop, manner: Manner) -> bool:
        delivery = Delivery("validation", 1, 1, self._clock.now_us())
        payment.deliveries.append(delivery)
        body = callback(payment, manner, balance_cents=None)
        answer = await self._post(shop.validation_url or "", body, delivery, manner.timeout_s)
        if not delivery.accepted or not isinstance(answer, dict):
            return shop.response_type == "Completed"
        payment.third_party_id = str(answer.get("ThirdPartyTransID") or "")
        return str(answer.get("ResultCode")) == "0"

    async def _post(self, url: str, body: dict[str, str], delivery: Delivery, timeout_s: float) -> Any:
        """Post one callback; the outcome goes to the delivery, the parsed answer (or None) is returned."""
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(url, json=body, timeout=timeout_s)
            delivery.outcome = str(response.status_code)
            return response.json() if len(response.content) <= ANSWER_BYTES_MAX else None
        except (httpx.HTTPError, OSError) as error:
            delivery.outcome = type(error).__name__
        except ValueError:  # an answer that is not JSON: the status stands
            return None
        finally:
            delivery.answered_at_us = self._clock.now_us()
        return None
