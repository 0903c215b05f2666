"""The accounts of an organisation: what it received, may withdraw, was charged and sells through tills."""

from dataclasses import dataclass


@dataclass(slots=True)
class OrganisationAccounts:
    """Balances of one shortcode, in cents."""

    utility_cents: int = 0
    """Receives what customers pay to a paybill."""
    working_cents: int = 0
    """What can be withdrawn or paid out."""
    merchant_cents: int = 0
    """Receives what customers pay to tills."""
    charges_cents: int = 0
    """Charges paid: zero or less."""

    @property
    def total_cents(self) -> int:
        """All of it."""
        return self.utility_cents + self.working_cents + self.merchant_cents + self.charges_cents


class Accounts:
    """The accounts of every shortcode."""

    def __init__(self) -> None:
        self._of: dict[str, OrganisationAccounts] = {}

    def of(self, shortcode: str) -> OrganisationAccounts:
        """Return a shortcode's accounts; empty ones the first time."""
        return self._of.setdefault(shortcode, OrganisationAccounts())

    def receive(self, shortcode: str, amount_cents: int, *, till: bool = False) -> int:
        """Take in what a customer paid; returns the new balance of the account that took it, in cents."""
        accounts = self.of(shortcode)
        if till:
            accounts.merchant_cents += amount_cents
            return accounts.merchant_cents
        accounts.utility_cents += amount_cents
        return accounts.utility_cents

    @property
    def total_cents(self) -> int:
        """What all organisations have together."""
        return sum(accounts.total_cents for accounts in self._of.values())
