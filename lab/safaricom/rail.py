"""The rail itself: phones pay in, validation is asked, money moves, confirmations go out in the manner of the day."""

import random
from dataclasses import dataclass
from typing import Literal

import httpx

from lab.clock import Clock
from lab.errors import LabError
from lab.safaricom.bodies import callback
from lab.safaricom.callbacks import Callbacks, Message, callback_client
from lab.safaricom.core import Core
from lab.safaricom.feed import Feed
from lab.safaricom.initiator import Initiators
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import Directory, Environment, Organisation
from lab.safaricom.phones import Phones
from lab.safaricom.pushes import Pushes
from lab.safaricom.receipts import Receipts
from lab.safaricom.record import PhonePayment, Record
from lab.safaricom.urls import refusal

AMOUNT_MAX_CENTS = 25_000_000  # KES 250,000: what one customer may pay at once


class BadRegistration(Exception):
    """Daraja refuses the addresses; the text is its errorMessage."""


class NotPaid(LabError):
    """M-Pesa refused the phone; `code` is the ResultCode."""

    def __init__(self, code: str) -> None:
        super().__init__(f"M-Pesa refuses the payment with code {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Shop:
    """The registered addresses of one shortcode."""

    shortcode: str
    confirmation_url: str
    validation_url: str | None
    response_type: Literal["Completed", "Cancelled"] = "Completed"
    version: Literal["v1", "v2"] | None = None
    """Which registration it was; None: as the manner says."""


class Rail:
    """Simulated M-Pesa. `record` is its own truth; `manner` may be changed at any time, back to `good_day` too."""

    def __init__(
        self, *, clock: Clock, chance: random.Random, client: httpx.AsyncClient | None = None,
        environment: Environment = "sandbox",
    ) -> None:  # fmt: skip
        self.good_day = self.manner = Manner()
        self.record = Record()
        self.clock = clock
        self.chance = chance
        self.feed = Feed()
        self.directory = Directory(environment)
        self.phones = Phones(chance.getrandbits(32))
        self.receipts = Receipts(chance)
        self.core = Core(self.receipts, self.phones, self.directory)
        self.accounts = self.core.accounts
        self.initiators = Initiators(self.directory, clock.now_us())
        self.callbacks = Callbacks(clock=clock, chance=chance, client=client or callback_client(), feed=self.feed)
        self.pushes = Pushes(self)
        self._shops: dict[str, Shop] = {}

    def register(self, shop: Shop) -> None:
        """Register callback addresses, or raise BadRegistration with Daraja's words."""
        for field, url in (("ConfirmationURL", shop.confirmation_url), ("ValidationURL", shop.validation_url)):
            complaint = refusal(field, url, secure=self.directory.environment == "production") if url else None
            if complaint:
                raise BadRegistration(complaint)
        if shop.shortcode not in self.directory.organisations:
            self.directory.add(Organisation(shop.shortcode))
        self._shops[shop.shortcode] = shop

    def is_registered(self, shortcode: str) -> bool:
        """Whether it has callback addresses."""
        return shortcode in self._shops

    async def pay(
        self, msisdn: str, shortcode: str, bill_reference: str, amount_cents: int,
        *, name: str = "", manner: Manner | None = None, strict: bool = False,
    ) -> PhonePayment:  # fmt: skip
        """Pay from a phone by menu. Returns when the money has moved (or not); confirmations follow by themselves.

        KeyError: no such shortcode. A wallet that lacks the money is filled first, and limits are not looked at;
        `strict` makes M-Pesa refuse instead, with NotPaid.
        """
        if amount_cents <= 0 or amount_cents % 100 or amount_cents > AMOUNT_MAX_CENTS:
            raise ValueError(f"phones pay whole shillings up to {AMOUNT_MAX_CENTS // 100}, not {amount_cents} cents")
        organisation, phone = self.directory.get(shortcode), self.phones.get(msisdn)
        now_us, phone.name = self.clock.now_us(), name or phone.name
        if strict and (code := self.phones.objection(phone, shortcode, amount_cents, now_us)):
            raise NotPaid(code)
        payment = PhonePayment(
            self.receipts.deal(now_us),
            organisation.shortcode,
            msisdn,
            phone.name,
            amount_cents,
            bill_reference,
            now_us,
        )
        if organisation.kind == "store":
            payment.kind, payment.till, payment.bill_reference = "Buy Goods", shortcode, ""
        await self.move(payment, manner or self.manner)
        return payment

    async def move(self, payment: PhonePayment, manner: Manner) -> None:
        """Ask validation where it is wanted, move the money, tell."""
        self.record.add(payment)
        shop = self._shops.get(payment.shortcode)
        asks = manner.validation and shop and shop.validation_url
        if shop and asks and not await self._validated(payment, shop, manner):
            payment.state = "rejected"
            self.core.refuse(payment, self.clock.now_us())
            self.feed.tell("rejected", receipt=payment.receipt, shortcode=payment.shortcode)
            return
        self.settle_payment(payment)
        self.confirm(payment, manner)

    def pay_by_push(self, payment: PhonePayment, manner: Manner) -> None:
        """Move the money of a push, and confirm it as C2B too."""
        self.record.add(payment)
        self.settle_payment(payment)
        if manner.stk_confirms and payment.shortcode in self._shops:
            self.callbacks.try_send(self._confirmation(payment, manner), manner)

    def settle_payment(self, payment: PhonePayment) -> None:
        """Move the money from the wallet to the account."""
        phone = self.phones.get(payment.msisdn)
        if phone.balance_cents < payment.amount_cents:
            self.phones.put_in(phone, payment.amount_cents - phone.balance_cents)
        self.phones.spend(phone, payment.till or payment.shortcode, payment.amount_cents, self.clock.now_us())
        balance_cents = self.core.receive(payment, self.clock.now_us(), self.manner.organisation.money)
        self.record.settle(payment, balance_cents)
        self.feed.tell("paid", receipt=payment.receipt, road=payment.road, shortcode=payment.shortcode,
                       msisdn=payment.msisdn, amount_cents=payment.amount_cents,
                       reference=payment.bill_reference)  # fmt: skip

    def confirm(self, payment: PhonePayment, manner: Manner) -> None:
        """Send the confirmation in the manner of the day, when addresses are registered."""
        if payment.shortcode in self._shops:
            self.callbacks.send(self._confirmation(payment, manner), manner)

    def repeat(self, payment: PhonePayment, *, times: int = 1, manner: Manner | None = None) -> None:
        """Send a payment's confirmation again, all copies at once."""
        manner = manner or self.manner
        self.callbacks.repeat(self._confirmation(payment, manner), times, manner)

    def release(self, *, shuffled: bool = False) -> int:
        """Send what was held back; returns how many."""
        return self.callbacks.release(shuffled=shuffled)

    async def settle(self, limit_s: float) -> None:
        """Wait until nothing is under way; raise TimeoutError after the limit."""
        await self.callbacks.settle(limit_s)

    async def close(self) -> None:
        """Drop what is under way and let go of connections."""
        await self.callbacks.close()

    def _confirmation(self, payment: PhonePayment, manner: Manner) -> Message:
        shop = self._shops[payment.shortcode]
        body = callback(payment, manner, balance_cents=payment.balance_after_cents, version=shop.version)
        return Message("confirmation", shop.confirmation_url, body, payment.receipt, payment.deliveries)

    async def _validated(self, payment: PhonePayment, shop: Shop, manner: Manner) -> bool:
        body = callback(payment, manner, balance_cents=None, version=shop.version)
        message = Message("validation", shop.validation_url or "", body, payment.receipt, payment.deliveries)
        answer = await self.callbacks.ask(message, manner.timeout_s)
        if not isinstance(answer, dict):
            return shop.response_type == "Completed"
        payment.third_party_id = str(answer.get("ThirdPartyTransID") or "")
        payment.validation_code = str(answer.get("ResultCode"))
        return payment.validation_code == "0"
