"""Suspense: money that came in and belongs to nobody yet, until staff says whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cloud.db import guesses as guess_rows
from cloud.db import money as rows
from cloud.db.bulk import update_rows, upsert_rows
from cloud.db.engine import Connection
from cloud.db.money import Suspended
from cloud.db.tables.money import payment, suspense
from cloud.db.tables.parties import payer
from cloud.db.wallets import lock_wallets
from cloud.domain.guessing import GUESSES_MAX, Guess, near_account_numbers, near_phones
from cloud.domain.matching import memory_key
from cloud.domain.payment import Payment, clean
from cloud.services.act import Act
from cloud.services.errors import Invalid, NotFound, WrongState
from cloud.services.settlement import Settlement, write
from cloud.services.take_payment import Taken, tell


@dataclass(frozen=True, slots=True)
class SuspendedView:
    """A payment in suspense, with the best guesses first."""

    payment: Suspended
    guesses: tuple[Guess, ...]


async def list_suspense(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None
) -> list[SuspendedView]:
    """List what is open, oldest first, after the payment `after`, with guesses."""
    open_ones = await rows.list_suspended(connection, tenant_id, limit=limit, after=after)
    guesses = await _guesses(connection, tenant_id, open_ones)
    return [SuspendedView(one, tuple(guesses.get(n, ())[:GUESSES_MAX])) for n, one in enumerate(open_ones)]


async def assign(
    connection: Connection, act: Act, tenant_id: UUID, payment_id: UUID, *, subscriber_id: UUID, reason: str
) -> Taken:
    """Move a suspended payment to its subscriber, sell what it buys, and remember who paid.

    Assigning it again to the same subscriber changes nothing and answers "duplicate".
    """
    why = clean(reason)
    if not why:
        raise Invalid("An assignment needs a reason. Say how you know whose payment it is.")
    key = (tenant_id, subscriber_id)
    held, _ = await lock_wallets(connection, [key])
    if not held:
        raise NotFound("There is no such subscriber. Look the id up in the list of subscribers.")
    found = await rows.lock_suspended(connection, tenant_id, payment_id)
    if found is None:
        raise NotFound("There is no such payment in suspense. Look its id up in the list.")
    if found.settled_at is not None:
        return _already(found, subscriber_id)
    settlement, paid = Settlement(act, held), _payment(found)
    sales = settlement.move_from_suspense(key, paid)
    taken = tell(settlement, key, paid, "staff", sales)
    after = {"subscriber_id": str(subscriber_id)}
    settlement.audited(tenant_id, "suspense.assign", ("payment", payment_id), after=after, reason=why)
    settlement.also(_settled(act, tenant_id, found, taken, why))
    await write(connection, act, settlement)
    return taken


def _already(found: Any, subscriber_id: UUID) -> Taken:
    if found.subscriber_id != subscriber_id:
        raise WrongState("This payment was assigned to another subscriber already. Reverse that one first.")
    return Taken("duplicate", found.id, subscriber_id, "staff")


def _payment(found: Any) -> Payment:
    return Payment(
        id=found.id,
        rail=found.rail,
        shortcode=found.shortcode,
        receipt=found.receipt,
        amount_cents=found.amount_cents,
        bill_reference=found.bill_reference or "",
        payer_key=found.payer_key or "",
        payer_name=found.payer_name or "",
        paid_at=found.paid_at,
        received_at=found.received_at,
    )


def _settled(act: Act, tenant_id: UUID, found: Any, taken: Taken, why: str) -> list[Any]:
    used = sum(part.amount_cents for sale in taken.sales for part in sale.allocations if part.payment_id == found.id)
    ids = {"tenant_id": tenant_id}
    whose = ids | {"id": found.id, "subscriber_id": taken.subscriber_id, "matched_by": "staff"}
    closed = ids | {"payment_id": found.id, "settled_at": act.now, "settled_by": act.staff_id, "settled_reason": why}
    known = ids | {"rail": found.rail, "payer_key": memory_key(found.payer_key or "")}
    learned = [known | {"subscriber_id": taken.subscriber_id, "learned_at": act.now}] if found.payer_key else []
    return [
        *update_rows(payment, [whose | {"unallocated_cents": found.amount_cents - used}]),
        *update_rows(suspense, [closed]),
        *upsert_rows(payer, learned),
    ]


async def _guesses(connection: Connection, tenant_id: UUID, open_ones: Sequence[Suspended]) -> dict[int, list[Guess]]:
    """Look up what is one slip away, and whom the same payer paid for before; the likeliest way first."""
    clues = [
        {"n": n, "way": way, "value": value}
        for n, one in enumerate(open_ones)
        for way, values in (
            ("account", near_account_numbers(one.bill_reference)),
            ("phone", near_phones(one.bill_reference)),
            ("payer", [one.payer_key] if one.payer_key else []),
        )
        for value in values
    ]
    guesses: dict[int, list[Guess]] = {}
    for row in await guess_rows.look_up(connection, tenant_id, clues):
        known = guesses.setdefault(row.n, [])
        if row.subscriber_id not in {guess.subscriber_id for guess in known}:
            known.append(Guess(row.subscriber_id, row.account_number, _WHY[row.way]))
    return guesses


_WHY = {
    "account": "one slip away from the account number that was typed",
    "phone": "one slip away from the phone that was typed",
    "payer": "the same payer paid for this account before",
}
