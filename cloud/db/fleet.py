"""What publishing and intake ask of the database: few statements, each one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.limits import DELTA_ROWS_MAX
from protocol.messages import Held, Reported


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent as the fleet knows it."""

    id: UUID
    tenant_id: UUID
    site_id: UUID
    name: str
    installation: str
    shard: int
    active: bool
    signing_key: bytes
    sealing_key: bytes
    certificate_pem: str
    certificate_serial: str
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Desired:
    """A site's desired state: whole (`rows` has every entitlement) or what is newer than a generation."""

    held: Held
    rows: list[tuple[UUID, str | None]]
    """(subscription, the entitlement's text or None when removed)."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A site whose last report is not its desired state."""

    tenant_id: UUID
    site_id: UUID
    reported_epoch: int
    stored: int


_AGENT = """
select id, tenant_id, site_id, name, installation, shard, state = 'active' as active, signing_key, sealing_key,
       certificate_pem, certificate_serial, last_sequence
from agent
"""
_FIND_AGENT = text(_AGENT + "where name = :name")
_GET_AGENT = text(_AGENT + "where tenant_id = :tenant_id and id = :id")
_FIND_SITE_AGENT = text(_AGENT + "where site_id = :site_id and state = 'active'")

_LOAD_CHANGES = text(
    f"""
    select s.epoch, s.generation, s.digest, d.subscription_id, d.row
    from site s
    left join lateral (
      select subscription_id, row from desired_row
      where tenant_id = s.tenant_id and site_id = s.id and generation > :base
      order by generation limit {DELTA_ROWS_MAX + 1}
    ) d on true
    where s.tenant_id = :tenant_id and s.id = :site_id
    """
)
_LOAD_WHOLE = text(
    """
    select s.epoch, s.generation, s.digest, d.subscription_id, d.row
    from site s
    left join desired_row d on d.tenant_id = s.tenant_id and d.site_id = s.id and d.row is not null
    where s.tenant_id = :tenant_id and s.id = :site_id
    """
)
_LIST_BEHIND = text(
    """
    select s.tenant_id, s.id as site_id, r.epoch as reported_epoch, r.stored
    from agent a
    join site s on s.tenant_id = a.tenant_id and s.id = a.site_id
    join agent_report r on r.tenant_id = s.tenant_id and r.site_id = s.id and r.agent_id = a.id
    where a.state = 'active' and (r.epoch <> s.epoch or r.applied <> s.generation)
    """
)
_LIST_REVOKED = text(
    "select name, certificate_serial, revoked_at from agent where state = 'revoked' and certificate_until > :now"
)
_HEAR_IN_ORDER = text(
    """
    update agent set last_sequence = :sequence, last_seen_at = :now, connection = coalesce(:connection, connection)
    where tenant_id = :tenant_id and id = :id and state = 'active' and last_sequence < :sequence
    returning 1
    """
)
_HEAR = text(
    """
    update agent set last_sequence = greatest(last_sequence, :sequence), last_seen_at = :now
    where tenant_id = :tenant_id and id = :id and state = 'active'
    returning 1
    """
)
_FORGET_CONNECTION = text(
    """
    update agent set connection = null, last_seen_at = :now
    where tenant_id = :tenant_id and id = :id and connection = :connection
    returning 1
    """
)
_SAVE_REPORT = text(
    """
    insert into agent_report (tenant_id, site_id, agent_id, epoch, received, stored, applied, digest, router_digest,
                              failed_count, detail, reported_at)
    values (:tenant_id, :site_id, :agent_id, :epoch, :received, :stored, :applied, :digest, :router_digest,
            :failed_count, cast(:detail as jsonb), :now)
    on conflict (tenant_id, site_id) do update set
      agent_id = excluded.agent_id, epoch = excluded.epoch, received = excluded.received, stored = excluded.stored,
      applied = excluded.applied, digest = excluded.digest, router_digest = excluded.router_digest,
      failed_count = excluded.failed_count, detail = excluded.detail, reported_at = excluded.reported_at
    """
)
_LAST_EVENT = text("select max(number) from agent_event where tenant_id = :tenant_id and installation = :installation")

