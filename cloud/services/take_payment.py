"""Take payments: find whose they are, book them, sell what they buy, tell the sites; a batch in one transaction.

Rules run in Python, once per payment; the database sees one read and one write per table whatever the batch's size.
The caller's transaction must end in a commit for anything to have happened. Two transactions that meet on one receipt
make one of them fail with a conflict (`cloud.db.failures.is_conflict`): run the batch again and it is a duplicate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from cloud.clock import micros
from cloud.db.bulk import Statement
from cloud.db.engine import Connection
from cloud.db.wallets import Booked, Key, ReceiptKey, lock_wallets, match_clues
from cloud.domain.matching import Found, choose, clues
from cloud.domain.payment import Payment, clean
from cloud.domain.prepaid import Sale, Wallet, missing_cents
from cloud.services.act import Act
from cloud.services.desired import plan_publication
from cloud.services.errors import NotFound
from cloud.services.settlement import Settlement, write

BATCH_MAX = 1_000
_NOBODY = "no subscriber has this account number, phone or user name, and the payer is not known"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A payment to be taken."""

    tenant_id: UUID
    payment: Payment


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one payment. conflict: the receipt is booked with another amount; nothing was booked now."""

    outcome: Literal["posted", "duplicate", "conflict"]
    payment_id: UUID
    subscriber_id: UUID | None = None
    matched_by: str | None = None
    sales: tuple[Sale, ...] = ()
    missing_cents: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A worked-out batch: `taken` in the order of what came in; `statements` still have to be run."""

    taken: list[Taken] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    generations: dict[Key, int] = field(default_factory=dict)


async def plan_batch(connection: Connection, act: Act, incoming: Sequence[Incoming]) -> Batch:
    """Lock the accounts and work everything out; the caller runs the statements, with his own beside them."""
    if len(incoming) > BATCH_MAX:
        raise ValueError(f"a batch is at most {BATCH_MAX} payments")
    whose = await _find(connection, incoming)
    keys = [(one.tenant_id, found.subscriber_id) for one, found in zip(incoming, whose, strict=True) if found]
    held, booked = await lock_wallets(connection, keys, map(_receipt_key, incoming))
    settlement = Settlement(act, held)
    taken = [_take(settlement, booked, one, found) for one, found in zip(incoming, whose, strict=True)]
    publication = await plan_publication(connection, act, settlement.changes())
    return Batch(taken, settlement.statements() + publication.statements, publication.generations)


async def take_cash(
    connection: Connection,
    act: Act,
    tenant_id: UUID,
    subscriber_id: UUID,
    *,
    amount_cents: int,
    note: str | None = None,
) -> Taken:
    """Take cash from a subscriber over the counter. The caller's idempotency key guards against a double click."""
    paid = _cash(act, amount_cents, note)
    held, _ = await lock_wallets(connection, [(tenant_id, subscriber_id)])
    if not held:
        raise NotFound("There is no such subscriber. Look the id up in the list of subscribers.")
    settlement = Settlement(act, held)
    taken = _post(settlement, (tenant_id, subscriber_id), paid, "staff", None)
    after = {"amount_cents": amount_cents, "subscriber_id": str(subscriber_id)}
    settlement.audited(tenant_id, "payment.cash", ("payment", paid.id), after=after, reason=paid.note)
    await write(connection, act, settlement)
    return taken


def _cash(act: Act, amount_cents: int, note: str | None) -> Payment:
    id_ = act.new_id()
    return Payment(
        id=id_,
        rail="cash",
        shortcode="cash",
        receipt=f"CASH-{id_.hex.upper()}",
        amount_cents=amount_cents,
        bill_reference="",
        payer_key="",
        payer_name="",
        paid_at=act.now,
        received_at=act.now,
        staff_id=act.staff_id,
        note=clean(note) if note else None,
    )


async def _find(connection: Connection, incoming: Sequence[Incoming]) -> list[Found | None]:
    """Find whose each payment is, all in one read."""
    rows = [
        {
            "n": n,
            "tenant_id": one.tenant_id,
            "rail": one.payment.rail,
            "method": clue.method,
            "value": clue.value,
        }
        for n, one in enumerate(incoming)
        for clue in clues(one.payment.bill_reference, one.payment.payer_key)
    ]
    answers = await match_clues(connection, rows)
    return [choose(answers.get(n, ())) for n in range(len(incoming))]


def _receipt_key(one: Incoming) -> ReceiptKey:
    return one.tenant_id, one.payment.rail, one.payment.shortcode, one.payment.receipt


def _take(settlement: Settlement, booked: dict[ReceiptKey, Booked], one: Incoming, found: Found | None) -> Taken:
    """Take one payment, unless its receipt is booked, be it by an earlier one of this very batch."""
    paid = one.payment
    earlier = booked.get(_receipt_key(one))
    if earlier is not None:
        same = earlier.amount_cents == paid.amount_cents
        return Taken("duplicate" if same else "conflict", earlier.payment_id)
    booked[_receipt_key(one)] = Booked(paid.id, paid.amount_cents)
    if found is None:
        settlement.suspend(one.tenant_id, paid, _NOBODY)
        return Taken("posted", paid.id)
    return _post(settlement, (one.tenant_id, found.subscriber_id), paid, found.method, found.subscription_id)


def _post(settlement: Settlement, key: Key, paid: Payment, matched_by: str, meant: UUID | None) -> Taken:
    sales = settlement.take(key, paid, matched_by, meant=meant)
    return tell(settlement, key, paid, matched_by, sales)


def tell(settlement: Settlement, key: Key, paid: Payment, matched_by: str, sales: tuple[Sale, ...]) -> Taken:
    """Write the payment's lines of the timeline, and answer what became of it."""
    wallet = settlement.wallet(key)
    about = sales[0].subscription.id if sales else None
    missing = 0 if sales else _missing(wallet)
    money = {"payment_id": str(paid.id), "receipt": paid.receipt, "amount_cents": paid.amount_cents}
    came = {"rail": paid.rail, "bill_reference": paid.bill_reference, "paid_at_us": micros(paid.paid_at)}
    settlement.note(key, "payment_received", money | came, at=paid.received_at, about=about)
    sold = [{"subscription_id": str(s.subscription.id), "valid_until": s.valid_until.isoformat()} for s in sales]
    outcome = {"matched_by": matched_by, "sold": sold, "missing_cents": missing, "credit_cents": wallet.credit_cents}
    settlement.note(key, "payment_posted", money | outcome, about=about)
    return Taken("posted", paid.id, key[1], matched_by, sales, missing)


def _missing(wallet: Wallet) -> int:
    """What the cheapest next period still lacks; nothing if there is nothing to buy."""
    return min((missing_cents(one, wallet.credit_cents) for one in wallet.subscriptions), default=0)
