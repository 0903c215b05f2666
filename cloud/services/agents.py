"""Agents: list them and show one. Enrolling and revoking are the fleet's."""

from uuid import UUID

from cloud.db import agents as rows
from cloud.db.agents import Agent
from cloud.db.engine import Connection
from cloud.services.errors import NotFound


async def list_agents(connection: Connection, *, limit: int, after: UUID | None = None) -> list[Agent]:
    """List the tenant's agents, revoked ones too, in the order in which they enrolled."""
    return await rows.list_agents(connection, limit=limit, after=after)


async def get_agent(connection: Connection, agent_id: UUID) -> Agent:
    """Return one agent."""
    found = await rows.list_agents(connection, limit=1, agent_id=agent_id)
    if not found:
        raise NotFound("There is no such agent. Look its id up in the list of agents.")
    return found[0]
