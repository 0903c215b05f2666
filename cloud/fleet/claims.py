"""Claim codes: ten Crockford letters and a check character, `XXXX-XXXX-XXX`, readable over a bad telephone line."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK = _ALPHABET + "*~$=U"
_LETTERS = 10
_MISREAD = str.maketrans("OIL", "011", "- \t")

CLAIM_LIFE = timedelta(days=14)
"""Installers drive far."""


class ClaimMistyped(Exception):
    """What was typed is no claim code; no database need be asked."""


def new_code(random_below: Callable[[int], int]) -> str:
    """Make a code of 50 random bits."""
    number = random_below(32**_LETTERS)
    letters = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))
    whole = letters + _CHECK[number % 37]
    return f"{whole[:4]}-{whole[4:8]}-{whole[8:]}"


def normalise(typed: str) -> str:
    """Return the code's eleven characters however it was typed, or raise ClaimMistyped."""
    code = typed.strip().upper().translate(_MISREAD)
    if len(code) != _LETTERS + 1 or any(letter not in _ALPHABET for letter in code[:-1]) or code[-1] not in _CHECK:
        raise ClaimMistyped
    number = 0
    for letter in code[:-1]:
        number = number * 32 + _ALPHABET.index(letter)
    if _CHECK[number % 37] != code[-1]:
        raise ClaimMistyped
    return code


def code_hash(typed: str) -> bytes:
    """Return what is stored of a code."""
    return hashlib.sha256(b"mnara claim " + normalise(typed).encode()).digest()
