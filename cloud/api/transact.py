"""How a route does its work: in one transaction of the actor's tenant, once per Idempotency-Key."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cloud.api.deps import ApiDeps, Deps
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


class OncePerKey:
    """Does a request's work once per Idempotency-Key and answers with what it made."""

    key_is_required = False

    def __init__(self, request: Request, deps: Deps, idempotency_key: IdempotencyKey = None) -> None:
        self._request = request
        self._deps = deps
        self._key = idempotency_key

    async def __call__(self, actor: Actor, work: Work[BaseModel], *, status: int = 201) -> JSONResponse:
        """Do the work and keep its answer in the same transaction, or give the answer that was kept."""
        if self._key is None and self.key_is_required:
            detail = "This route moves money and needs an Idempotency-Key header. Send a new UUID with each request."
            raise Raised(400, "idempotency-key-missing", detail)
        body = await self._request.body()
        asked = idempotency.Request(actor.staff_id, self._request.method, self._request.url.path, body)

        async def answer(connection: Connection) -> idempotency.Answer:
            made = await work(connection, _act(self._deps, actor))
            return idempotency.Answer(status, made.model_dump(mode="json"))

        async def attempt() -> idempotency.Answer:
            if self._key is not None:
                return await self._deps.idempotency.once(actor.tenant_id, self._key, asked, answer)
            async with self._deps.database.tenant(actor.tenant_id) as connection:
                return await answer(connection)

        given = await _retried(attempt)
        return JSONResponse(given.body, given.status, {"Idempotency-Replayed": "true"} if given.replayed else None)


class OncePerRequiredKey(OncePerKey):
    """The same for money: a request without a key is refused."""

    key_is_required = True


Once = Annotated[OncePerKey, Depends()]
OnceForMoney = Annotated[OncePerRequiredKey, Depends()]


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
