"""Agents as staff see them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.tables.fleet import agent


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, revoked ones included."""

    id: UUID
    name: str
    site_id: UUID
    state: str
    enrolled_at: datetime
    last_seen_at: datetime | None
    certificate_until: datetime
    revoked_at: datetime | None
    revoked_reason: str | None


_COLUMNS = [agent.c[name] for name in Agent.__slots__]


async def list_agents(
    connection: AsyncConnection, *, limit: int, after: UUID | None = None, agent_id: UUID | None = None
) -> list[Agent]:
    """List the tenant's agents in the order of their ids, or the one asked for."""
    query = select(*_COLUMNS).order_by(agent.c.id).limit(limit)
    if after is not None:
        query = query.where(agent.c.id > after)
    if agent_id is not None:
        query = query.where(agent.c.id == agent_id)
    return [Agent(*row) for row in await connection.execute(query)]
