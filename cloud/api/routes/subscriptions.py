"""Subscriptions: who is served what at which site, and whether the site was read back to match."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Word
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import Once, transact
from cloud.db.engine import Connection
from cloud.services import subscriptions
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope
from cloud.services.subscriptions import SubscriptionView

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"], responses=problems(*COMMON))

Verb = Callable[[Connection, Act, UUID, UUID], Awaitable[SubscriptionView]]


class NewSubscription(Asked):
    """A subscription to be made. The password is stored encrypted and never shown again."""

    subscriber_id: Id
    plan_id: Id
    site_id: Id
    username: Word = Field(examples=["amina"])
    password: Word = Field(examples=["correct horse"])
    valid_until: AwareDatetime | None = Field(default=None, description="Paid time brought along from elsewhere.")


class SubscriptionAnswer(Answered):
    """A subscription, judged at the instant of asking.

    `missing_cents` is what must be paid before it is served again. `applied_at` and `online_at` belong to
    `desired_generation`: null until the site has reported that generation.
    """

    id: Id
    subscriber_id: Id
    site_id: Id
    plan_id: Id
    plan_version: int = Field(examples=[1])
    access: str = Field(examples=["pppoe"])
    username: str = Field(examples=["amina"])
    address: str = Field(examples=["100.64.0.2"])
    lifecycle: Literal["active", "paused", "terminated"]
    valid_until: Instant | None
    state: Literal["current", "grace", "walled", "off"]
    reason: str = Field(examples=["paid until 22 December 2026"])
    next_change_at: Instant | None
    missing_cents: int = Field(examples=[0])
    desired_generation: int | None = Field(examples=[42])
    applied_generation: int | None = Field(examples=[42])
    applied_at: Instant | None
    online_at: Instant | None
    created_at: Instant


@router.post(
    "", status_code=201, response_model=SubscriptionAnswer, responses=problems(404, 409), summary="Subscribe somebody"
)
async def add_subscription(
    once: Once, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)], body: NewSubscription
) -> JSONResponse:
    """Give a subscriber a plan at a site: he gets a fixed address, and a period at once if his credit buys it."""

    async def work(connection: Connection, act: Act) -> SubscriptionAnswer:
        return _answer(await subscriptions.create_subscription(connection, act, actor.tenant_id, **dict(body)))

    return await once(actor, work)


@router.get("", summary="List subscriptions")
async def list_subscriptions(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_READ)],
    subscriber_id: Id | None = None,
    site_id: Id | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SubscriptionAnswer]:
    """List subscriptions in the order in which they were made."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, act: Act) -> list[SubscriptionView]:
        return await subscriptions.list_subscriptions(
            connection,
            actor.tenant_id,
            now=act.now,
            limit=limit + 1,
            after=after,
            subscriber_id=subscriber_id,
            site_id=site_id,
        )

    return page_of(await transact(deps, actor, work), limit, _answer, lambda one: [one.id])


@router.get("/{subscription_id}", responses=problems(404), summary="Show a subscription")
async def get_subscription(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_READ)], subscription_id: Id
) -> SubscriptionAnswer:
    """Show a subscription."""

    async def work(connection: Connection, act: Act) -> SubscriptionView:
        return await subscriptions.get_subscription(connection, actor.tenant_id, subscription_id, now=act.now)

    return _answer(await transact(deps, actor, work))


@router.post(
    "/{subscription_id}/pause", response_model=SubscriptionAnswer, responses=problems(404, 409), summary="Pause"
)
async def pause_subscription(
    once: Once, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)], subscription_id: Id
) -> JSONResponse:
    """Stop the service and keep what is left of the paid time."""
    return await _do(once, actor, subscription_id, subscriptions.pause)


@router.post(
    "/{subscription_id}/resume", response_model=SubscriptionAnswer, responses=problems(404, 409), summary="Resume"
)
async def resume_subscription(
    once: Once, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)], subscription_id: Id
) -> JSONResponse:
    """Go on with the paid time that was left."""
    return await _do(once, actor, subscription_id, subscriptions.resume)


@router.post(
    "/{subscription_id}/terminate", response_model=SubscriptionAnswer, responses=problems(404, 409), summary="Terminate"
)
async def terminate_subscription(
    once: Once, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)], subscription_id: Id
) -> JSONResponse:
    """End a subscription for good."""
    return await _do(once, actor, subscription_id, subscriptions.terminate)


async def _do(once: Once, actor: Actor, subscription_id: UUID, verb: Verb) -> JSONResponse:
    async def work(connection: Connection, act: Act) -> SubscriptionAnswer:
        return _answer(await verb(connection, act, actor.tenant_id, subscription_id))

    return await once(actor, work, status=200)


def _answer(view: SubscriptionView) -> SubscriptionAnswer:
    verdict = view.verdict
    judged = {"state": verdict.state, "reason": verdict.reason, "next_change_at": verdict.next_change_at}
    plain = set(SubscriptionAnswer.model_fields) - set(judged)
    return SubscriptionAnswer.model_validate({name: getattr(view, name) for name in plain} | judged)
