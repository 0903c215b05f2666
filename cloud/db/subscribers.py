"""Subscribers, their phones and their timeline, as they are read; and the count that account numbers come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db.bulk import Statement, read_all, run_all
from cloud.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person or firm who buys. balance_cents: credit if positive."""

    id: UUID
    account_number: str
    name: str
    phones: list[str]
    balance_cents: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """Something that happened to a subscriber."""

    id: UUID
    at: datetime
    kind: str
    subscription_id: UUID | None
    data: dict[str, Any]


async def next_ordinals(connection: Connection, tenant_id: UUID, count: int) -> range:
    """Take the next `count` ordinals of a tenant's subscribers; the tenant's row stays locked until the commit."""
    values = {"tenant_id": tenant_id, "count": count}
    [rows] = await run_all(connection, [Statement(_NEXT, values)])
    return range(rows[0].first, rows[0].first + count)


async def list_subscribers(
    connection: Connection,
    tenant_id: UUID,
    *,
    limit: int,
    after: UUID | None = None,
    subscriber_id: UUID | None = None,
) -> list[Subscriber]:
    """List subscribers in the order of their ids, or the one asked for."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after, "id": subscriber_id}
    return await read_all(connection, Statement(_SUBSCRIBERS, values), Subscriber)


async def list_timeline(
    connection: Connection, tenant_id: UUID, subscriber_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[TimelineLine]:
    """List a subscriber's timeline, oldest first, after the line `(at, id)`."""
    at, id_ = after or (None, None)
    values = {"tenant_id": tenant_id, "subscriber_id": subscriber_id, "limit": limit, "at": at, "id": id_}
    return await read_all(connection, Statement(_TIMELINE, values), TimelineLine)


_NEXT = """
update tenant set next_account = next_account + %(count)s where id = %(tenant_id)s
  returning next_account - %(count)s as first
"""

_SUBSCRIBERS = """
select s.id, s.account_number, s.name,
    array(select phone from subscriber_phone p where p.tenant_id = s.tenant_id and p.subscriber_id = s.id
          order by phone) as phones,
    s.balance_cents, s.created_at
  from subscriber s
  where s.tenant_id = %(tenant_id)s and (%(id)s::uuid is null or s.id = %(id)s)
    and (%(after)s::uuid is null or s.id > %(after)s)
  order by s.id limit %(limit)s
"""

_TIMELINE = """
select id, at, kind, subscription_id, data from timeline
  where tenant_id = %(tenant_id)s and subscriber_id = %(subscriber_id)s
    and (%(at)s::timestamptz is null or (at, id) > (%(at)s, %(id)s::uuid))
  order by at, id limit %(limit)s
"""
