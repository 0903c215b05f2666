"""Callbacks as the rails sent them, and the release of those that wait for a human."""

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Note
from cloud.api.paging import Cursor, Limit, Page, decode_cursor, page_of
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.db.inbox_list import CallbackRow
from cloud.services import callbacks
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/callbacks", tags=["callbacks"], responses=problems(*COMMON))

RAW_CHARS_SHOWN = 4096

State = Literal["new", "posted", "duplicate", "malformed", "quarantined", "noted"]


class CallbackAnswer(Answered):
    """A body as it came. `raw` is hostile text; its first 4,096 characters are shown."""

    id: int = Field(examples=[1047])
    shortcode_id: Id
    kind: Literal["confirmation", "validation"]
    state: State
    reason: str | None = Field(examples=["the body names shortcode '600999', the webhook belongs to '600638'"])
    payment_id: Id | None
    received_at: Instant
    settled_at: Instant | None
    source: str | None = Field(examples=["196.201.214.200"])
    raw: str = Field(examples=['{"TransID":"TKL4X9Q2ZA","TransAmount":"1500.00"}'])


class Release(Asked):
    """Why a callback may be posted after all."""

    reason: Note = Field(examples=["Seen on the M-Pesa statement of 22 November."])


@router.get("", summary="List callbacks")
async def list_callbacks(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.CALLBACKS_READ)],
    state: State | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallbackAnswer]:
    """List what the rails sent, newest first."""
    before = decode_cursor(cursor, _id)[0] if cursor else None

    async def work(connection: Connection, _act: Act) -> list[CallbackRow]:
        return await callbacks.list_callbacks(connection, state=state, limit=limit + 1, before=before)

    return page_of(await transact(deps, actor, work), limit, _answer, lambda row: [row.id])


@router.post("/{callback_id}/release", response_model=CallbackAnswer, responses=problems(404, 409), summary="Release")
async def release_callback(
    once: Once,
    actor: Annotated[Actor, needs(Scope.CALLBACKS_WRITE)],
    callback_id: int,
    body: Release,
) -> JSONResponse:
    """Post a quarantined callback after all. Who released it and why is kept."""

    async def work(connection: Connection, act: Act) -> CallbackAnswer:
        asked = (connection, actor.tenant_id, act, callback_id)
        return _answer(await callbacks.release_callback(*asked, reason=body.reason))

    return await once(actor, work, status=200)


def _answer(row: CallbackRow) -> CallbackAnswer:
    shown = row.raw[: 4 * RAW_CHARS_SHOWN].decode("utf-8", errors="replace")[:RAW_CHARS_SHOWN]
    return CallbackAnswer.model_validate({name: getattr(row, name) for name in CallbackRow.__slots__} | {"raw": shown})


def _id(value: str) -> int:
    id_ = int(value)
    if not 0 <= id_ < 2**63:
        raise ValueError("no id")
    return id_
