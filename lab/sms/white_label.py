"""The white-label family's face (TextSMS, Celcom Africa, Advanta and others): four services, one odd spelling.

Codes and bodies are those of their public documentation. HTTP's status is 200 whatever they answer.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from lab.sms.gateway import Gateway
from lab.sms.message import Message, NotTaken
from lab.sms.numbers import telco_of
from lab.sms.reports import description_of, local_time
from lab.web import Asked, Said, said_json, said_text

PREFIX: Final = "/api/services/"
COMMA_MAX = 1_000  # numbers in one `mobile`
Fields = Mapping[str, Any]
Row = dict[str, Any]

WORDS: Final = {
    200: "Success",
    1001: "Invalid sender id",
    1002: "Network not allowed",
    1003: "Invalid mobile number",
    1004: "Low bulk credits",
    1005: "Failed. System error",
    1006: "Invalid credentials",
    1007: "Failed. System error",
    1008: "No Delivery Report",
    1009: "Unsupported data type",
    1010: "Unsupported request type",
    1012: "Too Many messages on SMS LIST",
    1104: "Too many comma separated contacts",
    4090: "Internal Error. Try again after 5 minutes",
    4091: "No Partner ID is Set",
    4092: "No API KEY Provided",
    4093: "Details Not Found",
}
_OF_REFUSAL: Final = {402: 1001, 403: 1003, 404: 1002, 405: 1004, 407: 1002, 500: 4090, 501: 1005, 502: 1007}
_STATUS_NUMBERS: Final = {"DeliveredToTerminal": 32}
"""The only number that is published; the others are told as 0."""


class Wrong(Exception):
    """The whole request is refused, with one of the codes."""

    def __init__(self, code: int) -> None:
        super().__init__(WORDS[code])
        self.code = code


class WhiteLabel:
    """Answers what begins with /api/services/."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._services = {
            "sendsms": self._send, "sendotp": self._send, "sendbulk": self._bulk, "getdlr": self._report,
            "getbalance": self._balance,
        }  # fmt: skip

    async def answer(self, asked: Asked) -> Said:
        """Answer one request; GET takes from the query what POST takes from JSON."""
        service = self._services.get(asked.path.removeprefix(PREFIX).strip("/"))
        if service is None:
            return said_text(404, "<h1>404 Not Found</h1>", "text/html; charset=UTF-8")
        try:
            if asked.method not in {"GET", "POST"}:
                raise Wrong(1010)
            fields = asked.json() if asked.method == "POST" else dict(asked.query)
            if not isinstance(fields, dict):
                raise Wrong(1009)
            return said_json(200, service(fields), {"content-type": self._gateway.manner.json_kind})
        except Wrong as wrong:
            row = {"response-code": wrong.code, "response-description": str(wrong)}
            flat = self._gateway.manner.refusals_flat
            return said_json(200, row if flat else {"responses": [self._spelt(row)]})

    # -- one service each -----------------------------------------------------------------------------------------

    def _send(self, fields: Fields) -> Row:
        self._authorise(fields)
        mobiles = str(fields.get("mobile", "")).split(",")
        if len(mobiles) > COMMA_MAX:
            raise Wrong(1104)
        masked = fields.get("hashed") is True
        rows = [self._one(fields, mobile.strip(), masked=masked) for mobile in mobiles]
        return {"responses": [self._spelt(row) for row in rows]}

    def _bulk(self, fields: Fields) -> Row:
        wanted = fields.get("smslist")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
            raise Wrong(1009)
        if len(wanted) > self._gateway.manner.bulk_max:
            raise Wrong(1012)
        self._authorise(wanted[0])  # the first one's credentials count for all
        rows = []
        for each in wanted:
            row = self._one({**each, "shortcode": wanted[0].get("shortcode")}, str(each.get("mobile", "")))
            rows.append(self._spelt(row | {"clientsmsid": each.get("clientsmsid")}))
        return {"responses": rows}

    def _report(self, fields: Fields) -> Row:
        self._authorise(fields)
        number = str(fields.get("messageID", ""))
        message = self._gateway.find_by_number(int(number)) if number.isdecimal() and len(number) < 19 else None
        if message is None:
            raise Wrong(4093)
        if not message.status:
            raise Wrong(1008)
        described = description_of(message.status, message.reason)
        done_us = message.finished_at_us or message.accepted_at_us
        minutes, seconds = divmod((done_us - message.accepted_at_us) // 1_000_000, 60)
        return {
            "response-code": 200, "message-id": str(message.number), "response-description": "Success",
            "delivery-status": _STATUS_NUMBERS.get(described, 0), "delivery-description": described,
            "delivery-tat": f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}",
            "delivery-networkid": message.telco.network_id, "delivery-time": local_time(done_us),
        }  # fmt: skip

    def _balance(self, fields: Fields) -> Row:
        self._authorise(fields)
        account = self._gateway.account
        hundredths = account.balance // 100
        credit = f"{hundredths // 100}.{hundredths % 100:02d}"
        return {"response-code": 200, "credit": credit, "partner-id": account.partner_id}

    # -- what they share ------------------------------------------------------------------------------------------

    def _authorise(self, fields: Fields) -> None:
        account = self._gateway.account
        if not fields.get("partnerID"):
            raise Wrong(4091)
        if not fields.get("apikey"):
            raise Wrong(4092)
        if not secrets.compare_digest(str(fields["apikey"]).encode(), account.api_key.encode()):
            raise Wrong(1006)
        if str(fields["partnerID"]) != account.partner_id:
            raise Wrong(1006)

    def _one(self, fields: Fields, mobile: str, *, masked: bool = False) -> Row:
        number = (self._gateway.inboxes.find_hashed(mobile) or "") if masked else mobile
        text, sender = str(fields.get("message") or ""), str(fields.get("shortcode") or "")
        if not text:
            return {"response-code": 1009, "response-description": WORDS[1009], "mobile": self._number(mobile)}
        try:
            if not sender:
                raise NotTaken(402)
            message = self._gateway.submit("white-label", number, sender, text)
        except NotTaken as refusal:
            code = _OF_REFUSAL.get(refusal.code, 1005)
            return {"response-code": code, "response-description": WORDS[code], "mobile": self._number(mobile)}
        return self._taken(message, mobile if masked else message.to)

    def _taken(self, message: Message, shown: str) -> Row:
        return {
            "response-code": 200, "response-description": WORDS[200], "mobile": self._number(shown.lstrip("+")),
            "messageid": self._number(str(message.number)), "networkid": str(telco_of(message.to).network_id),
        }  # fmt: skip

    def _number(self, text: str) -> str | int:
        as_number = text.isdecimal() and len(text) < 19 and not self._gateway.manner.numbers_as_text
        return int(text) if as_number else text

    def _spelt(self, row: Row) -> Row:
        """Spell the code's key as this member of the family does."""
        spelling = self._gateway.manner.spelling
        if spelling == "response-code":
            return row
        odd = {"respose-code": row["response-code"]}
        return odd | row if spelling == "both" else odd | {k: v for k, v in row.items() if k != "response-code"}
