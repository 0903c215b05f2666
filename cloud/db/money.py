"""Payments, suspense and the books, as they are read; and the callbacks that the poster takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db.bulk import Statement, read_all, run_all
from cloud.db.engine import Connection
from cloud.db.inbox import RELEASED

"""NOTIFY channel: a callback was stored."""


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as staff sees it; subscriber_id None: in suspense."""

    id: UUID
    rail: str
    shortcode: str
    receipt: str
    amount_cents: int
    subscriber_id: UUID | None
    payer_name: str | None
    bill_reference: str | None
    matched_by: str | None
    unallocated_cents: int
    note: str | None
    paid_at: datetime
    received_at: datetime
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Suspended:
    """A payment that belongs to nobody yet."""

    payment_id: UUID
    rail: str
    receipt: str
    amount_cents: int
    bill_reference: str
    payer_key: str
    payer_name: str
    paid_at: datetime
    opened_at: datetime
    reason: str


async def list_payments(
    connection: Connection,
    tenant_id: UUID,
    *,
    limit: int,
    before: UUID | None = None,
    payment_id: UUID | None = None,
    subscriber_id: UUID | None = None,
) -> list[PaymentView]:
    """List payments, newest first, older than `before`; or the one asked for."""
    values = {"tenant_id": tenant_id, "limit": limit, "before": before}
    values |= {"id": payment_id, "subscriber_id": subscriber_id}
    return await read_all(connection, Statement(_PAYMENTS, values), PaymentView)


async def list_suspended(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None, payment_id: UUID | None = None
) -> list[Suspended]:
    """List what is open in suspense, oldest first, after the payment `after`; or the one asked for."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after, "id": payment_id}
    return await read_all(connection, Statement(_SUSPENDED, values), Suspended)


async def lock_suspended(connection: Connection, tenant_id: UUID, payment_id: UUID) -> Any | None:
    """Lock a payment that is or was in suspense and read it whole; None when it never was."""
    values = {"tenant_id": tenant_id, "id": payment_id}
    _, rows = await run_all(connection, [Statement(_LOCK_SUSPENDED, values), Statement(_SUSPENDED_ONE, values)])
    return rows[0] if rows else None


async def read_trial_balance(connection: Connection, tenant_id: UUID) -> tuple[list[tuple[str, int]], Any]:
    """Read the balance of every account, and the counts that the books are checked by."""
    values = {"tenant_id": tenant_id}
    accounts, [totals] = await run_all(connection, [Statement(_ACCOUNTS, values), Statement(_TOTALS, values)])
    return [(row.account, row.balance_cents) for row in accounts], totals


async def take_new_callbacks(connection: Connection, limit: int) -> list[Any]:
    """Claim the oldest confirmations that nobody works on; they stay locked until the commit."""
    [rows] = await run_all(connection, [Statement(_TAKE_NEW, {"limit": limit})])
    return rows


_PAYMENTS = """
select id, rail, shortcode, receipt, amount_cents, subscriber_id, payer_name, bill_reference, matched_by,
    unallocated_cents, note, paid_at, received_at, posted_at
  from payment
  where tenant_id = %(tenant_id)s and (%(id)s::uuid is null or id = %(id)s)
    and (%(subscriber_id)s::uuid is null or subscriber_id = %(subscriber_id)s)
    and (%(before)s::uuid is null or id < %(before)s)
  order by id desc limit %(limit)s
"""

_SUSPENDED = """
select p.id, p.rail, p.receipt, p.amount_cents, coalesce(p.bill_reference, '') as bill_reference,
    coalesce(p.payer_key, '') as payer_key,
    coalesce(p.payer_name, '') as payer_name, p.paid_at, s.opened_at, s.reason
  from suspense s join payment p on p.tenant_id = s.tenant_id and p.id = s.payment_id
  where s.tenant_id = %(tenant_id)s and s.settled_at is null and (%(id)s::uuid is null or p.id = %(id)s)
    and (%(after)s::uuid is null or p.id > %(after)s)
  order by p.id limit %(limit)s
"""

_LOCK_SUSPENDED = """
select payment_id from suspense where tenant_id = %(tenant_id)s and payment_id = %(id)s for no key update
"""

_SUSPENDED_ONE = """
select p.id, p.rail, p.shortcode, p.receipt, p.amount_cents, p.bill_reference, p.payer_key, p.payer_name, p.paid_at,
    p.received_at, p.subscriber_id, s.settled_at
  from suspense s join payment p on p.tenant_id = s.tenant_id and p.id = s.payment_id
  where s.tenant_id = %(tenant_id)s and s.payment_id = %(id)s
"""

_ACCOUNTS = """
select account, sum(amount_cents)::bigint as balance_cents from entry
  where tenant_id = %(tenant_id)s group by account order by account
"""

_TOTALS = """
select (select count(*) from journal where tenant_id = %(tenant_id)s) as journals,
  (select count(*) from (
     select j.id from journal j left join entry e on e.tenant_id = j.tenant_id and e.journal_id = j.id
       where j.tenant_id = %(tenant_id)s group by j.id having coalesce(sum(e.amount_cents), 1) <> 0) wrong)
    as unbalanced_journals,
  (select coalesce(sum(amount_cents), 0)::bigint from payment where tenant_id = %(tenant_id)s) as payments_cents,
  (select coalesce(sum(amount_cents), 0)::bigint from entry where tenant_id = %(tenant_id)s) as sum_cents
"""

_TAKE_NEW = f"""
select c.tenant_id, c.id, c.raw, c.received_at, s.rail, s.shortcode,
    starts_with(coalesce(c.reason, ''), '{RELEASED}') as released
  from callback c join shortcode s on s.tenant_id = c.tenant_id and s.id = c.shortcode_id
  where c.state = 'new' and c.kind = 'confirmation' order by c.id limit %(limit)s
  for no key update of c skip locked
"""
