"""Post what waits in the inbox: one batch of confirmations, in one transaction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud.db import failures
from cloud.db.bulk import run_all, update_rows
from cloud.db.engine import Connection
from cloud.db.money import take_new_callbacks
from cloud.db.tables.money import callback
from cloud.db.wallets import Key
from cloud.domain.payment import BadPayment, Payment, clean
from cloud.ports import Confirmation, PaymentRail, Refused
from cloud.services.act import Act
from cloud.services.take_payment import Incoming, Taken, plan_batch

BATCH = 100
_BUG = "it could not be posted because of a fault in this program ({}); report it, then release the callback"
_log = logging.getLogger(__name__)
_REASONS = {
    "duplicate": "this receipt was posted before",
    "conflict": "this receipt was posted before with another amount; check it against the rail's statement",
}


@dataclass(frozen=True, slots=True)
class Posted:
    """What a batch did: how many callbacks ended how, and the sites that have a new generation."""

    states: dict[str, int] = field(default_factory=dict)
    generations: dict[Key, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many callbacks were settled."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class _Settled:
    """The end of one callback."""

    row: Any
    state: str
    reason: str | None = None
    payment_id: Any = None


async def post_callbacks(
    connection: Connection, act: Act, rails: Mapping[str, PaymentRail], *, limit: int = BATCH
) -> Posted:
    """Take the oldest waiting confirmations, book them and settle their inbox rows."""
    return await _post(connection, act, rails, await take_new_callbacks(connection, limit))


async def post_or_park_one(
    connection: Connection, act: Act, rails: Mapping[str, PaymentRail], *, patient: bool = True
) -> Posted:
    """Post the oldest waiting confirmation alone; one that cannot be posted is quarantined, so that the rest go on.

    A conflict with another transaction is raised to be tried again, unless patience is over.
    """
    claimed = await take_new_callbacks(connection, 1)
    try:
        async with connection.begin_nested():
            return await _post(connection, act, rails, claimed)
    except Exception as error:
        if (failures.is_conflict(error) and patient) or failures.is_outage(error):
            raise
        # Whatever a stranger's bytes made go wrong: it is our bug, and it must not hold up everybody's money.
        _log.exception("a callback could not be posted", extra={"callbacks": [row.id for row in claimed]})
        parked = [_row(act, _Settled(row, "quarantined", _BUG.format(type(error).__name__))) for row in claimed]
        await run_all(connection, update_rows(callback, parked))
        return Posted({"quarantined": len(parked)})


async def _post(connection: Connection, act: Act, rails: Mapping[str, PaymentRail], claimed: Sequence[Any]) -> Posted:
    if not claimed:
        return Posted()
    reads = [(row, _read(act, row, rails)) for row in claimed]
    readable = [(row, read) for row, read in reads if isinstance(read, Payment)]
    batch = await plan_batch(connection, act, [Incoming(row.tenant_id, paid) for row, paid in readable])
    settled = [read for _, read in reads if isinstance(read, _Settled)]
    settled += [_settle(row, taken) for (row, _), taken in zip(readable, batch.taken, strict=True)]
    await run_all(connection, batch.statements + update_rows(callback, [_row(act, one) for one in settled]))
    return Posted(_count(settled), batch.generations)


def _read(act: Act, row: Any, rails: Mapping[str, PaymentRail]) -> Payment | _Settled:
    """Read one body; what is no payment is settled with a reason instead."""
    rail = rails.get(row.rail)
    if rail is None:
        return _Settled(row, "quarantined", f"no reader is set up for the rail {row.rail}")
    read = rail.parse_confirmation(bytes(row.raw), row.received_at)
    if isinstance(read, Refused):
        return _Settled(row, "malformed", clean(read.reason))
    if read.shortcode != row.shortcode and not row.released:
        reason = f"the body names shortcode {clean(read.shortcode)}, its webhook belongs to {row.shortcode}"
        return _Settled(row, "quarantined", reason)
    try:
        return _payment(act, row, read)
    except BadPayment as error:
        return _Settled(row, "malformed", str(error))


def _payment(act: Act, row: Any, read: Confirmation) -> Payment:
    return Payment(
        id=act.new_id(),
        rail=row.rail,
        shortcode=row.shortcode,
        receipt=clean(read.receipt).upper(),
        amount_cents=read.amount_cents,
        bill_reference=clean(read.bill_reference),
        payer_key=clean(read.payer_key),
        payer_name=clean(read.payer_name),
        paid_at=read.paid_at,
        received_at=row.received_at,
    )


def _settle(row: Any, taken: Taken) -> _Settled:
    state = "quarantined" if taken.outcome == "conflict" else taken.outcome
    return _Settled(row, state, _REASONS.get(taken.outcome), taken.payment_id)


def _row(act: Act, one: _Settled) -> dict[str, Any]:
    ids = {"tenant_id": one.row.tenant_id, "id": one.row.id}
    return ids | {"state": one.state, "reason": one.reason, "payment_id": one.payment_id, "settled_at": act.now}


def _count(settled: Sequence[_Settled]) -> dict[str, int]:
    states: dict[str, int] = {}
    for one in settled:
        states[one.state] = states.get(one.state, 0) + 1
    return states
