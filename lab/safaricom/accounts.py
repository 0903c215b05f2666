"""The organisations' accounts: who holds how many cents, and every movement with the balance that it left."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from lab.safaricom.transactions import Transaction


class Account(StrEnum):
    """The accounts of an organisation, by the word used at the lab's doors."""

    WORKING = "working"
    UTILITY = "utility"
    MERCHANT = "merchant"
    CHARGES = "charges"
    SETTLEMENT = "settlement"


TITLES = {
    Account.WORKING: "Working Account",
    Account.UTILITY: "Utility Account",
    Account.MERCHANT: "Merchant Account",
    Account.CHARGES: "Charges Paid Account",
    Account.SETTLEMENT: "Organization Settlement Account",
}


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of one account. A charge has the receipt of what it was charged for."""

    transaction: Transaction
    account: Account
    at_us: int
    cents: int
    balance_cents: int
    charge: bool = False


@dataclass(slots=True)
class OrganisationAccounts:
    """The accounts of one shortcode: a paybill receives in its utility account, a till in its merchant account."""

    shortcode: str
    balances: dict[Account, int] = field(default_factory=lambda: dict.fromkeys(Account, 0))
    movements: list[Movement] = field(default_factory=list)

    @property
    def total_cents(self) -> int:
        """All of it; the charges paid count as less than nothing."""
        return sum(self.balances.values())

    def move(self, transaction: Transaction, account: Account, cents: int, *, charge: bool = False) -> int:
        """Change an account and note it; returns the new balance. Whoever calls finds the other half of the cents."""
        self.balances[account] += cents
        at_us = transaction.finalised_at_us
        self.movements.append(Movement(transaction, account, at_us, cents, self.balances[account], charge))
        return self.balances[account]

    def lines(self, account: Account, from_us: int = 0, to_us: int | None = None) -> Iterator[Movement]:
        """The movements of an account in `from_us <= at < to_us`, oldest first."""
        for movement in self.movements:
            if movement.account is account and from_us <= movement.at_us and (to_us is None or movement.at_us < to_us):
                yield movement


class Accounts:
    """Every organisation, Safaricom's own takings and what went to banks: together with the phones, a closed system."""

    def __init__(self) -> None:
        self._of: dict[str, OrganisationAccounts] = {}
        self.fees_cents = 0
        self.banked_cents = 0

    def of(self, shortcode: str) -> OrganisationAccounts:
        """Return a shortcode's accounts; empty ones the first time."""
        return self._of.setdefault(shortcode, OrganisationAccounts(shortcode))

    @property
    def total_cents(self) -> int:
        """All that left the phones and did not go back: it must equal what the phones have less."""
        return sum(each.total_cents for each in self._of.values()) + self.fees_cents + self.banked_cents
