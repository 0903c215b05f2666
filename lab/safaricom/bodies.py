"""The callback bodies: the same thirteen keys for validation and confirmation, every value a string."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from lab.safaricom.manner import Manner
from lab.safaricom.record import PhonePayment

EAST_AFRICA = timezone(timedelta(hours=3))  # no daylight saving
BILL_REFERENCE_MAX = 20


def hashed(msisdn: str) -> str:
    """What version 1 sends in place of the payer's number."""
    return hashlib.sha256(msisdn.encode()).hexdigest()


def masked(msisdn: str) -> str:
    """What version 2 sends: `2547 ***** 126`."""
    return f"{msisdn[:4]} ***** {msisdn[-3:]}"


def shillings(cents: int, style: Literal["two-places", "whole"]) -> str:
    """Write an amount as the rail does; it has no cents, so `whole` is exact for what phones can pay."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02d}" if style == "two-places" or rest else str(whole)


def trans_time(at_us: int) -> str:
    """`20260817143512`, in East Africa Time."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(EAST_AFRICA).strftime("%Y%m%d%H%M%S")


def callback(
    payment: PhonePayment, manner: Manner, *, balance_cents: int | None, version: Literal["v1", "v2"] | None = None
) -> dict[str, str]:
    """Build a body. A validation has no balance yet (None: blank); a confirmation says the new one."""
    body = {
        "TransactionType": "" if manner.type_blank else payment.kind,
        "TransID": payment.receipt,
        "TransTime": trans_time(payment.paid_at_us),
        "TransAmount": shillings(payment.amount_cents, manner.amount),
        "BusinessShortCode": payment.shortcode,
        "BillRefNumber": payment.bill_reference[:BILL_REFERENCE_MAX],
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if balance_cents is None else shillings(balance_cents, "two-places"),
        "ThirdPartyTransID": payment.third_party_id,
        "MSISDN": hashed(payment.msisdn) if (version or manner.version) == "v1" else masked(payment.msisdn),
    }
    if payment.till and not manner.till_reference:
        del body["BillRefNumber"]
    first, *rest = payment.name.upper().split() or [""]
    if manner.names != "none":
        body["FirstName"] = first
    if manner.names == "all":
        body["MiddleName"], body["LastName"] = " ".join(rest[:-1]), rest[-1] if rest else ""
    return body
