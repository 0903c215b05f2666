"""Double entry: a journal cannot exist unless its postings sum to zero."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.domain.accounts import Account


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: debit positive, credit negative; a subscriber only on the subscriber account."""

    account: Account
    amount_cents: int
    subscriber_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.amount_cents == 0:
            raise ValueError("a posting of nothing says nothing")
        if (self.account is Account.SUBSCRIBER) != (self.subscriber_id is not None):
            raise ValueError("a subscriber belongs to the subscriber account and to no other")


@dataclass(frozen=True, slots=True)
class Journal:
    """One business event in the books; `(kind, source_id)` is its natural key."""

    id: UUID
    kind: str
    source_id: str
    occurred_at: datetime
    postings: tuple[Posting, ...]
    reverses: UUID | None = None

    def __post_init__(self) -> None:
        if len(self.postings) < 2 or sum(posting.amount_cents for posting in self.postings) != 0:
            raise ValueError("a journal's postings must sum to zero")


def move(
    *, debit: Account, credit: Account, amount_cents: int, subscriber_id: UUID | None = None
) -> tuple[Posting, ...]:
    """Move an amount from `credit` to `debit`; the subscriber goes to whichever side is his account."""
    return (
        Posting(debit, amount_cents, subscriber_id if debit is Account.SUBSCRIBER else None),
        Posting(credit, -amount_cents, subscriber_id if credit is Account.SUBSCRIBER else None),
    )


def reverse(journal: Journal, *, journal_id: UUID, source_id: str, occurred_at: datetime) -> Journal:
    """Make the journal that undoes another one."""
    postings = tuple(Posting(p.account, -p.amount_cents, p.subscriber_id) for p in journal.postings)
    return Journal(journal_id, f"{journal.kind}-reversal", source_id, occurred_at, postings, reverses=journal.id)
