"""How a route does its work: in one transaction of the actor's tenant, once per Idempotency-Key."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cloud.api.deps import ApiDeps
from cloud.api.problems import Raised
from cloud.db.engine import Connection
from cloud.services import idempotency
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.outages import is_conflict

TRIES: Final = 3
"""Two transactions that met on a row are run again at once; a third meeting is told to the caller."""

T = TypeVar("T")
Work = Callable[[Connection, Act], Awaitable[T]]

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="8 to 128 printable characters, such as a UUID: a repeated request with the same key and body gets "
        "the first one's answer and does nothing more. Kept for 30 days."
    ),
]


async def transact(deps: ApiDeps, actor: Actor, work: Work[T]) -> T:
    """Do the work in a transaction of its own; run it again when it met another one."""

    async def attempt() -> T:
        async with deps.database.tenant(actor.tenant_id) as connection:
            return await work(connection, _act(deps, actor))

    return await _retried(attempt)


async def once(
    request: Request, deps: ApiDeps, actor: Actor, work: Work[BaseModel], *, status: int = 201, required: bool = False
) -> JSONResponse:
    """Do the work once per Idempotency-Key and answer with what it made.

    `required`: money moves, so a request without a key is refused.
    """
    key = request.headers.get("idempotency-key")
    if key is None and required:
        detail = "This route moves money and needs an Idempotency-Key header. Send a new UUID with each new request."
        raise Raised(400, "idempotency-key-missing", detail)

    async def answer(connection: Connection) -> idempotency.Answer:
        made = await work(connection, _act(deps, actor))
        return idempotency.Answer(status, made.model_dump(mode="json"))

    body = await request.body()
    asked = idempotency.Request(actor.staff_id, request.method, request.url.path, body)

    async def attempt() -> idempotency.Answer:
        if key is not None:
            return await deps.idempotency.once(actor.tenant_id, key, asked, answer)
        async with deps.database.tenant(actor.tenant_id) as connection:
            return await answer(connection)

    given = await _retried(attempt)
    return JSONResponse(given.body, given.status, {"Idempotency-Replayed": "true"} if given.replayed else None)


async def _retried(attempt: Callable[[], Awaitable[T]]) -> T:
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except Exception as error:
            if not is_conflict(error):
                raise
    return await attempt()


def _act(deps: ApiDeps, actor: Actor) -> Act:
    return Act(deps.clock.now(), deps.new_id, deps.secrets, actor.staff_id)
