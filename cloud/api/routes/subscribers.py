"""Subscribers, and what happened to them."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Name, Phone
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor, read_instant_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.db.subscribers import Subscriber, TimelineLine
from cloud.services import subscribers
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"], responses=problems(*COMMON))


class NewSubscriber(Asked):
    """A subscriber to be added."""

    name: Name = Field(examples=["Amina Juma"])
    phones: list[Phone] = Field(default=[], max_length=10)


class SubscriberAnswer(Answered):
    """A person or firm who buys. `balance_cents`: credit if positive."""

    id: Id
    account_number: str = Field(examples=["100014"])
    name: str = Field(examples=["Amina Juma"])
    phones: list[str] = Field(examples=[["254712345678"]])
    balance_cents: int = Field(examples=[0])
    created_at: Instant


class TimelineAnswer(Answered):
    """Something that happened: `data` depends on `kind`."""

    id: Id
    at: Instant
    kind: str = Field(examples=["payment_posted"])
    subscription_id: Id | None
    data: dict[str, Any] = Field(examples=[{"amount_cents": 150_000, "receipt": "TKL4X9Q2ZA"}])


@router.post("", status_code=201, response_model=SubscriberAnswer, responses=problems(409), summary="Add a subscriber")
async def add_subscriber(
    once: Once,
    actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)],
    body: NewSubscriber,
) -> JSONResponse:
    """Add a subscriber and deal the account number that payments carry."""

    async def work(connection: Connection, act: Act) -> SubscriberAnswer:
        added = await subscribers.add_subscriber(connection, act, actor.tenant_id, name=body.name, phones=body.phones)
        return SubscriberAnswer.model_validate(added)

    return await once(actor, work)


@router.get("", summary="List subscribers")
async def list_subscribers(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[SubscriberAnswer]:
    """List subscribers in the order in which they were added."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[Subscriber]:
        return await subscribers.list_subscribers(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, SubscriberAnswer.model_validate, lambda one: [one.id])


@router.get("/{subscriber_id}", responses=problems(404), summary="Show a subscriber")
async def get_subscriber(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_READ)], subscriber_id: Id
) -> SubscriberAnswer:
    """Show a subscriber."""

    async def work(connection: Connection, _act: Act) -> Subscriber:
        return await subscribers.get_subscriber(connection, actor.tenant_id, subscriber_id)

    return SubscriberAnswer.model_validate(await transact(deps, actor, work))


@router.get("/{subscriber_id}/timeline", responses=problems(404), summary="Show what happened")
async def list_timeline(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_READ)],
    subscriber_id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TimelineAnswer]:
    """List what happened to a subscriber, oldest first."""
    after = read_instant_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[TimelineLine]:
        return await subscribers.list_timeline(connection, actor.tenant_id, subscriber_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, TimelineAnswer.model_validate, _when)


def _when(line: TimelineLine) -> list[object]:
    return [line.at.isoformat(), line.id]
