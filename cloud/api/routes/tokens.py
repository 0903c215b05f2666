"""Tokens: what programs of the staff show at the door."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Name, Word
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.access import Token
from cloud.db.engine import Connection
from cloud.services import tokens
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import EVERYTHING, Scope
from cloud.services.tokens import NewToken

router = APIRouter(prefix="/v1/tokens", tags=["staff"], responses=problems(*COMMON))


class TokenToMake(Asked):
    """A token to be made. `scopes` are some of its owner's role, or `*` for all of them."""

    staff_id: Id
    name: Name = Field(examples=["till at the Kilifi office"])
    scopes: list[Word] = Field(
        default=[EVERYTHING], min_length=1, max_length=100, examples=[["subscribers:read", "cash:write"]]
    )
    expires_at: AwareDatetime | None = Field(default=None, description="Null: it works until it is revoked.")


class TokenAnswer(Answered):
    """A token, without its secret: only a hash of that is kept."""

    id: Id
    staff_id: Id
    name: str = Field(examples=["till at the Kilifi office"])
    scopes: list[str] = Field(examples=[["subscribers:read", "cash:write"]])
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


class MadeTokenAnswer(TokenAnswer):
    """A token just made: `token` is shown this once."""

    token: str = Field(examples=["mnt_0192f3c4b5a67d8e9f00112233445566_…"])


# No Idempotency-Key: the answer holds a secret, and answers that are kept for a key lie open in the database.
@router.post("", status_code=201, responses=problems(404, 409), summary="Make a token")
async def add_token(
    deps: Deps, actor: Annotated[Actor, needs(Scope.STAFF_WRITE)], body: TokenToMake
) -> MadeTokenAnswer:
    """Make a token for a staff member. It may do no more than its owner's role and the token that asks for it."""

    async def work(connection: Connection, act: Act) -> NewToken:
        asked = {"staff_id": body.staff_id, "name": body.name, "scopes": body.scopes, "until": body.expires_at}
        return await deps.access.grant(connection, act, actor.tenant_id, **asked, held=actor.scopes)

    made = await transact(deps, actor, work)
    shown = TokenAnswer.model_validate(made.row)
    return MadeTokenAnswer(**dict(shown), token=made.token)


@router.get("", summary="List tokens")
async def list_tokens(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.STAFF_READ)],
    staff_id: Id | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TokenAnswer]:
    """List tokens, revoked ones too, in the order in which they were made."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Token]:
        asked = (connection, actor.tenant_id)
        return await tokens.list_tokens(*asked, limit=limit + 1, after=after, staff_id=staff_id)

    return page_of(await transact(deps, actor, work), limit, TokenAnswer.model_validate, lambda token: [token.id])


@router.post("/{token_id}/revoke", response_model=TokenAnswer, responses=problems(404, 409), summary="Revoke a token")
async def revoke_token(once: Once, actor: Annotated[Actor, needs(Scope.STAFF_WRITE)], token_id: Id) -> JSONResponse:
    """Refuse a token from this moment on."""

    async def work(connection: Connection, act: Act) -> TokenAnswer:
        return TokenAnswer.model_validate(await tokens.revoke_token(connection, act, actor.tenant_id, token_id))

    return await once(actor, work, status=200)
