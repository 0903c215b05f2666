"""Plans: what is offered. A plan's versions never change; a change of terms is a new one."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Bps, Cents, GraceSeconds, Id, Instant, Name, Seconds
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.db.network import Plan
from cloud.services import plans
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/plans", tags=["plans"], responses=problems(*COMMON))


class Offer(Asked):
    """A version's terms."""

    price_cents: Cents
    duration_s: Seconds
    up_bps: Bps
    down_bps: Bps
    outage_grace_s: GraceSeconds = Field(
        default=0, description="How long whoever expires while the cloud cannot be heard is still served."
    )


class NewPlan(Offer):
    """A plan to be published in its first version."""

    name: Name = Field(examples=["Home 5 Mbit/s, 30 days"])


class PlanAnswer(Answered):
    """A plan in its current version."""

    id: Id
    name: str = Field(examples=["Home 5 Mbit/s, 30 days"])
    access: str = Field(examples=["pppoe"])
    version: int = Field(examples=[1])
    price_cents: int = Field(examples=[150_000])
    duration_s: int = Field(examples=[2_592_000])
    up_bps: int = Field(examples=[2_000_000])
    down_bps: int = Field(examples=[5_000_000])
    outage_grace_s: int = Field(examples=[0])
    created_at: Instant
    retired_at: Instant | None


@router.post("", status_code=201, response_model=PlanAnswer, responses=problems(409), summary="Publish a plan")
async def add_plan(
    once: Once,
    actor: Annotated[Actor, needs(Scope.PLANS_WRITE)],
    body: NewPlan,
) -> JSONResponse:
    """Publish a plan in its first version."""

    async def work(connection: Connection, act: Act) -> PlanAnswer:
        offer = plans.terms(**body.model_dump(exclude={"name"}))
        return PlanAnswer.model_validate(
            await plans.add_plan(connection, act, actor.tenant_id, name=body.name, offer=offer)
        )

    return await once(actor, work)


@router.get("", summary="List plans")
async def list_plans(
    deps: Deps, actor: Annotated[Actor, needs(Scope.PLANS_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[PlanAnswer]:
    """List plans in their current versions, in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Plan]:
        return await plans.list_plans(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, PlanAnswer.model_validate, lambda plan: [plan.id])


@router.get("/{plan_id}", responses=problems(404), summary="Show a plan")
async def get_plan(deps: Deps, actor: Annotated[Actor, needs(Scope.PLANS_READ)], plan_id: Id) -> PlanAnswer:
    """Show a plan in its current version."""

    async def work(connection: Connection, _act: Act) -> Plan:
        return await plans.get_plan(connection, actor.tenant_id, plan_id)

    return PlanAnswer.model_validate(await transact(deps, actor, work))


@router.post(
    "/{plan_id}/versions", status_code=201, response_model=PlanAnswer, responses=problems(404), summary="Change terms"
)
async def add_plan_version(
    once: Once,
    actor: Annotated[Actor, needs(Scope.PLANS_WRITE)],
    plan_id: Id,
    body: Offer,
) -> JSONResponse:
    """Change a plan's terms for whoever subscribes from now on."""

    async def work(connection: Connection, act: Act) -> PlanAnswer:
        offer = plans.terms(**body.model_dump())
        return PlanAnswer.model_validate(await plans.add_plan_version(connection, act, actor.tenant_id, plan_id, offer))

    return await once(actor, work)
