"""The audit: every change that staff, agents and the program made, with before and after."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Id, Instant, Word
from cloud.api.paging import Cursor, Limit, Page, page_of, read_instant_cursor
from cloud.api.security import needs
from cloud.api.transact import transact
from cloud.db.audit import AuditRow
from cloud.db.engine import Connection
from cloud.services import audit
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=problems(*COMMON))


class AuditAnswer(Answered):
    """One change. `staff_id` is null where no staff member of the tenant made it."""

    id: Id
    at: Instant
    staff_id: Id | None
    action: str = Field(examples=["plan.version"])
    object_kind: str = Field(examples=["plan"])
    object_id: str = Field(examples=["0192f3c4-b5a6-7d8e-9f00-112233445566"])
    before: dict[str, Any] | None = Field(examples=[{"version": 1}])
    after: dict[str, Any] | None = Field(examples=[{"version": 2, "price_cents": 150_000}])
    reason: str | None = Field(examples=["Seen on the M-Pesa statement of 22 November."])


@router.get("", summary="List changes")
async def list_audit(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.AUDIT_READ)],
    object_kind: Word | None = None,
    object_id: Word | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditAnswer]:
    """List changes, newest first; those of one object, if it is named."""
    before = read_instant_cursor(cursor)
    about = {"object_kind": object_kind, "object_id": object_id}

    async def work(connection: Connection, _act: Act) -> list[AuditRow]:
        return await audit.list_audit(connection, limit=limit + 1, before=before, **about)

    found = await transact(deps, actor, work)
    return page_of(found, limit, AuditAnswer.model_validate, lambda row: [row.at.isoformat(), row.id])
