"""Whose payment, and what that subscriber holds: the reads of the money road."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db.bulk import Row, Statement, recordset, run_all, to_json
from cloud.db.engine import Connection
from cloud.domain.allocation import Credit
from cloud.domain.matching import Found, Method
from cloud.domain.plan import PlanTerms
from cloud.domain.prepaid import Wallet
from cloud.domain.subscription import Lifecycle, Subscription

Key = tuple[UUID, UUID]
"""(tenant, id)."""

ReceiptKey = tuple[UUID, str, str, str]
"""(tenant, rail, shortcode, receipt)."""


@dataclass(frozen=True, slots=True)
class Held:
    """A locked subscriber: what he holds, and where his subscriptions are."""

    tenant_id: UUID
    subscriber_id: UUID
    balance_cents: int
    version: int
    wallet: Wallet
    sites: dict[UUID, UUID]
    plans: dict[UUID, tuple[UUID, int]]


@dataclass(frozen=True, slots=True)
class Booked:
    """A payment that was booked before."""

    payment_id: UUID
    amount_cents: int


async def match_clues(connection: Connection, clues: Sequence[Row]) -> dict[int, list[Found]]:
    """Look clues up exactly; a clue is {n, tenant_id, rail, method, value}, answers come by its n."""
    answers: dict[int, list[Found]] = {}
    if clues:
        [rows] = await run_all(connection, [Statement(_MATCH, {"rows": to_json(clues)})])
        for row in rows:
            answers.setdefault(row.n, []).append(Found(Method(row.method), row.subscriber_id, row.subscription_id))
    return answers


async def lock_wallets(
    connection: Connection, keys: Iterable[Key], receipts: Iterable[ReceiptKey] = ()
) -> tuple[dict[Key, Held], dict[ReceiptKey, Booked]]:
    """Lock subscribers in the order of their ids, then read what they hold and which receipts are booked already.

    The reads are statements of their own: they must see what whoever held the lock before us has written.
    """
    wanted = {"rows": to_json([{"tenant_id": tenant, "id": id_} for tenant, id_ in sorted(set(keys))])}
    names = ("tenant_id", "rail", "shortcode", "receipt")
    known = {"rows": to_json([dict(zip(names, key, strict=True)) for key in sorted(set(receipts))])}
    statements = [
        Statement(_LOCK, wanted),
        Statement(_SUBSCRIPTIONS, wanted),
        Statement(_CREDITS, wanted),
        Statement(_RECEIPTS, known),
    ]
    locked, subscriptions, credits_, booked = await run_all(connection, statements)
    held = {(row.tenant_id, row.id): _held(row) for row in locked}
    _fill(held, subscriptions, credits_)
    receipt_keys = {
        (row.tenant_id, row.rail, row.shortcode, row.receipt): Booked(row.id, row.amount_cents) for row in booked
    }
    return held, receipt_keys


async def claim_due(connection: Connection, now: datetime, limit: int) -> list[Any]:
    """Lock subscribers who have a subscription that changes by itself by now, past those whom others work on.

    Subscribers are locked, not subscriptions, because everybody locks the subscriber first. A row is (tenant_id,
    subscriber_id, id of the subscription).
    """
    [rows] = await run_all(connection, [Statement(_DUE, {"now": now, "limit": limit})])
    return rows


def _held(row: Any) -> Held:
    return Held(row.tenant_id, row.id, row.balance_cents, row.version, Wallet(), {}, {})


def _fill(held: dict[Key, Held], subscriptions: list[Any], credits_: list[Any]) -> None:
    wallets: dict[Key, tuple[list[Credit], list[Subscription]]] = {key: ([], []) for key in held}
    for row in subscriptions:
        key = (row.tenant_id, row.subscriber_id)
        wallets[key][1].append(to_subscription(row))
        held[key].sites[row.id] = row.site_id
        held[key].plans[row.id] = (row.plan_id, row.plan_version)
    for row in credits_:
        wallets[row.tenant_id, row.subscriber_id][0].append(Credit(row.id, row.unallocated_cents, row.paid_at))
    for key, (credit, owned) in wallets.items():
        old = held[key]
        wallet = Wallet(tuple(credit), tuple(owned))
        held[key] = Held(*key, old.balance_cents, old.version, wallet, old.sites, old.plans)


def to_subscription(row: Any) -> Subscription:
    """Read the columns that the rules need."""
    terms = PlanTerms(row.price_cents, row.duration_s, row.up_bps, row.down_bps, row.outage_grace_s)
    return Subscription(row.id, terms, Lifecycle(row.lifecycle), row.valid_until, row.paused_at, row.never_cut)


_MATCH = f"""
with clue as materialized (
  select * from {recordset(n="int", tenant_id="uuid", rail="text", method="text", value="text")}
)
select clue.n, clue.method, s.id as subscriber_id, null::uuid as subscription_id
  from clue join subscriber s on s.tenant_id = clue.tenant_id and s.account_number = clue.value
  where clue.method = 'account_number'
union all
select clue.n, clue.method, p.subscriber_id, null
  from clue join subscriber_phone p on p.tenant_id = clue.tenant_id and p.phone_sha256 = clue.value
  where clue.method in ('phone_typed', 'payer_phone')
union all
select clue.n, clue.method, s.subscriber_id, s.id
  from clue join subscription s on s.tenant_id = clue.tenant_id and s.username = clue.value
  where clue.method = 'username' and s.lifecycle <> 'terminated'
union all
select clue.n, clue.method, p.subscriber_id, null
  from clue join payer p on p.tenant_id = clue.tenant_id and p.rail = clue.rail and p.payer_key = clue.value
  where clue.method = 'remembered_payer'
"""

_WANTED = recordset(tenant_id="uuid", id="uuid")

_LOCK = f"""
select s.tenant_id, s.id, s.balance_cents, s.version
  from {_WANTED} join subscriber s on s.tenant_id = r.tenant_id and s.id = r.id
  order by s.id for no key update of s
"""

_SUBSCRIPTIONS = f"""
select s.tenant_id, s.subscriber_id, s.id, s.site_id, s.plan_id, s.plan_version, s.lifecycle, s.valid_until,
    s.paused_at, s.never_cut, v.price_cents, v.duration_s, v.up_bps, v.down_bps, v.outage_grace_s
  from {_WANTED} join subscription s on s.tenant_id = r.tenant_id and s.subscriber_id = r.id
  join plan_version v on v.tenant_id = s.tenant_id and v.plan_id = s.plan_id and v.version = s.plan_version
  where s.lifecycle <> 'terminated'
"""

_DUE = """
select s.tenant_id, s.subscriber_id, s.id
  from subscription s join subscriber b on b.tenant_id = s.tenant_id and b.id = s.subscriber_id
  where s.next_change_at <= %(now)s order by s.next_change_at limit %(limit)s
  for no key update of b skip locked
"""

_CREDITS = f"""
select p.tenant_id, p.subscriber_id, p.id, p.unallocated_cents, p.paid_at
  from {_WANTED} join payment p on p.tenant_id = r.tenant_id and p.subscriber_id = r.id
  where p.unallocated_cents > 0
"""

_RECEIPTS = f"""
select p.tenant_id, p.rail, p.shortcode, p.receipt, p.id, p.amount_cents
  from {recordset(tenant_id="uuid", rail="text", shortcode="text", receipt="text")}
  join payment p on p.tenant_id = r.tenant_id and p.rail = r.rail and p.shortcode = r.shortcode
    and p.receipt = r.receipt
"""