_TAKE_EVENTS = text(
    """
    with given as (
      select * from unnest(cast(:ids as uuid[]), cast(:numbers as bigint[]), cast(:kinds as text[]),
                           cast(:subscriptions as uuid[]), cast(:data as text[]), cast(:ats as timestamptz[]),
                           cast(:generations as bigint[]), cast(:accesses as text[]))
        as g(id, number, kind, subscription_id, data, at, generation, access)
    ), taken as (
      insert into agent_event (tenant_id, installation, number, agent_id, kind, subscription_id, data, at, received_at)
      select :tenant_id, :installation, number, :agent_id, kind, subscription_id, data::jsonb, at, :now from given
      on conflict do nothing
      returning number
    ), fresh as (
      select given.* from given join taken using (number)
    ), latest as (
      select subscription_id,
             (array_agg(generation order by number desc) filter (where kind = 'applied'))[1] as generation,
             (array_agg(access order by number desc) filter (where kind = 'applied'))[1] as access,
             max(at) filter (where kind = 'applied') as applied_at,
             max(at) filter (where kind = 'online') as online_at
      from fresh where kind in ('applied', 'online') group by subscription_id
    ), marked as (
      update desired_row d set
        applied_generation = coalesce(l.generation, d.applied_generation),
        applied_access = coalesce(l.access, d.applied_access),
        applied_at = coalesce(l.applied_at, d.applied_at),
        online_at = coalesce(l.online_at, d.online_at)
      from latest l
      where d.tenant_id = :tenant_id and d.site_id = :site_id and d.subscription_id = l.subscription_id
    )
    insert into timeline (tenant_id, id, subscriber_id, subscription_id, kind, at, data)
    select :tenant_id, f.id, s.subscriber_id, s.id, f.kind, f.at, f.data::jsonb
    from fresh f
    join desired_row d on d.tenant_id = :tenant_id and d.site_id = :site_id and d.subscription_id = f.subscription_id
    join subscription s on s.tenant_id = d.tenant_id and s.id = d.subscription_id
    where f.kind in ('applied', 'online', 'cut', 'offline', 'conflict')
    """
)
"""Only a subscription that has a row at the agent's own site is touched: an agent cannot speak of another's."""

_RAISE_EPOCH = text(
    "update site set epoch = greatest(epoch, :above) + 1 where tenant_id = :tenant_id and id = :site_id returning epoch"
)
_MEND_DIGEST = text(
    """
    update site set digest = :digest
    where tenant_id = :tenant_id and id = :site_id and epoch = :epoch and generation = :generation
    """
)
_NOTIFY = text("select pg_notify(:channel, :payload)")


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """An event checked and ready to be stored."""

    id: UUID
    number: int
    kind: str
    subscription_id: UUID | None
    data: str
    """JSON."""
    at: datetime
    generation: int | None
    access: str | None


async def find_agent(connection: AsyncConnection, name: str) -> AgentRow | None:
    """Find an agent by the name in its certificate, revoked or not."""
    row = (await connection.execute(_FIND_AGENT, {"name": name})).one_or_none()
    return _agent(row) if row else None


async def get_agent(connection: AsyncConnection, tenant_id: UUID, agent_id: UUID) -> AgentRow:
    """Read an agent that is known to be there."""
    return _agent((await connection.execute(_GET_AGENT, {"tenant_id": tenant_id, "id": agent_id})).one())


async def find_site_agent(connection: AsyncConnection, site_id: UUID) -> AgentRow | None:
    """Find the active agent of a site."""
    row = (await connection.execute(_FIND_SITE_AGENT, {"site_id": site_id})).one_or_none()
    return _agent(row) if row else None


async def load_changes(connection: AsyncConnection, tenant_id: UUID, site_id: UUID, base: int) -> Desired:
    """Read what is newer than `base`: at most one row more than a delta may have, oldest first."""
    given = {"tenant_id": tenant_id, "site_id": site_id, "base": base}
    return _desired((await connection.execute(_LOAD_CHANGES, given)).all())


async def load_whole(connection: AsyncConnection, tenant_id: UUID, site_id: UUID) -> Desired:
    """Read every entitlement of a site."""
    given = {"tenant_id": tenant_id, "site_id": site_id}
    return _desired((await connection.execute(_LOAD_WHOLE, given)).all())


async def list_behind(connection: AsyncConnection) -> list[Behind]:
    """List the sites whose agent's last report is not the desired state; one that never reported will say hello
    first."""
    rows = await connection.execute(_LIST_BEHIND)
    return [Behind(row.tenant_id, row.site_id, row.reported_epoch, row.stored) for row in rows]


