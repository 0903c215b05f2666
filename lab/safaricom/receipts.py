"""Receipts as M-Pesa deals them: ten letters and digits, of which the first three are the date."""

import random
from datetime import UTC, datetime

from lab.safaricom.bodies import EAST_AFRICA

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_ANY = _DIGITS + _LETTERS
_SERIALS = len(_ANY) ** 4
_YEAR_OF_A = 2006


def receipt_of(at_us: int, serial: int) -> str:
    """Write the receipt of a serial number at an instant: `TKL` is 21 November 2025."""
    day = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(EAST_AFRICA)
    date = _LETTERS[(day.year - _YEAR_OF_A) % 26] + _LETTERS[day.month - 1] + _ANY[day.day]
    tail = ""
    for _ in range(7):
        serial, digit = divmod(serial, len(_ANY))
        tail = _ANY[digit] + tail
    return date + tail


class Receipts:
    """Deals each receipt once: a serial that climbs by random strides."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._serial = chance.randrange(_SERIALS, _SERIALS * len(_ANY) ** 2)

    def deal(self, at_us: int) -> str:
        """Return a receipt that was never dealt before by this rail."""
        self._serial += self._chance.randint(1, 5_000)
        return receipt_of(at_us, self._serial)
