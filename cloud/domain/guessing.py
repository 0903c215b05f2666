"""Whose a suspended payment may be: ranked guesses for staff to choose from. Nothing is ever booked by a guess."""

from dataclasses import dataclass
from uuid import UUID

from cloud.domain import account_number, phone

GUESSES_MAX = 5


@dataclass(frozen=True, slots=True)
class Guess:
    """A subscriber it may be meant for, and why."""

    subscriber_id: UUID
    account_number: str
    why: str


def near_phones(typed: str) -> frozenset[str]:
    """List the phones one digit away from what was typed, when it looks like a phone at all."""
    digits = "".join(c for c in typed if c in "0123456789")
    if not 9 <= len(digits) <= 13:
        return frozenset()
    places = range(len(digits))
    wrong = {digits[:n] + d + digits[n + 1 :] for n in places for d in "0123456789"}
    swapped = {digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :] for n in range(len(digits) - 1)}
    found = (phone.find_phone(number) for number in wrong | swapped)
    return frozenset(number for number in found if number)


def near_account_numbers(typed: str) -> frozenset[str]:
    """List the account numbers one slip away from what was typed."""
    return account_number.near(typed)
