"""Organisations by shortcode and apps by key: who may use what."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

Environment = Literal["sandbox", "production"]
PRODUCTS = frozenset({"stk", "c2b-v1", "c2b-v2", "status", "balance", "reversal", "b2c", "pull", "qr"})
# The passkey that the portal gives everybody for the sandbox's shortcode 174379.
SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
SANDBOX_SHORTCODE = "174379"
# The portal's test credentials over the years; an initiator that nobody has changed is let in with any of them.
SANDBOX_INITIATOR = "testapi"
SANDBOX_PASSWORDS = ("Safaricom999!*!", "Safaricom123!!")
SANDBOX_FLOAT_CENTS = 70_000_000  # recorded of the sandbox's shortcodes: KES 700,000 in an account
ORGANISATIONS_MAX = 10_000


@dataclass(slots=True)
class Organisation:
    """One shortcode: a paybill, or the store number under which tills sell."""

    shortcode: str
    name: str = "LAB ISP"
    kind: Literal["paybill", "store"] = "paybill"
    passkey: str = SANDBOX_PASSKEY
    tills: frozenset[str] = frozenset()
    nominated_number: str = "254708374149"
    initiator: str = SANDBOX_INITIATOR
    initiator_passwords: tuple[str, ...] = SANDBOX_PASSWORDS
    on_aggregator: bool = False
    """Somebody else has its notifications: registering answers "Duplicate notification info"."""


@dataclass(slots=True)
class App:
    """One app of the portal: a key, a secret and the products that were ticked for it."""

    key: str
    secret: str
    products: frozenset[str] = PRODUCTS
    environment: Environment = "sandbox"
    tokens: dict[str, int] = field(default_factory=dict)
    """Live bearers and when they end, by the monotonic clock in microseconds."""


class Directory:
    """Everything by its number or key. In the sandbox 174379 and 600000 to 600999 exist by themselves."""

    def __init__(self, environment: Environment = "sandbox") -> None:
        self.environment: Environment = environment
        self.organisations: dict[str, Organisation] = {}
        self.apps: dict[str, App] = {}

    def add(self, organisation: Organisation) -> Organisation:
        """Add or replace a shortcode."""
        if len(self.organisations) >= ORGANISATIONS_MAX:
            raise OverflowError(f"the simulation keeps at most {ORGANISATIONS_MAX} shortcodes")
        self.organisations[organisation.shortcode] = organisation
        return organisation

    def add_app(self, app: App) -> App:
        """Add or replace an app. ValueError for a product that does not exist."""
        if unknown := app.products - PRODUCTS:
            raise ValueError(f"no such products: {sorted(unknown)}; known are: {sorted(PRODUCTS)}")
        self.apps[app.key] = app
        return app

    def get(self, shortcode: str) -> Organisation:
        """Return a shortcode, or raise KeyError. A till number finds its store."""
        known = self.organisations.get(shortcode) or next(
            (each for each in self.organisations.values() if shortcode in each.tills), None
        )
        if known:
            return known
        if self.environment == "sandbox" and (shortcode == SANDBOX_SHORTCODE or _is_test_number(shortcode)):
            return self.add(Organisation(shortcode))
        raise KeyError(shortcode)


def list_test_numbers() -> list[str]:
    """The shortcodes that exist in the sandbox by themselves."""
    return [SANDBOX_SHORTCODE, *(str(number) for number in range(600_000, 601_000))]


def _is_test_number(shortcode: str) -> bool:
    return len(shortcode) == 6 and shortcode.startswith("600") and shortcode.isdecimal()


def new_passkey(shortcode: str) -> str:
    """A passkey of the usual form: 64 hexadecimal digits, the same each time for a shortcode."""
    return hashlib.sha256(f"passkey of {shortcode}".encode()).hexdigest()
