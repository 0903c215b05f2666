"""Site groups: sites that share what is sold at one of them."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Name
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.db.network import SiteGroup
from cloud.services import site_groups
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/site-groups", tags=["sites"], responses=problems(*COMMON))


class NewSiteGroup(Asked):
    """A site group to be added."""

    name: Name = Field(examples=["Kilifi county"])


class SiteGroupAnswer(Answered):
    """A site group."""

    id: Id
    name: str = Field(examples=["Kilifi county"])


@router.post("", status_code=201, response_model=SiteGroupAnswer, responses=problems(409), summary="Add a site group")
async def add_site_group(
    once: Once, actor: Annotated[Actor, needs(Scope.SITES_WRITE)], body: NewSiteGroup
) -> JSONResponse:
    """Add a site group; sites join it when they are added."""

    async def work(connection: Connection, act: Act) -> SiteGroupAnswer:
        made = await site_groups.add_site_group(connection, act, actor.tenant_id, name=body.name)
        return SiteGroupAnswer.model_validate(made)

    return await once(actor, work)


@router.get("", summary="List site groups")
async def list_site_groups(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SITES_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[SiteGroupAnswer]:
    """List site groups in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[SiteGroup]:
        return await site_groups.list_site_groups(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, SiteGroupAnswer.model_validate, lambda group: [group.id])