async def list_revoked(connection: AsyncConnection, now: datetime) -> list[tuple[str, str, datetime]]:
    """List (name, serial, when) of the revoked certificates that have not run out by themselves."""
    rows = await connection.execute(_LIST_REVOKED, {"now": now})
    return [(row.name, row.certificate_serial, row.revoked_at) for row in rows]


async def hear_in_order(
    connection: AsyncConnection, agent: AgentRow, sequence: int, now: datetime, connected_as: str | None = None
) -> bool:
    """Note that the agent spoke; False if it is revoked or this is not newer than what was heard."""
    given = _of(agent) | {"sequence": sequence, "now": now, "connection": connected_as}
    return (await connection.execute(_HEAR_IN_ORDER, given)).first() is not None


async def hear(connection: AsyncConnection, agent: AgentRow, sequence: int, now: datetime) -> bool:
    """Note that the agent spoke, in whatever order; False if it is revoked."""
    given = _of(agent) | {"sequence": sequence, "now": now}
    return (await connection.execute(_HEAR, given)).first() is not None


async def forget_connection(connection: AsyncConnection, agent: AgentRow, gone: str, now: datetime) -> bool:
    """Note that the agent left, if `gone` is its present connection and not one before."""
    return (
        await connection.execute(_FORGET_CONNECTION, _of(agent) | {"connection": gone, "now": now})
    ).first() is not None


async def save_report(connection: AsyncConnection, agent: AgentRow, report: Reported, now: datetime) -> None:
    """Replace what the agent last reported."""
    detail = report.model_dump_json(exclude_defaults=True).replace("\\u0000", "")  # jsonb refuses NUL
    values = report.model_dump(
        include={"epoch", "received", "stored", "applied", "digest", "router_digest", "failed_count"}
    )
    place = {"tenant_id": agent.tenant_id, "site_id": agent.site_id, "agent_id": agent.id}
    await connection.execute(_SAVE_REPORT, values | place | {"detail": detail, "now": now})


async def find_last_event(connection: AsyncConnection, agent: AgentRow) -> int | None:
    """Find the highest number stored of this installation."""
    given = {"tenant_id": agent.tenant_id, "installation": agent.installation}
    number: int | None = (await connection.execute(_LAST_EVENT, given)).scalar_one()
    return number


async def take_events(
    connection: AsyncConnection, agent: AgentRow, events: Sequence[TakenEvent], now: datetime
) -> None:
    """Store events that are new, mark their rows and tell the timeline; those stored before change nothing."""
    columns = {
        "ids": [event.id for event in events],
        "numbers": [event.number for event in events],
        "kinds": [event.kind for event in events],
        "subscriptions": [event.subscription_id for event in events],
        "data": [event.data for event in events],
        "ats": [event.at for event in events],
        "generations": [event.generation for event in events],
        "accesses": [event.access for event in events],
    }
    place = {"installation": agent.installation, "site_id": agent.site_id, "agent_id": agent.id}
    await connection.execute(_TAKE_EVENTS, columns | place | {"tenant_id": agent.tenant_id, "now": now})


async def raise_epoch(connection: AsyncConnection, tenant_id: UUID, site_id: UUID, above: int) -> int:
    """Begin a new epoch above `above`: the history of the generations may be broken."""
    given = {"tenant_id": tenant_id, "site_id": site_id, "above": above}
    return int((await connection.execute(_RAISE_EPOCH, given)).scalar_one())


async def mend_digest(connection: AsyncConnection, tenant_id: UUID, site_id: UUID, held: Held) -> None:
    """Write the digest that the rows really have."""
    await connection.execute(_MEND_DIGEST, held.model_dump() | {"tenant_id": tenant_id, "site_id": site_id})


async def notify(connection: AsyncConnection, channel: str, payload: str) -> None:
    """Wake listeners when, and only if, this transaction commits."""
    await connection.execute(_NOTIFY, {"channel": channel, "payload": payload})


def _of(agent: AgentRow) -> dict[str, Any]:
    return {"tenant_id": agent.tenant_id, "id": agent.id}


def _agent(row: Row[Any]) -> AgentRow:
    return AgentRow(**row._asdict())


def _desired(rows: Sequence[Row[Any]]) -> Desired:
    first = rows[0]
    held = Held(epoch=first.epoch, generation=first.generation, digest=first.digest)
    return Desired(held, [(row.subscription_id, row.row) for row in rows if row.subscription_id is not None])
