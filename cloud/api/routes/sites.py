"""Sites, and the claim codes by which agents enrol at them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Name, Word
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.db.network import Site
from cloud.services import sites
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/sites", tags=["sites"], responses=problems(*COMMON))


class NewSite(Asked):
    """A site to be added."""

    name: Name = Field(examples=["Kilifi North"])
    pool: Word = Field(examples=["100.64.0.0/22"], description="Where its subscribers' fixed addresses come from.")
    group_id: Id | None = None


class ReportedAnswer(Answered):
    """What the site's agent last said of itself: `applied` is what the router was read back to match."""

    epoch: int = Field(examples=[1])
    received: int = Field(examples=[42])
    stored: int = Field(examples=[42])
    applied: int = Field(examples=[42])
    digest: str
    router_digest: str
    at: Instant


class SiteAgentAnswer(Answered):
    """The agent that serves the site."""

    id: Id
    state: str = Field(examples=["active"])
    last_seen_at: datetime | None


class SiteAnswer(Answered):
    """A site: its desired state's number and digest, and beside them what was reported."""

    id: Id
    name: str = Field(examples=["Kilifi North"])
    pool: str = Field(examples=["100.64.0.0/22"])
    group_id: Id | None
    epoch: int = Field(examples=[1])
    generation: int = Field(examples=[42])
    digest: str
    created_at: Instant
    reported: ReportedAnswer | None
    agent: SiteAgentAnswer | None


class ClaimAnswer(Answered):
    """A claim code, shown this once."""

    claim_code: str = Field(examples=["7K3M-9QXZ-2T4"])
    enrol_url: str = Field(examples=["https://cloud.example.co.ke:8443"])
    ca_pin: str = Field(examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    expires_at: Instant


@router.post("", status_code=201, response_model=SiteAnswer, responses=problems(404, 409), summary="Add a site")
async def add_site(
    once: Once,
    actor: Annotated[Actor, needs(Scope.SITES_WRITE)],
    body: NewSite,
) -> JSONResponse:
    """Add a site with the pool of its subscribers' addresses."""

    async def work(connection: Connection, act: Act) -> SiteAnswer:
        return _answer(await sites.add_site(connection, act, actor.tenant_id, **dict(body)))

    return await once(actor, work)


@router.get("", summary="List sites")
async def list_sites(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SITES_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[SiteAnswer]:
    """List sites in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Site]:
        return await sites.list_sites(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, _answer, lambda site: [site.id])


@router.get("/{site_id}", responses=problems(404), summary="Show a site")
async def get_site(deps: Deps, actor: Annotated[Actor, needs(Scope.SITES_READ)], site_id: Id) -> SiteAnswer:
    """Show a site with what it shall match and what it was last reported to match."""

    async def work(connection: Connection, _act: Act) -> Site:
        return await sites.get_site(connection, actor.tenant_id, site_id)

    return _answer(await transact(deps, actor, work))


@router.post("/{site_id}/claims", status_code=201, responses=problems(404), summary="Make a claim code")
async def add_claim(deps: Deps, actor: Annotated[Actor, needs(Scope.CLAIMS_WRITE)], site_id: Id) -> ClaimAnswer:
    """Make a single-use code by which a new agent enrols at this site. It is shown this once."""

    async def work(connection: Connection, act: Act) -> ClaimAnswer:
        await sites.get_site(connection, actor.tenant_id, site_id)
        claim = await deps.create_claim(connection, actor.tenant_id, site_id, now=act.now, new_id=act.new_id)
        await sites.note_claim(connection, act, actor.tenant_id, site_id)
        told = deps.settings
        return ClaimAnswer(
            claim_code=claim.code, enrol_url=told.enrol_url, ca_pin=told.ca_pin, expires_at=claim.expires_at
        )

    return await transact(deps, actor, work)


def _answer(site: Site) -> SiteAnswer:
    reported = agent = None
    if site.reported_at is not None:
        reported = ReportedAnswer(
            epoch=site.reported_epoch or 0,
            received=site.received or 0,
            stored=site.stored or 0,
            applied=site.applied or 0,
            digest=site.reported_digest or "",
            router_digest=site.router_digest or "",
            at=site.reported_at,
        )
    if site.agent_id is not None:
        agent = SiteAgentAnswer(id=site.agent_id, state=site.agent_state or "", last_seen_at=site.agent_seen_at)
    return SiteAnswer(
        id=site.id,
        name=site.name,
        pool=site.pool,
        group_id=site.group_id,
        epoch=site.epoch,
        generation=site.generation,
        digest=site.digest,
        created_at=site.created_at,
        reported=reported,
        agent=agent,
    )
