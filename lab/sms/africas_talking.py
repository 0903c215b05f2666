"""Africa's Talking's face: the form of sending, its bulk sister, what was sent to us, and the account's balance.

Bodies and codes are those of its public documentation and of what public clients expect.
"""

import secrets
from typing import Any
from xml.sax.saxutils import escape

from lab.sms.gateway import VALIDITY_S, Gateway
from lab.sms.message import NotTaken
from lab.sms.numbers import SAFARICOM, TELCOS
from lab.web import Asked, Said, said_json, said_text

RECIPIENTS_MAX = 10_000
RETRY_HOURS_MAX = 72
BAD_KEY = "The supplied authentication is invalid"
Recipient = dict[str, Any]


class AfricasTalking:
    """Answers what begins with /version1/."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, asked: Asked) -> Said:
        """Answer one request."""
        path = asked.path.rstrip("/")
        match asked.method, path:
            case "POST", "/version1/messaging":
                return self._authorised(asked, asked.form(), self._send)
            case "POST", "/version1/messaging/bulk":
                return self._authorised(asked, self._bulk_body(asked), self._bulk)
            case "GET", "/version1/messaging":
                return self._authorised(asked, dict(asked.query), self._fetch)
            case "GET", "/version1/user":
                return self._authorised(asked, dict(asked.query), self._user)
            case _, "/version1/messaging" | "/version1/messaging/bulk" | "/version1/user":
                return said_text(405, "The method is not allowed for this resource")
            case _:
                return said_text(404, "The requested resource could not be found.")

    def _authorised(self, asked: Asked, fields: dict[str, Any], act: Any) -> Said:
        account = self._gateway.account
        known = secrets.compare_digest(asked.headers.get("apikey", "").encode(), account.api_key.encode())
        if not known or fields.get("username") != account.username:
            return said_text(401, BAD_KEY)
        said: Said = act(asked, fields)
        return said

    def _bulk_body(self, asked: Asked) -> dict[str, Any]:
        body = asked.json()
        if isinstance(body, dict):
            return body
        if not self._gateway.manner.masked_as_form:
            return {}
        form: dict[str, Any] = dict(asked.form())
        return form | {"phoneNumbers": [each for each in form.get("phoneNumbers", "").split(",") if each]}

    # -- one request each -----------------------------------------------------------------------------------------

    def _send(self, asked: Asked, form: dict[str, Any]) -> Said:
        for needed in ("to", "message"):
            if not form.get(needed):
                return said_text(400, f"Must have {needed} in your request")
        numbers = [number.strip() for number in form["to"].split(",") if number.strip()][:RECIPIENTS_MAX]
        hours = form.get("retryDurationInHours", "")
        validity_s = min(int(hours), RETRY_HOURS_MAX) * 3_600.0 if hours.isdecimal() else VALIDITY_S
        return self._submit(asked, numbers, form.get("from", ""), form["message"], form.get("enqueue"), validity_s)

    def _bulk(self, asked: Asked, body: dict[str, Any]) -> Said:
        numbers, masked = body.get("phoneNumbers") or [], str(body.get("maskedNumber") or "")
        if not body.get("message") or not isinstance(numbers, list) or not (numbers or masked):
            return said_text(400, "Must have message and phoneNumbers in your request")
        sender, text = str(body.get("senderId") or ""), str(body["message"])
        if not masked:
            numbers = [str(number) for number in numbers[:RECIPIENTS_MAX]]
            return self._submit(asked, numbers, sender, text, body.get("enqueue"), VALIDITY_S)
        number = self._gateway.inboxes.find_hashed(masked) if body.get("telco") == SAFARICOM.name else None
        return self._submit(asked, [number or ""], sender, text, None, VALIDITY_S, shown=masked)

    def _submit(
        self, asked: Asked, numbers: list[str], sender: str, text: str, enqueue: Any, validity_s: float,
        shown: str = "",
    ) -> Said:  # fmt: skip
        if not any(self._gateway.account.may_send_as(sender, telco) for telco in TELCOS):
            return _told(asked, "InvalidSenderId", [], self._gateway.manner.json_kind)
        code = 102 if str(enqueue) in {"1", "True"} else self._gateway.manner.accepted_code
        recipients, cost = [], 0
        for number in numbers:
            recipient, paid = self._one(number, sender, text, code, validity_s, shown or number)
            recipients.append(recipient)
            cost += paid
        taken = sum(recipient["messageId"] != "None" for recipient in recipients)
        total = f"Sent to {taken}/{len(recipients)} Total Cost: {_money(cost)}"
        return _told(asked, total, recipients, self._gateway.manner.json_kind)

    def _one(
        self, number: str, sender: str, text: str, code: int, validity_s: float, shown: str
    ) -> tuple[Recipient, int]:
        try:
            message = self._gateway.submit(
                "africas-talking", number, sender, text, validity_s=validity_s, plus_needed=True
            )
        except NotTaken as refusal:
            status, cost, message_id, parts, code = str(refusal), 0, "None", 0, refusal.code
        else:
            status, cost, message_id, parts = "Success", message.cost, message.id, message.segments
        recipient: Recipient = {
            "statusCode": code, "number": shown, "status": status, "cost": _money(cost), "messageId": message_id,
        }  # fmt: skip
        return recipient | ({"messageParts": parts} if self._gateway.manner.message_parts else {}), cost

    def _fetch(self, asked: Asked, _query: dict[str, Any]) -> Said:
        """What phones sent to the account's shortcodes: here nobody does."""
        return _given(asked, {"SMSMessageData": {"Messages": []}}, 200, self._gateway.manner.json_kind)

    def _user(self, asked: Asked, _query: dict[str, Any]) -> Said:
        balance = {"UserData": {"balance": _money(self._gateway.account.balance, zero="KES 0.0000")}}
        return _given(asked, balance, 200, self._gateway.manner.json_kind)


def _money(cost: int, zero: str = "0") -> str:
    return f"KES {cost // 10_000}.{cost % 10_000:04d}" if cost else zero


def _told(asked: Asked, message: str, recipients: list[Recipient], kind: str) -> Said:
    return _given(asked, {"SMSMessageData": {"Message": message, "Recipients": recipients}}, 201, kind)


def _given(asked: Asked, answer: dict[str, Any], status: int, kind: str) -> Said:
    """JSON to whoever accepts it by name, XML to everybody else: that is its default."""
    if "application/json" in asked.headers.get("accept", ""):
        return said_json(status, answer, {"content-type": kind})
    return said_text(status, f"<AfricasTalkingResponse>{_xml(answer)}</AfricasTalkingResponse>", "application/xml")


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml_of(name, inner)}</{name}>" for name, inner in value.items())
    return escape(str(value))


def _xml_of(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(f"<{name.removesuffix('s')}>{_xml(each)}</{name.removesuffix('s')}>" for each in value)
    return _xml(value)
