"""STK push and its query: strict fields, Daraja's words for each that is wrong."""

import base64
import re
from contextlib import suppress
from datetime import datetime

from lab.clock import within
from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import STK, Answer, Endpoint, Endpoints
from lab.safaricom.face.outages import SPIKE
from lab.safaricom.face.request import Request
from lab.safaricom.organisations import Organisation
from lab.safaricom.pushes import Locked, Order, Push
from lab.safaricom.rail import Rail
from lab.safaricom.results import words_of
from lab.safaricom.urls import is_reachable

EARLY_S = 30.0  # the longest that an answer waits for its own callback
SANDBOX_QUERIES_PER_MINUTE = 5
_ACCEPTED = "Success. Request accepted for processing"
# Daraja's own spelling.
_QUERIED = "The service request has been accepted successsfully"


def endpoints(rail: Rail) -> Endpoints:
    """Both endpoints."""
    desk = StkDesk(rail)
    return {
        ("POST", "/mpesa/stkpush/v1/processrequest"): Endpoint(STK, desk.push),
        ("POST", "/mpesa/stkpushquery/v1/query"): Endpoint(STK, desk.query),
    }


class StkDesk:
    """Takes pushes and queries."""

    def __init__(self, rail: Rail) -> None:
        self._rail = rail
        self._asked_us: dict[str, int] = {}

    async def push(self, request: Request) -> Answer:
        """Check every field in the portal's order, then the password; then the phone rings."""
        order = self._order(request)
        manner = self._rail.manner
        try:
            push = self._rail.pushes.begin(order, manner)
        except Locked:
            raise Refusal(500, "500.001.1001", words_of("1001")) from None
        if manner.early:
            with suppress(TimeoutError):  # the receiver is slow; the answer comes all the same
                await within(self._rail.clock, EARLY_S, push.told.wait())
        return 200, {
            "MerchantRequestID": push.merchant_id,
            "CheckoutRequestID": push.checkout_id,
            "ResponseCode": "0",
            "ResponseDescription": _ACCEPTED,
            "CustomerMessage": _ACCEPTED,
        }

    async def query(self, request: Request) -> Answer:
        """Say what became of a push: no receipt, no amount, a string code."""
        if not self._in_time(request.app_key):
            return 429, SPIKE
        shortcode, timestamp, password = _signed(request)
        checkout_id = request.text("CheckoutRequestID", most=100)
        organisation = self._merchant(shortcode, timestamp, password)
        push = self._rail.pushes.get(checkout_id)
        if push is None or push.order.organisation is not organisation:
            raise request.bad("CheckoutRequestID")
        if push.code or self._rail.manner.pending == "4999":
            return 200, self._told(push)
        raise Refusal(500, "500.001.1001", "The transaction is being processed")

    def _told(self, push: Push) -> dict[str, str]:
        manner = self._rail.manner
        code = "1037" if push.code == "0" and manner.query_lies else push.code or "4999"
        return {
            "ResponseCode": "0",
            "ResponseDescription": _QUERIED,
            "MerchantRequestID": push.merchant_id,
            "CheckoutRequestID": push.checkout_id,
            "ResultCode": code,
            "ResultDesc": words_of(code, self._rail.chance if manner.wording == "varied" else None),
        }

    def _order(self, request: Request) -> Order:
        manner = self._rail.manner
        shortcode, timestamp, password = _signed(request)
        kind = request.one_of("TransactionType", "CustomerPayBillOnline", "CustomerBuyGoodsOnline")
        amount_cents = request.shillings() * 100
        request.msisdn("PartyA")
        party_b = request.digits("PartyB", least=5, most=7)
        msisdn = request.msisdn("PhoneNumber")
        callback_url = request.text("CallBackURL")
        if not is_reachable(callback_url, secure=self._rail.directory.environment == "production"):
            raise request.bad("CallBackURL")
        reference = request.text("AccountReference", most=manner.reference_max)
        # Left out, it is answered by the name that the core gives it.
        request.text("TransactionDesc", most=manner.description_max, called="Remarks")
        organisation = self._merchant(shortcode, timestamp, password)
        return Order(organisation, kind, party_b, msisdn, amount_cents, reference, callback_url)

    def _merchant(self, shortcode: str, timestamp: str, password: str) -> Organisation:
        try:
            organisation = self._rail.directory.get(shortcode)
        except KeyError:
            raise Refusal(500, "500.001.1001", "Merchant does not exist") from None
        wanted = base64.b64encode(f"{shortcode}{organisation.passkey}{timestamp}".encode()).decode()
        if password != wanted:
            raise Refusal(500, "500.001.1001", "[MerchantValidate] - Wrong credentials")
        return organisation

    def _in_time(self, app_key: str) -> bool:
        """Apigee smooths: five a minute with a burst of one is one every twelve seconds."""
        per_minute = self._rail.manner.queries_per_minute
        if per_minute is None:
            per_minute = SANDBOX_QUERIES_PER_MINUTE if self._rail.directory.environment == "sandbox" else 0
        now_us = self._rail.clock.monotonic_us()
        last_us = self._asked_us.get(app_key)
        if per_minute and last_us is not None and now_us - last_us < 60_000_000 // per_minute:
            return False
        self._asked_us[app_key] = now_us
        return True


def _signed(request: Request) -> tuple[str, str, str]:
    """Shortcode, timestamp and password, each in its form."""
    shortcode = request.digits("BusinessShortCode", least=5, most=7)
    password = request.text("Password", most=500)
    timestamp = request.digits("Timestamp", least=14, most=14)
    if not re.fullmatch(r"20[0-9]{12}", timestamp) or not _is_instant(timestamp):
        raise request.bad("Timestamp")
    return shortcode, timestamp, password


def _is_instant(timestamp: str) -> bool:
    try:
        datetime.strptime(timestamp, "%Y%m%d%H%M%S")  # noqa: DTZ007  # only whether it is a date at all
    except ValueError:
        return False
    return True
