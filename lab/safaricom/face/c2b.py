"""C2B: register the addresses, and in the sandbox simulate a payment."""

import secrets
from typing import Literal, cast

from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import C2B, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.request import Request
from lab.safaricom.organisations import Organisation
from lab.safaricom.rail import AMOUNT_MAX_CENTS, BadRegistration, Rail, Shop

Version = Literal["v1", "v2"]
ResponseType = Literal["Completed", "Cancelled"]
REFERENCE_MAX = 2_000  # anything may be typed; the callback cuts it where the phone stops


def endpoints(rail: Rail) -> Endpoints:
    """Both versions; which one an app may call is a product of its own. Production simulates nothing."""
    made: Endpoints = {}
    for version in ("v1", "v2"):
        product = f"c2b-{version}"
        made["POST", f"/mpesa/c2b/{version}/registerurl"] = Endpoint(C2B, _registering(rail, version), product)
        if rail.directory.environment == "sandbox":
            made["POST", f"/mpesa/c2b/{version}/simulate"] = Endpoint(C2B, _simulating(rail), product)
    return made


def accepted(rail: Rail, description: str) -> dict[str, str]:
    """The first key is misspelt by Daraja."""
    conversation = f"{secrets.randbelow(9_000) + 1_000}-{secrets.randbelow(90_000_000) + 10_000_000}-1"
    older = {"ConversationID": ""} if rail.manner.conversation_key else {}
    return {"OriginatorCoversationID": conversation, **older, "ResponseCode": "0", "ResponseDescription": description}


def _registering(rail: Rail, version: str) -> Handler:
    async def register(request: Request) -> Answer:
        organisation = _organisation(rail, request)
        shop = Shop(
            organisation.shortcode,
            confirmation_url=request.text("ConfirmationURL"),
            validation_url=request.text("ValidationURL"),
            response_type=cast("ResponseType", request.one_of("ResponseType", "Completed", "Cancelled")),
            version=cast("Version", version),
        )
        if organisation.on_aggregator:
            raise Refusal(500, "500.003.1001", "Duplicate notification info")
        if rail.directory.environment == "production" and rail.is_registered(organisation.shortcode):
            raise Refusal(500, "500.003.1001", "URLs are already registered")
        try:
            rail.register(shop)
        except BadRegistration as refusal:
            raise Refusal(400, request.bad_code, str(refusal)) from None
        return 200, accepted(rail, "success")

    return register


def _simulating(rail: Rail) -> Handler:
    async def simulate(request: Request) -> Answer:
        organisation = _organisation(rail, request)
        wanted = "CustomerBuyGoodsOnline" if organisation.kind == "store" else "CustomerPayBillOnline"
        request.one_of("CommandID", wanted)
        cents, msisdn = request.shillings() * 100, request.msisdn("Msisdn")
        if cents > AMOUNT_MAX_CENTS:
            raise request.bad("Amount")
        shortcode, reference = request.digits("ShortCode"), request.optional("BillRefNumber", most=REFERENCE_MAX)

        async def pay() -> None:
            await rail.pay(msisdn, shortcode, reference, cents)

        rail.callbacks.begin(pay())  # the answer does not wait for the validation
        return 200, accepted(rail, "Accept the service request successfully.")

    return simulate


def _organisation(rail: Rail, request: Request) -> Organisation:
    try:
        return rail.directory.get(request.digits("ShortCode", least=5, most=7))
    except KeyError:
        raise request.bad("ShortCode") from None
