"""Routers: the MikroTiks at a site."""

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
from cloud.db.engine import Connection
from cloud.db.network import Router
from cloud.services import routers
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/sites/{site_id}/routers", tags=["sites"], responses=problems(404, *COMMON))


class NewRouter(Asked):
    """A router to be added."""

    name: Name = Field(examples=["kilifi-north-1"])
    model: Name | None = Field(default=None, examples=["RB5009UG+S+"])


class RouterAnswer(Answered):
    """A router."""

    id: Id
    site_id: Id
    name: str = Field(examples=["kilifi-north-1"])
    model: str | None = Field(examples=["RB5009UG+S+"])
    created_at: Instant


@router.post("", status_code=201, response_model=RouterAnswer, responses=problems(409), summary="Add a router")
async def add_router(
    once: Once, actor: Annotated[Actor, needs(Scope.SITES_WRITE)], site_id: Id, body: NewRouter
) -> JSONResponse:
    """Add a router to a site."""

    async def work(connection: Connection, act: Act) -> RouterAnswer:
        made = await routers.add_router(connection, act, actor.tenant_id, site_id, **dict(body))
        return RouterAnswer.model_validate(made)

    return await once(actor, work)


@router.get("", summary="List routers")
async def list_routers(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SITES_READ)], site_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[RouterAnswer]:
    """List a site's routers in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Router]:
        return await routers.list_routers(connection, actor.tenant_id, site_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, RouterAnswer.model_validate, lambda found: [found.id])
