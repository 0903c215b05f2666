"""Whose payment it is: by what the payer typed, by who he is, by what staff taught us; never by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cloud.domain import account_number, phone


class Method(StrEnum):
    """How a subscriber is found, in the order in which the ways are trusted."""

    ACCOUNT_NUMBER = "account_number"
    PHONE_TYPED = "phone_typed"
    PAYER_PHONE = "payer_phone"
    USERNAME = "username"
    REMEMBERED_PAYER = "remembered_payer"


_TRUST = tuple(Method)


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing to look up, exactly."""

    method: Method
    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """A subscriber that a clue led to; with a subscription where the clue names one."""

    method: Method
    subscriber_id: UUID
    subscription_id: UUID | None = None


def clues(bill_reference: str, payer_key: str) -> tuple[Clue, ...]:
    """List what to look up for a payment. Phones are looked up by their hash: hashed payers need no other way."""
    typed = bill_reference.strip()
    found = [Clue(Method.ACCOUNT_NUMBER, number) for number in account_number.candidates(typed)]
    if typed_phone := phone.find_phone(typed):
        found.append(Clue(Method.PHONE_TYPED, phone.hash_of(typed_phone)))
    if payer_hash := _hash_of_payer(payer_key):
        found.append(Clue(Method.PAYER_PHONE, payer_hash))
    found += [Clue(Method.USERNAME, name) for name in dict.fromkeys((typed, typed.lower(), typed.upper())) if name]
    if payer_key:
        found.append(Clue(Method.REMEMBERED_PAYER, memory_key(payer_key)))
    return tuple(found)


def memory_key(payer_key: str) -> str:
    """Return what a payer is remembered by: one key, whether the rail sends his number in clear or hashed."""
    return _hash_of_payer(payer_key) or payer_key


def choose(found: Iterable[Found]) -> Found | None:
    """Take the most trusted way that leads to exactly one subscriber; two answers are no answer."""
    every = list(found)
    for method in _TRUST:
        led = [one for one in every if one.method is method]
        if len({one.subscriber_id for one in led}) == 1:
            subscriptions = {one.subscription_id for one in led}
            return Found(method, led[0].subscriber_id, subscriptions.pop() if len(subscriptions) == 1 else None)
    return None


def _hash_of_payer(payer_key: str) -> str | None:
    if phone.is_hash(payer_key):
        return payer_key
    full = phone.find_phone(payer_key)
    return phone.hash_of(full) if full else None
