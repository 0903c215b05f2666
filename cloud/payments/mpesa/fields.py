"""The values inside a C2B callback, each read from hostile text into a value or None; nothing here raises.

Everything arrives as strings, though numbers are seen too. Times are East Africa Time, which has no daylight saving.
"""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from cloud.domain import phone

EAT = timezone(timedelta(hours=3), "EAT")
AMOUNT_CENTS_MAX = 100_000_000
"""KES 1,000,000: four times what M-Pesa moves in one payment; more is a mistake or an attack."""
TEXT_CHARS_MAX = 64
_FIRST_YEAR = 2007
"""M-Pesa's first: an earlier time is not a time."""
_AHEAD_MAX = timedelta(days=1)

_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?")
_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")
_TIME = re.compile(r"[0-9]{14}")
_HASHED = re.compile(r"[0-9a-fA-F]{64}")


def find_object(raw: bytes) -> dict[str, Any] | None:
    """Read a JSON object with every number left as the text it came in; None when it is not one.

    Bytes that are not UTF-8 are replaced: a broken name must not cost the payment.
    """
    try:
        value = json.loads(
            raw.decode("utf-8-sig", errors="replace"), parse_float=str, parse_int=str, parse_constant=_nothing
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _nothing(_name: str) -> None:
    """Read NaN and Infinity, which JSON does not have, as null: "INFINITY" would pass for a receipt."""


def clean_text(value: object, limit: int = TEXT_CHARS_MAX) -> str:
    """Make one printable line of at most `limit` characters; NUL and lone surrogates would break the database."""
    if not isinstance(value, str):
        return ""
    line = "".join(char if char.isprintable() else " " for char in value[: limit * 4])
    return " ".join(line.split())[:limit]


def find_amount_cents(value: object) -> int | None:
    """Read shillings such as "10", "10.5" or "10.00"; None for zero, less, fractions of a cent, or the absurd."""
    match = _AMOUNT.fullmatch(clean_text(value, 32))
    if match is None:
        return None
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > 2:
        return None
    cents = int(match[1]) * 100 + int(fraction.ljust(2, "0"))
    return cents if 0 < cents <= AMOUNT_CENTS_MAX else None


def find_receipt(value: object) -> str | None:
    """Read the rail's own id of the payment, trimmed and upper-cased: the one key all roads share."""
    receipt = clean_text(value, 32).upper()
    return receipt if _RECEIPT.fullmatch(receipt) else None


def find_paid_at(value: object, received_at: datetime) -> datetime | None:
    """Read yyyymmddhhmmss in EAT as a UTC instant; None when it is no such instant or lies in the future."""
    text = clean_text(value, 32)
    if not _TIME.fullmatch(text) or int(text[:4]) < _FIRST_YEAR:
        return None
    try:
        local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=EAT)
    except ValueError:
        return None
    return local.astimezone(UTC) if local <= received_at + _AHEAD_MAX else None


def find_phone(value: object) -> str | None:
    """Read a plain Kenyan mobile number as 2547XXXXXXXX or 2541XXXXXXXX; None for a masked or hashed one."""
    return phone.find_phone(clean_text(value))


def find_phone_sha256(value: object) -> str | None:
    """Read a hashed number: 64 hex digits, in lower case."""
    text = clean_text(value, 100)
    return text.lower() if _HASHED.fullmatch(text) else None
