"""C2B: a subscriber types paybill and account on the phone; M-Pesa asks us first (validation), then tells us.

Two bodies exist, with the same names: v1 hashes the payer's number, v2 masks it. Real ones lack names at times.
"""

from datetime import datetime
from ipaddress import ip_address
from typing import Final

from cloud.payments.mpesa.fields import (
    clean_text,
    find_amount_cents,
    find_object,
    find_paid_at,
    find_phone,
    find_phone_sha256,
    find_receipt,
)
from cloud.payments.mpesa.sources import Networks
from cloud.ports import Confirmation, Refused

RAIL: Final = "mpesa"

CONFIRMED: Final = b'{"ResultCode":0,"ResultDesc":"Success"}'
"""The one answer to a confirmation that is safely stored, whatever it says: anything else is sent again, or lost."""

VALID: Final = b'{"ResultCode":"0","ResultDesc":"Accepted"}'
UNKNOWN_ACCOUNT: Final = b'{"ResultCode":"C2B00012","ResultDesc":"Rejected"}'
WRONG_AMOUNT: Final = b'{"ResultCode":"C2B00013","ResultDesc":"Rejected"}'
WRONG_SHORTCODE: Final = b'{"ResultCode":"C2B00015","ResultDesc":"Rejected"}'


class MpesaC2B:
    """The rail's reader."""

    def parse_confirmation(self, raw: bytes, received_at: datetime) -> Confirmation | Refused:
        """Read one stored body; never raises."""
        body = find_object(raw)
        if body is None:
            return Refused("the body is not a JSON object; ask the rail what was sent")
        receipt = find_receipt(body.get("TransID"))
        if receipt is None:
            return Refused("TransID is missing or is no receipt (6 to 20 letters and digits); look it up at the rail")
        amount_cents = find_amount_cents(body.get("TransAmount"))
        if amount_cents is None:
            return Refused("TransAmount is no amount of whole cents above zero; look the receipt up at the rail")
        number = body.get("MSISDN")
        names = (clean_text(body.get(key), 40) for key in ("FirstName", "MiddleName", "LastName"))
        return Confirmation(
            receipt=receipt,
            amount_cents=amount_cents,
            shortcode=clean_text(body.get("BusinessShortCode"), 20),
            bill_reference=clean_text(body.get("BillRefNumber")),
            payer_key=find_phone(number) or find_phone_sha256(number) or "",
            payer_name=" ".join(name for name in names if name),
            paid_at=find_paid_at(body.get("TransTime"), received_at) or received_at,
        )


def find_doubt(raw: bytes, shortcode: str, source: str | None, sources: Networks) -> str | None:
    """Say why a well-formed confirmation must wait for a human, or None.

    Malformed bodies are not doubtful: the poster names what is wrong with them. An empty `sources` asks nothing.
    """
    body = find_object(raw)
    if body is None:
        return None
    said = clean_text(body.get("BusinessShortCode"), 20)
    if said != shortcode:
        return f"the body names shortcode {said!r}, the webhook belongs to {shortcode!r}"
    if sources and not _is_from(source, sources):
        return f"it came from {source or 'an unknown address'}, which is not on the list of the rail's addresses"
    return None


def find_objection(raw: bytes, shortcode: str) -> bytes | None:
    """Return the answer that refuses a validation by its shape alone, or None."""
    body = find_object(raw)
    if body is None or clean_text(body.get("BusinessShortCode"), 20) != shortcode:
        return WRONG_SHORTCODE
    return WRONG_AMOUNT if find_amount_cents(body.get("TransAmount")) is None else None


def bill_reference_of(raw: bytes) -> str:
    """Return what the payer typed as the account, cleaned; empty when there is none."""
    return clean_text((find_object(raw) or {}).get("BillRefNumber"))


def _is_from(source: str | None, sources: Networks) -> bool:
    if source is None:
        return False
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in sources)
