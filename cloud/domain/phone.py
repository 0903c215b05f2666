"""Kenyan mobile numbers in one form, 2547XXXXXXXX or 2541XXXXXXXX, and their hash as M-Pesa sends it."""

import hashlib
import re

_NOISE = re.compile(r"[\s\-().+]+")
_FORMS = re.compile(r"(?:254|0)?([17][0-9]{8})")
_HASH = re.compile(r"[0-9a-f]{64}")


def find_phone(typed: str) -> str | None:
    """Return the number in its one form, or None when `typed` is no mobile number."""
    match = _FORMS.fullmatch(_NOISE.sub("", typed[:40]))
    return f"254{match[1]}" if match else None


def hash_of(phone: str) -> str:
    """Return what hashed confirmations carry for this number."""
    return hashlib.sha256(phone.encode()).hexdigest()


def is_hash(payer_key: str) -> bool:
    """Say whether a payer is named by a hash."""
    return _HASH.fullmatch(payer_key) is not None


def masked(phone: str) -> str:
    """Return what may stand in a log: enough to talk about, too little to call."""
    return f"{phone[:5]}****{phone[-3:]}" if len(phone) >= 10 else "****"
