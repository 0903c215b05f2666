"""The chart of accounts: where a shilling can be."""

from enum import StrEnum


class Account(StrEnum):
    """Debits are positive: money we hold; credits negative: money we owe or have earned."""

    MPESA_CLEARING = "mpesa_clearing"
    CASH_DRAWER = "cash_drawer"
    SUBSCRIBER = "subscriber"
    SUSPENSE = "suspense"
    REVENUE = "revenue"


_HELD_IN = {"mpesa": Account.MPESA_CLEARING, "cash": Account.CASH_DRAWER}

RAILS = frozenset(_HELD_IN)


def held_in(rail: str) -> Account:
    """Return the account that a rail's money arrives in."""
    return _HELD_IN[rail]
