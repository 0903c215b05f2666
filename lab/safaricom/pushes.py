"""Pushes: a prompt on a phone, what its owner does with it, and what is told of it."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.clock import sleep
from lab.safaricom.bodies import EAST_AFRICA, masked, shillings, trans_time
from lab.safaricom.callbacks import Message
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import Organisation
from lab.safaricom.phones import Habit, Phone
from lab.safaricom.record import Delivery, PhonePayment
from lab.safaricom.results import typed, words_of

if TYPE_CHECKING:
    from lab.safaricom.rail import Rail

PUSHES_MAX = 200_000
PROMPT_CHARS_MAX = 182
_REFUSALS = {"cancel": "1032", "silent": "1037", "unreachable": "1037", "late": "1037", "late-expired": "1019"}


class Locked(Exception):
    """The phone shows a prompt already."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a push asks for."""

    organisation: Organisation
    kind: str
    """CustomerPayBillOnline or CustomerBuyGoodsOnline."""
    party_b: str
    msisdn: str
    amount_cents: int
    reference: str
    callback_url: str


@dataclass(slots=True)
class Push:
    """One push; `code` is its last ResultCode, empty while the prompt is open."""

    merchant_id: str
    checkout_id: str
    order: Order
    begun_us: int
    code: str = ""
    receipt: str = ""
    paid_at_us: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first callback was delivered, lost or held back."""

    @property
    def is_paid(self) -> bool:
        """Whether the money moved."""
        return bool(self.receipt)


class Pushes:
    """All pushes of a rail, by CheckoutRequestID."""

    def __init__(self, rail: "Rail") -> None:
        self._rail = rail
        self._by_id: dict[str, Push] = {}

    def begin(self, order: Order, manner: Manner) -> Push:
        """Put a prompt on a phone. Locked when one is there already and the day refuses that at once."""
        phone, now_us = self._rail.phones.get(order.msisdn), self._rail.clock.now_us()
        if phone.busy and manner.locked == "refuse":
            raise Locked
        push = Push(*self._ids(order.msisdn, manner, now_us), order, now_us)
        ends = self._end(push, "1001", manner) if phone.busy else self._prompt(push, phone, manner)
        self._rail.callbacks.begin(ends)  # or OverflowError: then nothing rang
        phone.busy = True
        while len(self._by_id) >= PUSHES_MAX:
            self._by_id.pop(next(iter(self._by_id)))
        self._by_id[push.checkout_id] = push
        self._rail.feed.tell("push", checkout=push.checkout_id, msisdn=order.msisdn, amount_cents=order.amount_cents)
        return push

    def get(self, checkout_id: str) -> Push | None:
        """Return a push, or None."""
        return self._by_id.get(checkout_id)

    def list_all(self) -> list[Push]:
        """Return the pushes, oldest first."""
        return list(self._by_id.values())

    async def _prompt(self, push: Push, phone: Phone, manner: Manner) -> None:
        late: Habit | None = None
        try:
            code = _misfit(push.order)
            if code is None:
                habit = phone.next_habit()
                late = habit if habit.does in ("late", "late-expired") else None
                await sleep(self._rail.clock, 0 if manner.early else _patience(habit, manner))
                code = self._decide(push, phone, habit, manner)
        finally:
            phone.busy = False
        await self._end(push, code, manner)
        if late:
            await sleep(self._rail.clock, max(0.0, late.late_s - manner.prompt_timeout_s))
            await self._end(push, self._decide(push, phone, Habit(), manner), manner)

    def _decide(self, push: Push, phone: Phone, habit: Habit, manner: Manner) -> str:
        """What the owner did, then what M-Pesa thinks of it; returns the ResultCode."""
        if habit.does in _REFUSALS:
            return _REFUSALS[habit.does]
        if habit.does == "fail":
            return habit.code
        if phone.pin_locked:
            return "8006"
        if habit.does == "wrong-pin":
            phone.wrong_pins += 1
            return "2001"
        phone.wrong_pins = 0
        order, now_us = push.order, self._rail.clock.now_us()
        code = self._rail.phones.objection(phone, order.party_b, order.amount_cents, now_us)
        if code is None:
            self._pay(push, phone, now_us, manner)
        return code or "0"

    def _pay(self, push: Push, phone: Phone, now_us: int, manner: Manner) -> None:
        order, goods = push.order, push.order.kind == "CustomerBuyGoodsOnline"
        payment = PhonePayment(
            self._rail.receipts.deal(now_us), order.organisation.shortcode, phone.msisdn, phone.name,
            order.amount_cents, "" if goods else order.reference, now_us,
            kind="Buy Goods" if goods else "Pay Bill", road="stk", till=order.party_b if goods else "",
        )  # fmt: skip
        push.receipt, push.paid_at_us = payment.receipt, now_us
        self._rail.pay_by_push(payment, manner)

    async def _end(self, push: Push, code: str, manner: Manner) -> None:
        push.code = code
        body = stk_callback(push, manner, self._rail.chance, balance_cents=self._balance(push.order.msisdn))
        message = Message("stk", push.order.callback_url, body, push.checkout_id, push.deliveries)
        sending = self._rail.callbacks.try_send(message, manner)
        if manner.early and sending:
            await sending
        push.told.set()

    def _balance(self, msisdn: str) -> int:
        return self._rail.phones.get(msisdn).balance_cents

    def _ids(self, msisdn: str, manner: Manner, now_us: int) -> tuple[str, str]:
        chance = self._rail.chance
        day = datetime.fromtimestamp(now_us // 1_000_000, UTC).astimezone(EAST_AFRICA).strftime("%d%m%Y%H%M%S")
        fraction = now_us // 1_000 % 1_000
        while True:
            merchant = f"{chance.randrange(1_000, 99_999)}-{chance.randrange(10_000_000, 99_999_999)}-1"
            if manner.push_ids == "hex":
                digits = f"{chance.getrandbits(88):022x}"
                merchant = f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"
                checkout = f"ws_CO_{day}{fraction:03d}{msisdn[-9:]}"
            elif manner.push_ids == "old":
                checkout = f"ws_CO_{day}{fraction:04d}"
            else:
                checkout = f"ws_CO_DMZ_{chance.randrange(10**8, 10**9)}_{day}{fraction:03d}"
            if checkout not in self._by_id:
                return merchant, checkout
            fraction += 1


def _patience(habit: Habit, manner: Manner) -> float:
    """How long the prompt is open."""
    return manner.prompt_timeout_s if habit.does in ("silent", "late", "late-expired") else habit.after_s


def _misfit(order: Order) -> str | None:
    """What fails before the phone is asked: who may sell what, and a prompt that is too long to show."""
    goods = order.kind == "CustomerBuyGoodsOnline"
    organisation = order.organisation
    fits = order.party_b in organisation.tills if goods else order.party_b == organisation.shortcode
    if not fits or goods != (organisation.kind == "store"):
        return "2028"
    return "1025" if len(prompt_of(order)) > PROMPT_CHARS_MAX else None


def prompt_of(order: Order) -> str:
    """What the phone shows."""
    amount, name = shillings(order.amount_cents, "two-places"), order.organisation.name
    return f"Do you want to pay Ksh. {amount} to {name} Account no. {order.reference}? Enter M-PESA PIN:"


def stk_callback(push: Push, manner: Manner, chance: random.Random, *, balance_cents: int) -> dict[str, Any]:
    """Build the callback. A failure has no metadata; a success has items in no certain order."""
    told: dict[str, Any] = {
        "MerchantRequestID": push.merchant_id,
        "CheckoutRequestID": push.checkout_id,
        "ResultCode": typed(push.code, as_text=manner.result_code == "string"),
        "ResultDesc": words_of(push.code, chance if manner.wording == "varied" else None),
    }
    if push.code == "0":
        told["CallbackMetadata"] = {"Item": _items(push, manner, chance, balance_cents)}
    return {"Body": {"stkCallback": told}}


def _items(push: Push, manner: Manner, chance: random.Random, balance_cents: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [
        {"Name": "Amount", "Value": push.order.amount_cents / 100},
        {"Name": "MpesaReceiptNumber", "Value": push.receipt},
    ]
    if manner.balance_item == "bare":
        items.append({"Name": "Balance"})
    elif manner.balance_item == "text":
        minor, amount = balance_cents, shillings(balance_cents, "two-places")
        said = f"{{Amount={{CurrencyCode=KES, MinimumAmount={minor}, BasicAmount={amount}}}}}"
        items.append({"Name": "Balance", "Value": said})
    items.append({"Name": "TransactionDate", "Value": int(trans_time(push.paid_at_us))})
    if manner.phone_item != "absent":
        msisdn = push.order.msisdn
        items.append({"Name": "PhoneNumber", "Value": int(msisdn) if manner.phone_item == "number" else masked(msisdn)})
    if manner.shuffle_items:
        chance.shuffle(items)
    return items
