"""Kenyan phone numbers as gateways see them: the forms they take, and the network a prefix belongs to."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_LOCAL = re.compile(r"(?:\+?254|0)?([17]\d{8})")
_INTERNATIONAL = re.compile(r"\+\d{8,15}")


@dataclass(frozen=True, slots=True)
class Telco:
    """A network: Africa's Talking's `networkCode`, the white-label family's `networkid`."""

    name: str
    code: str
    network_id: int


SAFARICOM: Final = Telco("Safaricom", "63902", 1)
AIRTEL: Final = Telco("Airtel", "63903", 2)
TELKOM: Final = Telco("Telkom", "63907", 3)
ABROAD: Final = Telco("Abroad", "99999", 9)
TELCOS: Final = (SAFARICOM, AIRTEL, TELKOM, ABROAD)

# The Communications Authority's ranges in their common reading; numbers move between networks, so it is an estimate.
_AIRTEL = ("73", "75", "78", "100", "101", "102", "103", "104", "105", "106")
_TELKOM = ("77",)


def normal(text: str, *, plus_needed: bool = False) -> str | None:
    """Return `+2547…`, or None for what is no number. With `plus_needed`, 07… and 2547… are none either."""
    bare = text.strip()
    if plus_needed and not bare.startswith("+"):
        return None
    if match := _LOCAL.fullmatch(bare):
        return "+254" + match[1]
    kenyan = bare.startswith("+254")
    return bare if _INTERNATIONAL.fullmatch(bare) and not kenyan else None


def telco_of(number: str) -> Telco:
    """Return the network of a normal number."""
    if not number.startswith("+254"):
        return ABROAD
    local = number[4:]
    if local.startswith(_AIRTEL):
        return AIRTEL
    return TELKOM if local.startswith(_TELKOM) else SAFARICOM


def hashed(number: str) -> str:
    """What M-Pesa's hashed payer is: SHA-256 over the digits that begin with 254."""
    return hashlib.sha256(number.lstrip("+").encode()).hexdigest()
