"""Desired state as rows: the lock on a site, what its rows were rendered from, and the writes of a new generation."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from cloud.db.bulk import Statement, recordset, run_all, to_json
from cloud.db.engine import Connection
from cloud.db.wallets import Key

CHANNEL = "mnara_desired"
"""NOTIFY channel; the payload is `<tenant_id>/<site_id>`."""


async def lock_sites(
    connection: Connection, sites: Iterable[Key], subscriptions: Iterable[Key]
) -> tuple[dict[Key, Any], dict[Key, Any]]:
    """Lock sites in the order of their ids, then read what the subscriptions' rows are made of and what they were.

    A site without an active agent yields no source: nobody to seal its credentials to.
    """
    wanted_sites = {"rows": to_json([{"tenant_id": tenant, "id": id_} for tenant, id_ in sorted(set(sites))])}
    wanted = {"rows": to_json([{"tenant_id": tenant, "id": id_} for tenant, id_ in sorted(set(subscriptions))])}
    locked, sources = await run_all(connection, [Statement(_LOCK_SITES, wanted_sites), Statement(_SOURCES, wanted)])
    return {(row.tenant_id, row.id): row for row in locked}, {(row.tenant_id, row.id): row for row in sources}


async def read_site(connection: Connection, tenant_id: UUID, site_id: UUID) -> tuple[Any, list[Any]]:
    """Lock one site and read the sources of all its subscriptions, with the rules' columns beside them."""
    values = {"tenant_id": tenant_id, "site_id": site_id}
    locked, sources = await run_all(connection, [Statement(_LOCK_ONE, values), Statement(_SITE_SOURCES, values)])
    return (locked[0] if locked else None), sources


def notify(sites: Sequence[Key]) -> list[Statement]:
    """Wake whoever publishes, at commit."""
    rows = [{"payload": f"{tenant_id}/{site_id}"} for tenant_id, site_id in sites]
    return [Statement(_NOTIFY, {"rows": to_json(rows), "channel": CHANNEL})] if rows else []


_WANTED = recordset(tenant_id="uuid", id="uuid")

_LOCK_SITES = f"""
select s.tenant_id, s.id, s.epoch, s.generation, s.digest
  from {_WANTED} join site s on s.tenant_id = r.tenant_id and s.id = r.id
  order by s.id for no key update of s
"""

_SOURCE_COLUMNS = """
select s.tenant_id, s.id, s.subscriber_id, s.site_id, s.access, s.username, host(s.address) as address,
    text(s.prefix) as prefix, s.password_sealed, s.password_revision, a.name as agent, a.installation, a.sealing_key,
    d.row as old_row, c.installation as sealed_for, c.revision as sealed_revision, c.sealed
"""

_SOURCE_JOINS = """
  join agent a on a.tenant_id = s.tenant_id and a.site_id = s.site_id and a.state = 'active'
  left join desired_row d on d.tenant_id = s.tenant_id and d.site_id = s.site_id and d.subscription_id = s.id
  left join sealed_credential c on c.tenant_id = s.tenant_id and c.subscription_id = s.id
"""

_SOURCES = f"""
{_SOURCE_COLUMNS}
  from {_WANTED} join subscription s on s.tenant_id = r.tenant_id and s.id = r.id
  {_SOURCE_JOINS}
"""

_LOCK_ONE = """
select tenant_id, id, epoch, generation, digest from site
  where tenant_id = %(tenant_id)s and id = %(site_id)s for no key update
"""

_SITE_SOURCES = f"""
{_SOURCE_COLUMNS}, s.lifecycle, s.valid_until, s.paused_at, s.never_cut,
    v.price_cents, v.duration_s, v.up_bps, v.down_bps, v.outage_grace_s
  from subscription s
  join plan_version v on v.tenant_id = s.tenant_id and v.plan_id = s.plan_id and v.version = s.plan_version
  {_SOURCE_JOINS}
  where s.tenant_id = %(tenant_id)s and s.site_id = %(site_id)s
"""

_NOTIFY = f"""
select pg_notify(%(channel)s, r.payload) from {recordset(payload="text")}
"""
