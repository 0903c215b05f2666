"""What a subscriber types as "account number" on his phone: short, digits only, and it proves itself.

The last digit is a Damm check digit: it finds every single wrong digit and every swap of neighbours. A number holds no
letters, so an O or an I can only be a mistyped 0 or 1, and the check digit says whether it was.
"""

import re

_FIRST = 10_000
"""Numbers start at five digits, so that none begins with a zero that a phone or a sheet would drop."""

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
_SEPARATORS = re.compile(r"[\s\-_./#:*]+")
_PREFIX = re.compile(r"^(?:ACCOUNT|ACCT|ACC|AC)?(?:NUMBER|NO)?(?=[0-9OIL])")
_LOOKALIKES = str.maketrans("OIL", "011")
_SHAPE = re.compile(r"[1-9][0-9]{5,11}")
_TYPED_MAX = 64


def make(ordinal: int) -> str:
    """Return the account number of a tenant's nth subscriber (from 1)."""
    if ordinal < 1:
        raise ValueError("subscribers are counted from 1")
    digits = str(_FIRST + ordinal)
    return digits + str(_check(digits))


def is_proved(number: str) -> bool:
    """Say whether the check digit holds."""
    return _SHAPE.fullmatch(number) is not None and number.isascii() and _check(number) == 0


def normalise(typed: str) -> str:
    """Drop what people add (spaces, dashes, case): the form that account numbers are compared in."""
    return _SEPARATORS.sub("", typed[:_TYPED_MAX]).upper()


def candidates(typed: str) -> tuple[str, ...]:
    """List the account numbers that `typed` can mean without guessing: as typed, and as the check digit proves."""
    exact = normalise(typed)
    mended = _PREFIX.sub("", exact, count=1).translate(_LOOKALIKES)
    proved = (mended,) if mended != exact and is_proved(mended) else ()
    return ((exact,) if exact else ()) + proved


def near(typed: str) -> frozenset[str]:
    """List the proved numbers one slip away from `typed`: guesses for staff, never used by themselves."""
    digits = _PREFIX.sub("", normalise(typed), count=1).translate(_LOOKALIKES)
    if not (digits.isascii() and digits.isdecimal() and 5 <= len(digits) <= 13):
        return frozenset()
    return frozenset(number for number in _one_slip(digits) if number != digits and is_proved(number))


def _one_slip(digits: str) -> set[str]:
    places = range(len(digits))
    dropped = {digits[:n] + digits[n + 1 :] for n in places}
    added = {digits[:n] + d + digits[n:] for n in range(len(digits) + 1) for d in "0123456789"}
    wrong = {digits[:n] + d + digits[n + 1 :] for n in places for d in "0123456789"}
    swapped = {digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :] for n in range(len(digits) - 1)}
    return dropped | added | wrong | swapped


def _check(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim
