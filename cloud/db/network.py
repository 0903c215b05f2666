"""Sites and their routers, plans and subscriptions, as they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db.bulk import Statement, read_all, recordset, run_all, to_json
from cloud.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Site:
    """A tower, and how far its agent has come: `reported` is the last report's body, None before the first."""

    id: UUID
    name: str
    pool: str
    group_id: UUID | None
    epoch: int
    generation: int
    digest: str
    created_at: datetime
    reported_epoch: int | None
    received: int | None
    stored: int | None
    applied: int | None
    reported_digest: str | None
    router_digest: str | None
    reported_at: datetime | None
    agent_id: UUID | None
    agent_state: str | None
    agent_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SiteGroup:
    """Sites that share what is sold at one of them."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Router:
    """A MikroTik at a site."""

    id: UUID
    site_id: UUID
    name: str
    model: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """An offer in its current version."""

    id: UUID
    name: str
    access: str
    version: int
    price_cents: int
    duration_s: int
    up_bps: int
    down_bps: int
    outage_grace_s: int
    created_at: datetime
    retired_at: datetime | None


async def list_sites(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None, site_id: UUID | None = None
) -> list[Site]:
    """List sites in the order of their ids, or the one asked for."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after, "id": site_id}
    return await read_all(connection, Statement(_SITES, values), Site)


async def list_site_groups(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None
) -> list[SiteGroup]:
    """List site groups in the order of their ids."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after, "id": None}
    return await read_all(connection, Statement(_SITE_GROUPS, values), SiteGroup)


async def list_routers(
    connection: Connection, tenant_id: UUID, site_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Router]:
    """List a site's routers in the order of their ids."""
    values = {"tenant_id": tenant_id, "site_id": site_id, "limit": limit, "after": after, "id": None}
    return await read_all(connection, Statement(_ROUTERS, values), Router)


async def list_plans(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None, plan_id: UUID | None = None
) -> list[Plan]:
    """List plans in the order of their ids, or the one asked for."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after, "id": plan_id}
    return await read_all(connection, Statement(_PLANS, values), Plan)


async def lock_plan(connection: Connection, tenant_id: UUID, plan_id: UUID) -> Plan | None:
    """Lock a plan against another change of its version."""
    values = {"tenant_id": tenant_id, "id": plan_id, "limit": 1, "after": None}
    _, rows = await run_all(connection, [Statement(_LOCK_PLAN, values), Statement(_PLANS, values)])
    return Plan(*rows[0]) if rows else None


async def lock_pools(
    connection: Connection, tenant_id: UUID, sites: Sequence[UUID]
) -> dict[UUID, tuple[str, set[str]]]:
    """Lock sites in the order of their ids; return each one's pool and the addresses that are given out."""
    values = {"rows": to_json([{"id": id_} for id_ in sorted(set(sites))]), "tenant_id": tenant_id}
    pools, used = await run_all(connection, [Statement(_LOCK_POOLS, values), Statement(_USED, values)])
    found: dict[UUID, tuple[str, set[str]]] = {row.id: (row.pool, set()) for row in pools}
    for row in used:
        found[row.site_id][1].add(row.address)
    return found


async def read_subscriptions(
    connection: Connection,
    tenant_id: UUID,
    *,
    limit: int,
    after: UUID | None = None,
    subscription_id: UUID | None = None,
    subscriber_id: UUID | None = None,
    site_id: UUID | None = None,
) -> list[Any]:
    """Read subscriptions with their terms, credit and what the site reported of them, in the order of their ids."""
    values = {"tenant_id": tenant_id, "limit": limit, "after": after}
    values |= {"id": subscription_id, "subscriber_id": subscriber_id, "site_id": site_id}
    [rows] = await run_all(connection, [Statement(_SUBSCRIPTIONS, values)])
    return rows


_PAGE = """
    and (%(id)s::uuid is null or t.id = %(id)s) and (%(after)s::uuid is null or t.id > %(after)s)
  order by t.id limit %(limit)s
"""

_SITES = f"""
select t.id, t.name, text(t.pool), t.group_id, t.epoch, t.generation, t.digest, t.created_at,
    p.epoch as reported_epoch, p.received, p.stored, p.applied, p.digest as reported_digest, p.router_digest,
    p.reported_at, a.id as agent_id, a.state as agent_state, a.last_seen_at
  from site t
  left join agent_report p on p.tenant_id = t.tenant_id and p.site_id = t.id
  left join agent a on a.tenant_id = t.tenant_id and a.site_id = t.id and a.state = 'active'
  where t.tenant_id = %(tenant_id)s {_PAGE}
"""

_SITE_GROUPS = f"""
select t.id, t.name from site_group t where t.tenant_id = %(tenant_id)s {_PAGE}
"""

_ROUTERS = f"""
select t.id, t.site_id, t.name, t.model, t.created_at from router t
  where t.tenant_id = %(tenant_id)s and t.site_id = %(site_id)s {_PAGE}
"""

_PLANS = f"""
select t.id, t.name, t.access, v.version, v.price_cents, v.duration_s, v.up_bps, v.down_bps, v.outage_grace_s,
    v.created_at, t.retired_at
  from plan t
  join plan_version v on v.tenant_id = t.tenant_id and v.plan_id = t.id and v.version = t.current_version
  where t.tenant_id = %(tenant_id)s {_PAGE}
"""

_LOCK_PLAN = """
select id from plan where tenant_id = %(tenant_id)s and id = %(id)s for no key update
"""

_LOCK_POOLS = f"""
select s.id, text(s.pool) as pool from {recordset(id="uuid")}
  join site s on s.tenant_id = %(tenant_id)s and s.id = r.id order by s.id for no key update of s
"""

_USED = f"""
select s.site_id, host(s.address) as address from {recordset(id="uuid")}
  join subscription s on s.tenant_id = %(tenant_id)s and s.site_id = r.id
"""

_SUBSCRIPTIONS = f"""
select t.id, t.subscriber_id, t.site_id, t.plan_id, t.plan_version, t.access, t.username, host(t.address) as address,
    t.lifecycle, t.valid_until, t.paused_at, t.never_cut, t.created_at, b.balance_cents,
    v.price_cents, v.duration_s, v.up_bps, v.down_bps, v.outage_grace_s,
    d.generation as desired_generation, d.applied_generation, d.applied_access, d.applied_at, d.online_at
  from subscription t
  join subscriber b on b.tenant_id = t.tenant_id and b.id = t.subscriber_id
  join plan_version v on v.tenant_id = t.tenant_id and v.plan_id = t.plan_id and v.version = t.plan_version
  left join desired_row d on d.tenant_id = t.tenant_id and d.site_id = t.site_id and d.subscription_id = t.id
  where t.tenant_id = %(tenant_id)s
    and (%(subscriber_id)s::uuid is null or t.subscriber_id = %(subscriber_id)s)
    and (%(site_id)s::uuid is null or t.site_id = %(site_id)s) {_PAGE}
"""
