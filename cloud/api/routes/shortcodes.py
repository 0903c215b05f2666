"""Shortcodes, and the webhook URLs to be registered at the rail."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import ApiDeps, Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Word
from cloud.api.paging import Page
from cloud.api.security import needs
from cloud.api.transact import transact
from cloud.db.engine import Connection
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope
from cloud.services.shortcodes import Shortcode

router = APIRouter(prefix="/v1/shortcodes", tags=["shortcodes"], responses=problems(*COMMON))


class NewShortcode(Asked):
    """A shortcode to be added."""

    rail: Literal["mpesa"] = "mpesa"
    shortcode: Word = Field(examples=["600638"])


class ShortcodeAnswer(Answered):
    """A shortcode with its webhook URLs. Whoever knows them can send us callbacks: treat them as secrets."""

    id: Id
    rail: str = Field(examples=["mpesa"])
    shortcode: str = Field(examples=["600638"])
    confirmation_url: str
    validation_url: str
    created_at: Instant


# No Idempotency-Key: the answer holds a secret, and answers that are kept for a key lie open in the database.
@router.post("", status_code=201, responses=problems(409), summary="Add a shortcode")
async def add_shortcode(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SHORTCODES_WRITE)], body: NewShortcode
) -> ShortcodeAnswer:
    """Add a shortcode; register the two URLs of the answer at the rail."""

    async def work(connection: Connection, act: Act) -> Shortcode:
        asked = {"rail": body.rail, "shortcode": body.shortcode}
        return await deps.shortcodes.add(connection, actor.tenant_id, act, **asked)

    return _answer(deps, await transact(deps, actor, work))


@router.get("", summary="List shortcodes")
async def list_shortcodes(deps: Deps, actor: Annotated[Actor, needs(Scope.SHORTCODES_READ)]) -> Page[ShortcodeAnswer]:
    """List all shortcodes, which are few: there is one page."""

    async def work(connection: Connection, act: Act) -> list[Shortcode]:
        return await deps.shortcodes.list_all(connection, actor.tenant_id, act)

    return Page(items=[_answer(deps, found) for found in await transact(deps, actor, work)])


def _answer(deps: ApiDeps, found: Shortcode) -> ShortcodeAnswer:
    base = f"{deps.settings.public_url}/hooks/p/{found.hook_token}"
    return ShortcodeAnswer(
        id=found.id,
        rail=found.rail,
        shortcode=found.shortcode,
        confirmation_url=f"{base}/confirm",
        validation_url=f"{base}/validate",
        created_at=found.created_at,
    )
