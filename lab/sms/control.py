"""What the gateway's control door can be asked: phones' inboxes, the manner of the day, balance, senders, reports."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any, Final, get_args

from lab.control import Answer, Handlers, Request
from lab.errors import LabError
from lab.sms.gateway import Gateway
from lab.sms.inboxes import PhoneState
from lab.sms.manner import Manner, changed
from lab.sms.message import Family, Message
from lab.sms.numbers import TELCOS, hashed, normal, telco_of

ROWS_MAX = 10_000
_MONEY: Final = 10_000
_FAMILIES: Final[tuple[Family, ...]] = ("africas-talking", "white-label")


class Control:
    """Answers requests about one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.verbs: Handlers = {
            "inbox": self._inbox, "messages": self._messages, "phone": self._phone, "manner": self._manner,
            "balance": self._balance, "sender": self._sender, "reports": self._reports, "release": self._release,
            "events": self._events, "watch": self._watch, "stats": self._stats,
        }  # fmt: skip

    def _inbox(self, request: Request) -> Answer:
        """What phones really received: [number=+2547…] [since=N] [text=PART]."""
        number = _number(request["number"]) if "number" in request else None
        part = str(request.get("text", ""))
        found = self._gateway.inboxes.list_received(number, int(request.get("since", 0)))
        rows = [asdict(one) for one in found if part in one.text]
        return {"inbox": rows[-ROWS_MAX:], "count": len(rows)}

    def _messages(self, request: Request) -> Answer:
        """Every message taken and what became of it: [state=lost] [since=N]."""
        since, state = int(request.get("since", 0)), request.get("state")
        rows = [
            _row(message)
            for message in self._gateway.messages.values()
            if message.number > since and state in (None, message.state)
        ]
        return {"messages": rows[-ROWS_MAX:], "count": len(rows)}

    def _phone(self, request: Request) -> Answer:
        """Show a phone, or switch it: number=+2547… [state=on|off|absent|blocked|dnd]."""
        number = _number(request["number"])
        state = request.get("state")
        if state is not None and state not in get_args(PhoneState):
            raise LabError(f"a phone is one of {', '.join(get_args(PhoneState))}, not {state!r}")
        if state is not None:
            self._gateway.switch(number, state)
        phone = self._gateway.inboxes.phone(number)
        telco = telco_of(number)
        return {
            "number": number, "state": phone.state, "received": len(phone.inbox), "telco": telco.name,
            "hashed": hashed(number),
        }  # fmt: skip

    def _manner(self, request: Request) -> Answer:
        """Show the switches, or change some: [lose=0.1] [outage=html] …; reset=true brings the good day back."""
        facts = {name: value for name, value in request.items() if name not in {"do", "reset"}}
        before = Manner() if request.get("reset") else self._gateway.manner
        self._gateway.manner = changed(before, facts)
        return asdict(self._gateway.manner)

    def _balance(self, request: Request) -> Answer:
        """Show what is left, in shillings, or set it: [set=100] [price=0.8] a segment."""
        account = self._gateway.account
        if "set" in request:
            account.balance = _money(request["set"])
        if "price" in request:
            account.price = _money(request["price"])
        return {"balance_kes": account.balance / _MONEY, "price_kes": account.price / _MONEY}

    def _sender(self, request: Request) -> Answer:
        """Register a sender id: name=MNARA ['telcos=["Safaricom"]']; without a name show them (none: all pass)."""
        senders = self._gateway.account.senders
        if "name" in request:
            names = [telco.name for telco in TELCOS]
            wanted = request.get("telcos", names)
            if not isinstance(wanted, list) or not set(wanted) <= set(names):
                raise LabError(f"networks are a list of some of {', '.join(names)}")
            senders[str(request["name"])] = frozenset(wanted)
        return {"senders": {name: ", ".join(sorted(telcos)) or "none" for name, telcos in senders.items()}}

    def _reports(self, request: Request) -> Answer:
        """List the reports sent [since=N], or say where to: to=URL [family=white-label]; to="" sends none."""
        reports = self._gateway.reports
        if "to" in request:
            family = request.get("family", _FAMILIES[0])
            if family not in _FAMILIES:
                raise LabError(f"a family is one of {', '.join(_FAMILIES)}, not {family!r}")
            reports.addresses[family] = str(request["to"])
        rows = reports.list_after(int(request.get("since", 0)))
        return {"addresses": dict(reports.addresses), "held": reports.held, "reports": rows[-ROWS_MAX:]}

    def _release(self, _request: Request) -> Answer:
        """Let go the reports that `manner reports_hold=true` kept back."""
        return {"released": self._gateway.reports.release()}

    def _events(self, request: Request) -> Answer:
        """What happened: [since=N] [kind=received]."""
        return {"events": self._gateway.events.after(int(request.get("since", 0)), request.get("kind"))[-ROWS_MAX:]}

    async def _watch(self, request: Request) -> AsyncGenerator[Answer, None]:
        """Follow what happens: [kind=asked|accepted|received|failed|lost|report|report-lost]."""
        async for event in self._gateway.events.follow(request.get("kind")):
            yield event

    def _stats(self, _request: Request) -> Answer:
        """Figures: messages by state, segments, reports, money."""
        states: dict[str, int] = {}
        for message in self._gateway.messages.values():
            states[message.state] = states.get(message.state, 0) + 1
        inboxes, reports = self._gateway.inboxes, self._gateway.reports
        return {
            "messages": states, "received": inboxes.received_in_all, "segments": inboxes.segments_in_all,
            "phones": len(inboxes.list_phones()), "reports": reports.in_all, "reports_held": reports.held,
            "balance_kes": self._gateway.account.balance / _MONEY,
        }  # fmt: skip


def _number(text: Any) -> str:
    number = normal(str(text))
    if number is None:
        raise LabError(f"{text!r} is no phone number; write +254711000001")
    return number


def _money(shillings: Any) -> int:
    if isinstance(shillings, bool) or not isinstance(shillings, int | float) or not 0 <= shillings <= 1e9:
        raise LabError(f"{shillings!r} is no amount; give shillings such as 100 or 0.8")
    return round(shillings * _MONEY)


def _row(message: Message) -> dict[str, Any]:
    return {
        "number": message.number, "id": message.id, "family": message.family, "to": message.to,
        "sender": message.sender, "state": message.state, "status": message.status, "reason": message.reason,
        "segments": message.segments, "cost_kes": message.cost / _MONEY, "text": message.text,
    }  # fmt: skip
