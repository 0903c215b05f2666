"""Agents: the programs at the sites, and how to throw one out."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Note
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.agents import Agent
from cloud.db.engine import Connection
from cloud.services import agents
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.errors import WrongState
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/agents", tags=["agents"], responses=problems(*COMMON))


class AgentAnswer(Answered):
    """An agent. `name` is the common name of its certificate."""

    id: Id
    name: str
    site_id: Id
    state: str = Field(examples=["active"])
    enrolled_at: Instant
    last_seen_at: Instant | None
    certificate_until: Instant
    revoked_at: Instant | None
    revoked_reason: str | None


class Revocation(Asked):
    """Why an agent is thrown out."""

    reason: Note = Field(examples=["The mini-PC was stolen."])


@router.get("", summary="List agents")
async def list_agents(
    deps: Deps, actor: Annotated[Actor, needs(Scope.AGENTS_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[AgentAnswer]:
    """List agents, revoked ones too, in the order in which they enrolled."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Agent]:
        return await agents.list_agents(connection, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, AgentAnswer.model_validate, lambda agent: [agent.id])


@router.get("/{agent_id}", responses=problems(404), summary="Show an agent")
async def get_agent(deps: Deps, actor: Annotated[Actor, needs(Scope.AGENTS_READ)], agent_id: Id) -> AgentAnswer:
    """Show an agent."""

    async def work(connection: Connection, _act: Act) -> Agent:
        return await agents.get_agent(connection, agent_id)

    return AgentAnswer.model_validate(await transact(deps, actor, work))


@router.post("/{agent_id}/revoke", response_model=AgentAnswer, responses=problems(404, 409), summary="Revoke an agent")
async def revoke_agent(
    once: Once,
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.AGENTS_WRITE)],
    agent_id: Id,
    body: Revocation,
) -> JSONResponse:
    """Refuse an agent everywhere from this moment on and cut its connection. There is no way back but to enrol anew."""

    async def work(connection: Connection, act: Act) -> AgentAnswer:
        await agents.get_agent(connection, agent_id)
        name = await deps.revoke_agent(
            connection,
            actor.tenant_id,
            agent_id,
            reason=body.reason,
            now=act.now,
            new_id=act.new_id,
            staff_id=act.staff_id,
        )
        if name is None:
            raise WrongState("This agent is revoked already. Nothing remains to be done.")
        return AgentAnswer.model_validate(await agents.get_agent(connection, agent_id))

    return await once(actor, work, status=200)
