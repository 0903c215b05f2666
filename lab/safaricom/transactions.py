"""The core's transactions: one per receipt, whatever kind, found by receipt or by conversation."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

TRANSACTIONS_MAX = 1_000_000


class Kind(StrEnum):
    """What moved the money; the value is what the organisation's statement calls it."""

    PAY_BILL = "Pay Bill"
    BUY_GOODS = "Buy Goods"
    BUSINESS_PAYMENT = "Business Payment to Customer"
    SALARY_PAYMENT = "Salary Payment"
    PROMOTION_PAYMENT = "Promotion Payment"
    REVERSAL = "Transaction Reversal"
    TRANSFER = "Organization Account Transfer"
    WITHDRAWAL = "Organization Withdrawal"
    DEPOSIT = "Organization Deposit"


C2B = frozenset({Kind.PAY_BILL, Kind.BUY_GOODS})
B2C = frozenset({Kind.BUSINESS_PAYMENT, Kind.SALARY_PAYMENT, Kind.PROMOTION_PAYMENT})


class State(StrEnum):
    """The states a status query tells of; a reversed one is told by its own switch."""

    INITIATED = "Initiated"
    COMPLETED = "Completed"
    CANCELLED = "Cancelled"
    DECLINED = "Declined"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who pays or is paid: a shortcode or a number, and the name behind it, unmasked."""

    identifier: str
    name: str

    def __str__(self) -> str:
        return f"{self.identifier} - {self.name}"


@dataclass(slots=True)
class Transaction:
    """One transaction of one organisation. Amounts in cents, instants in microseconds since 1970 UTC."""

    receipt: str
    kind: Kind
    shortcode: str
    amount_cents: int
    at_us: int
    """When it was begun."""
    finalised_at_us: int
    debit: Party
    credit: Party
    account: str
    """The title of the account it drew from or paid into."""
    reference: str = ""
    """What the customer typed as account number."""
    reason: str = ""
    remarks: str = ""
    state: State = State.COMPLETED
    charge_cents: int = 0
    conversation_id: str = ""
    originator_id: str = ""
    linked: str = ""
    """Of a reversal: the receipt it reverses."""
    reversed_cents: int = 0
    reversals: list[str] = field(default_factory=list)

    @property
    def msisdn(self) -> str:
        """The customer's number, full."""
        return (self.debit if self.kind in C2B else self.credit).identifier

    @property
    def paid_by_customer(self) -> bool:
        """Whether a phone paid, and not the organisation."""
        return self.kind in C2B

    @property
    def left_cents(self) -> int:
        """What is left of it after its reversals."""
        return self.amount_cents - self.reversed_cents

    @property
    def reversed_in_full(self) -> bool:
        """Whether nothing is left of it."""
        return self.reversed_cents > 0 and self.left_cents == 0


class Journal:
    """All transactions in the order in which they came."""

    def __init__(self) -> None:
        self._by_receipt: dict[str, Transaction] = {}
        self._by_conversation: dict[str, Transaction] = {}
        self._of: dict[str, list[Transaction]] = {}

    def add(self, transaction: Transaction) -> None:
        """Note a transaction; its receipt must be new."""
        if transaction.receipt in self._by_receipt:
            raise ValueError(f"receipt {transaction.receipt} was dealt twice")
        if len(self._by_receipt) >= TRANSACTIONS_MAX:
            raise OverflowError(f"the simulated core keeps at most {TRANSACTIONS_MAX} transactions; start it anew")
        self._by_receipt[transaction.receipt] = transaction
        self._of.setdefault(transaction.shortcode, []).append(transaction)
        for conversation in (transaction.conversation_id, transaction.originator_id):
            if conversation:
                self._by_conversation[conversation] = transaction

    def find(self, receipt: str) -> Transaction | None:
        """Return a transaction by its receipt."""
        return self._by_receipt.get(receipt)

    def find_conversation(self, conversation_id: str) -> Transaction | None:
        """Return a transaction by its ConversationID or OriginatorConversationID."""
        return self._by_conversation.get(conversation_id)

    def of(self, shortcode: str, since_us: int = 0) -> Iterator[Transaction]:
        """The transactions of an organisation finalised since an instant, oldest first."""
        all_of_it = self._of.get(shortcode, [])
        first = bisect_left(all_of_it, since_us, key=lambda each: each.finalised_at_us)
        return islice(all_of_it, first, None)
