"""Staff: who works for the tenant, in which role, and the end of their access."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Name
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.access import Staff
from cloud.db.engine import Connection
from cloud.services import staff
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Role, Scope

router = APIRouter(prefix="/v1/staff", tags=["staff"], responses=problems(*COMMON))


class NewStaff(Asked):
    """A staff member to be added."""

    email: Name = Field(examples=["amina@example.co.ke"])
    name: Name = Field(examples=["Amina Otieno"])
    role: Role = Field(examples=["support"])


class StaffAnswer(Answered):
    """A staff member."""

    id: Id
    email: str = Field(examples=["amina@example.co.ke"])
    name: str = Field(examples=["Amina Otieno"])
    role: Role = Field(examples=["support"])
    active: bool = Field(examples=[True])
    created_at: Instant


@router.post("", status_code=201, response_model=StaffAnswer, responses=problems(409), summary="Add a staff member")
async def add_staff(once: Once, actor: Annotated[Actor, needs(Scope.STAFF_WRITE)], body: NewStaff) -> JSONResponse:
    """Add a staff member. Nothing opens for them before a token is made."""

    async def work(connection: Connection, act: Act) -> StaffAnswer:
        return StaffAnswer.model_validate(await staff.add_staff(connection, act, actor.tenant_id, **dict(body)))

    return await once(actor, work)


@router.get("", summary="List staff")
async def list_staff(
    deps: Deps, actor: Annotated[Actor, needs(Scope.STAFF_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[StaffAnswer]:
    """List staff, those who left too, in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Staff]:
        return await staff.list_staff(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, StaffAnswer.model_validate, lambda member: [member.id])


@router.post(
    "/{staff_id}/deactivate", response_model=StaffAnswer, responses=problems(404, 409), summary="Deactivate a member"
)
async def deactivate_staff(once: Once, actor: Annotated[Actor, needs(Scope.STAFF_WRITE)], staff_id: Id) -> JSONResponse:
    """Refuse a staff member and all their tokens from this moment on. The last active owner cannot be deactivated."""

    async def work(connection: Connection, act: Act) -> StaffAnswer:
        done = await staff.deactivate_staff(connection, act, actor.tenant_id, staff_id)
        return StaffAnswer.model_validate(done)

    return await once(actor, work, status=200)
