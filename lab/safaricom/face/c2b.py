"""C2B: register the addresses, and in the sandbox simulate a payment."""

import secrets
from typing import Literal, cast

from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import C2B, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.request import Request
from lab.safaricom.rail import BadRegistration, Rail, Shop

Version = Literal["v1", "v2"]


def endpoints(rail: Rail) -> Endpoints:
    """Both versions; which one an app may call is a product of its own."""
    made: Endpoints = {}
    for version in ("v1", "v2"):
        product = f"c2b-{version}"
        made["POST", f"/mpesa/c2b/{version}/registerurl"] = Endpoint(C2B, _registering(rail, version), product)
        if rail.directory.environment == "sandbox":
            made["POST", f"/mpesa/c2b/{version}/simulate"] = Endpoint(C2B, _simulating(rail), product)
    return made


def accepted(description: str) -> dict[str, str]:
    """The key is misspelt by Daraja."""
    conversation = f"{secrets.randbelow(9_000) + 1_000}-{secrets.randbelow(90_000_000) + 10_000_000}-1"
    return {"OriginatorCoversationID": conversation, "ResponseCode": "0", "ResponseDescription": description}


def _registering(rail: Rail, version: str) -> Handler:
    async def register(request: Request) -> Answer:
        kind = request.one_of("ResponseType", "Completed", "Cancelled")
        confirmation = request.text("ConfirmationURL")
        validation = request.optional("ValidationURL")
        shop = Shop(
            request.digits("ShortCode", least=5, most=7),
            confirmation,
            validation or None,
            cast("Literal['Completed', 'Cancelled']", kind),
            cast("Version", version),
        )
        try:
            rail.register(shop)
        except BadRegistration as refusal:
            raise Refusal(400, request.bad_code, str(refusal)) from None
        return 200, accepted("success")

    return register


def _simulating(rail: Rail) -> Handler:
    async def simulate(request: Request) -> Answer:
        shortcode, cents = request.digits("ShortCode", least=5, most=7), request.shillings() * 100
        await rail.pay(request.msisdn("Msisdn"), shortcode, request.optional("BillRefNumber"), cents)
        return 200, accepted("Accept the service request successfully.")

    return simulate
