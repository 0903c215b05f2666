"""What the phones paid, and what was told to whom: the truth that the books are checked against."""

from dataclasses import dataclass, field
from typing import Literal

PAYMENTS_MAX = 1_000_000


@dataclass(slots=True)
class Delivery:
    """One attempt to deliver one callback."""

    kind: str
    """validation, confirmation, stk, result, timeout, …"""
    copy: int
    attempt: int
    sent_at_us: int
    answered_at_us: int | None = None
    outcome: str = "under way"
    """The HTTP status, or the name of what broke."""

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it with a 2xx."""
        return self.outcome.startswith("2")


@dataclass(slots=True)
class PhonePayment:
    """One payment made by a phone. `state` is paid once the money moved, told or untold."""

    receipt: str
    shortcode: str
    msisdn: str
    name: str
    amount_cents: int
    bill_reference: str
    paid_at_us: int
    kind: str = "Pay Bill"
    third_party_id: str = ""
    state: Literal["asked", "paid", "rejected"] = "asked"
    balance_after_cents: int | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    validation_code: str = ""
    road: Literal["c2b", "stk"] = "c2b"
    till: str = ""
    """The till that was paid; empty for a paybill."""

    @property
    def told(self) -> bool:
        """Whether some confirmation was accepted."""
        return any(each.accepted for each in self.deliveries if each.kind == "confirmation")

    @property
    def first_sent_at_us(self) -> int:
        """When the first confirmation left."""
        return min(each.sent_at_us for each in self.deliveries if each.kind == "confirmation")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of the organisation's statement; it shows what callbacks may have missed."""

    receipt: str
    paid_at_us: int
    paid_in_cents: int
    balance_cents: int
    other_party: str
    bill_reference: str


class Record:
    """Every payment by receipt, in the order in which the money moved."""

    def __init__(self) -> None:
        self._payments: dict[str, PhonePayment] = {}
        self._paid: list[PhonePayment] = []

    def add(self, payment: PhonePayment) -> None:
        """Note that a phone asked to pay."""
        if len(self._payments) >= PAYMENTS_MAX:
            raise OverflowError(f"the simulated rail keeps at most {PAYMENTS_MAX} payments; start it anew")
        if payment.receipt in self._payments:
            raise ValueError(f"receipt {payment.receipt} was dealt twice")
        self._payments[payment.receipt] = payment

    def settle(self, payment: PhonePayment, balance_cents: int) -> None:
        """Note that the money moved."""
        payment.state, payment.balance_after_cents = "paid", balance_cents
        self._paid.append(payment)

    def get(self, receipt: str) -> PhonePayment:
        """Return a payment by its receipt, or raise KeyError."""
        return self._payments[receipt]

    def list_paid(self, since_us: int = 0) -> list[PhonePayment]:
        """Return what was paid, oldest first."""
        return [payment for payment in self._paid if payment.paid_at_us >= since_us]

    @property
    def paid_cents(self) -> int:
        """The sum of what the phones paid, in cents."""
        return sum(payment.amount_cents for payment in self._paid)

    def statement(self, shortcode: str) -> list[StatementLine]:
        """Return the shortcode's statement, as the organisation's portal would export it."""
        return [
            StatementLine(
                payment.receipt,
                payment.paid_at_us,
                payment.amount_cents,
                payment.balance_after_cents or 0,
                f"{payment.msisdn[:4]}*****{payment.msisdn[-3:]} - {payment.name}",
                payment.bill_reference,
            )
            for payment in self._paid
            if payment.shortcode == shortcode
        ]
