"""What can be asked at the control door of the simulated Safaricom."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from lab.control import Answer, ControlError, Handlers, Request
from lab.safaricom.face.app import Daraja
from lab.safaricom.face.outages import Outage
from lab.safaricom.organisations import App, Organisation, new_passkey
from lab.safaricom.phones import Habit, Phone
from lab.safaricom.portal import Portal
from lab.safaricom.record import Delivery, PhonePayment

ROWS_MAX = 10_000
REPEATS_MAX = 100


class Desk:
    """Handlers by name; each first sentence is what `help` says."""

    def __init__(self, face: Daraja) -> None:
        self._face = face
        self._rail = face.rail

    def handlers(self) -> Handlers:
        """By the name in `do`."""
        return {
            "pay": self.pay,
            "phone": self.phone,
            "phones": self.phones,
            "manner": self.manner,
            "outage": self.outage,
            "release": self.release,
            "repeat": self.repeat,
            "deliveries": self.deliveries,
            "truth": self.truth,
            "pushes": self.pushes,
            "shortcode": self.shortcode,
            "app": self.app,
            "settle": self.settle,
            "watch": self.watch,
            **Portal(self._rail).handlers(),
        }

    async def pay(self, request: Request) -> Answer:
        """Pay from a phone by its menu: msisdn, shortcode, reference, amount_kes; `strict` asks its wallet and limits.

        Answers the payment; it is over when the validation is.
        """
        payment = await self._rail.pay(
            str(request["msisdn"]), str(request["shortcode"]), str(request.get("reference", "")),
            _cents(request["amount_kes"]), name=str(request.get("name", "")), strict=bool(request.get("strict")),
        )  # fmt: skip
        return {"payment": _payment(payment)}

    def phone(self, request: Request) -> Answer:
        """Show a phone by its msisdn, or set name, balance_kes, habit, next (a list of habits), unlock."""
        phone = self._rail.phones.get(str(request["msisdn"]))
        habit = _habit(request["habit"], phone.habit) if "habit" in request else phone.habit
        script = [_habit(each, habit) for each in _list(request.get("next", []))]
        if "balance_kes" in request:
            self._rail.phones.put_in(phone, _cents(request["balance_kes"]) - phone.balance_cents)
        phone.name, phone.habit = str(request.get("name", phone.name)), habit
        phone.script.extend(script)
        phone.wrong_pins = 0 if request.get("unlock") else phone.wrong_pins
        return {"phone": _phone(phone)}

    def phones(self, request: Request) -> Answer:
        """Say how phones made from now on behave: shares, after_s, balance_kes; and limits for all, in cents."""
        phones = self._rail.phones
        if "shares" in request:
            phones.share({str(does): float(share) for does, share in dict(request["shares"]).items()})
        phones.after_s = float(request.get("after_s", phones.after_s))
        if "balance_kes" in request:
            phones.start_cents = _cents(request["balance_kes"])
        phones.limits = replace(phones.limits, **dict(request.get("limits", {})))
        totals = {"wallets_cents": phones.total_cents, "accounts_cents": self._rail.accounts.total_cents}
        return {"shares": phones.shares, "limits": asdict(phones.limits), "phones": len(phones.list_all()), **totals,
                "brought_in_cents": phones.brought_in_cents}  # fmt: skip

    def manner(self, request: Request) -> Answer:
        """Show the switches, or set some: {"set": {"copies": 2}}; {"reset": true} first makes it a good day."""
        manner = self._rail.good_day if request.get("reset") else self._rail.manner
        self._rail.manner = manner.changed(dict(request.get("set", {})))
        return {"manner": asdict(self._rail.manner)}

    def outage(self, request: Request) -> Answer:
        """Begin or end (`on`: false) an outage of a kind, for a path and a share; kind `callbacks` keeps them back.

        Ending `callbacks` sends the backlog, `shuffled` if asked.
        """
        on = bool(request.get("on", True))
        if request.get("kind") == "callbacks":
            self._rail.callbacks.outage = on
            return {"outage": "callbacks", "on": on, "sent": 0 if on else self._release(request)}
        path, share = str(request.get("path", "/")), float(request.get("share", 1.0))
        self._face.outage = Outage.of(str(request["kind"]), path, share) if on else None
        return {"outage": asdict(self._face.outage) if self._face.outage else None}

    def release(self, request: Request) -> Answer:
        """Send what was held back, `shuffled` if asked; answers how many."""
        return {"sent": self._release(request)}

    def repeat(self, request: Request) -> Answer:
        """Send again what was told `about` a receipt, checkout or conversation, so many `times`, all at once.

        Of a receipt that was never told of, its confirmation.
        """
        about, times = str(request["about"]), min(max(int(request.get("times", 1)), 1), REPEATS_MAX)
        try:
            self._rail.callbacks.repeat(self._rail.callbacks.find(about), times, self._rail.manner)
        except KeyError:
            self._rail.repeat(self._rail.record.get(about), times=times)
        return {"repeated": times}

    def deliveries(self, request: Request) -> Answer:
        """List the latest callbacks, oldest first; `about` a receipt or id, of a `kind`, at most `limit`."""
        about, kind = request.get("about"), request.get("kind")
        found = [
            {"kind": message.kind, "about": message.about, "url": message.url, "body": message.body, **asdict(delivery)}
            for message, delivery in self._rail.callbacks.recorded
            if about in (None, message.about) and kind in (None, message.kind)
        ]
        return {"deliveries": found[-_limit(request) :]}

    def truth(self, request: Request) -> Answer:
        """List who really paid what by which road, told or untold; since_us, shortcode, limit."""
        shortcode = request.get("shortcode")
        paid = self._rail.record.list_paid(int(request.get("since_us", 0)))
        found = [_payment(each) for each in paid if shortcode in (None, each.shortcode)]
        return {"paid_cents": self._rail.record.paid_cents, "payments": found[-_limit(request) :]}

    def pushes(self, request: Request) -> Answer:
        """List the latest pushes with their codes and receipts; those of one `msisdn`, at most `limit`."""
        msisdn = request.get("msisdn")
        found = [
            {"checkout": push.checkout_id, "msisdn": push.order.msisdn, "amount_cents": push.order.amount_cents,
             "reference": push.order.reference, "shortcode": push.order.organisation.shortcode, "code": push.code,
             "receipt": push.receipt, "deliveries": _deliveries(push.deliveries)}
            for push in self._rail.pushes.list_all() if msisdn in (None, push.order.msisdn)
        ]  # fmt: skip
        return {"pushes": found[-_limit(request) :]}

    def shortcode(self, request: Request) -> Answer:
        """Add a shortcode: name, kind (paybill or store), tills, passkey, on_aggregator; answers its passkey."""
        number, kind = str(request["shortcode"]), request.get("kind", "paybill")
        if kind not in ("paybill", "store") or not (number.isdecimal() and 5 <= len(number) <= 7):
            raise ControlError("a shortcode has 5 to 7 digits and is a paybill or a store")
        made = Organisation(
            number, str(request.get("name", "LAB ISP")), kind, str(request.get("passkey", new_passkey(number))),
            frozenset(str(till) for till in _list(request.get("tills", []))),
            on_aggregator=bool(request.get("on_aggregator")),
        )  # fmt: skip
        self._rail.directory.add(made)
        return {"shortcode": made.shortcode, "passkey": made.passkey, "tills": sorted(made.tills)}

    def app(self, request: Request) -> Answer:
        """Add an app: key, secret, products (all without it), environment."""
        environment = request.get("environment", self._rail.directory.environment)
        if environment not in ("sandbox", "production"):
            raise ControlError("an app lives in the sandbox or in production")
        made = App(str(request["key"]), str(request["secret"]), environment=environment)
        if "products" in request:
            made.products = frozenset(str(each) for each in _list(request["products"]))
        self._rail.directory.add_app(made)
        return {"app": made.key, "products": sorted(made.products), "environment": made.environment}

    async def settle(self, request: Request) -> Answer:
        """Wait until no prompt is open and no callback is under way, `limit_s` at the longest."""
        limit_s = float(request.get("limit_s", 30))
        try:
            await self._rail.settle(limit_s)
        except TimeoutError:
            raise ControlError(f"still busy after {limit_s:g} s; ask again") from None
        return {"settled": True}

    async def watch(self, _request: Request) -> AsyncIterator[Answer]:
        """Tell every push, payment and delivery as it happens, until the asker hangs up."""
        async with aclosing(self._rail.feed.watch()) as events:
            async for event in events:
                yield event

    def _release(self, request: Request) -> int:
        return self._rail.release(shuffled=bool(request.get("shuffled")))


def _cents(shillings: Any) -> int:
    return round(float(shillings) * 100)


def _limit(request: Request) -> int:
    return max(1, min(int(request.get("limit", 100)), ROWS_MAX))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ControlError("a list is wanted here")
    return value


def _habit(said: Any, known: Habit) -> Habit:
    """A habit, by name or with its times; unsaid times as before."""
    values = {"does": said} if isinstance(said, str) else dict(said)
    return replace(known, **({"code": ""} | values))


def _payment(payment: PhonePayment) -> dict[str, Any]:
    return asdict(payment) | {"told": payment.told}


def _deliveries(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    return [asdict(each) for each in deliveries]


def _phone(phone: Phone) -> dict[str, Any]:
    return {
        "msisdn": phone.msisdn,
        "name": phone.name,
        "balance_cents": phone.balance_cents,
        "habit": asdict(phone.habit),
        "next": [asdict(habit) for habit in phone.script],
        "busy": phone.busy,
        "pin_locked": phone.pin_locked,
        "spent_today_cents": phone.spent_cents,
    }
