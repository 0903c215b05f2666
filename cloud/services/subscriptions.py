"""Subscriptions: one subscriber's right to a plan at a site, from the first day to the last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from cloud.db import network as rows
from cloud.db.engine import Connection
from cloud.db.wallets import Key, lock_wallets, to_subscription
from cloud.domain.overdue import Overdue, OverdueState, judge
from cloud.domain.prepaid import missing_cents
from cloud.domain.subscription import Lifecycle, Subscription, WrongLifecycle
from cloud.domain.subscription import pause as paused
from cloud.domain.subscription import resume as resumed
from cloud.domain.subscription import terminate as terminated
from cloud.services.act import Act
from cloud.services.errors import NotFound, WrongState
from cloud.services.plans import get_plan
from cloud.services.provision import Draft, place
from cloud.services.settlement import Settlement, write


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A subscription as staff sees it, judged at the instant of asking.

    missing_cents: what has to be paid before it is served again; 0 while it is. applied_at and online_at belong to
    `desired_generation`: None until the site has reported that very generation.
    """

    id: UUID
    subscriber_id: UUID
    site_id: UUID
    plan_id: UUID
    plan_version: int
    access: str
    username: str
    address: str
    lifecycle: Lifecycle
    valid_until: datetime | None
    verdict: Overdue
    missing_cents: int
    desired_generation: int | None
    applied_generation: int | None
    applied_access: str | None
    applied_at: datetime | None
    online_at: datetime | None
    created_at: datetime


async def create_subscription(
    connection: Connection,
    act: Act,
    tenant_id: UUID,
    *,
    subscriber_id: UUID,
    plan_id: UUID,
    site_id: UUID,
    username: str,
    password: str,
    valid_until: datetime | None = None,
) -> SubscriptionView:
    """Subscribe somebody: he gets a fixed address, and his first period at once if his credit holds its price."""
    key = (tenant_id, subscriber_id)
    held, _ = await lock_wallets(connection, [key])
    if not held:
        raise NotFound("There is no such subscriber. Look the id up in the list of subscribers.")
    plan = await get_plan(connection, tenant_id, plan_id)
    draft = Draft(act.new_id(), subscriber_id, plan, site_id, username, password, valid_until)
    [placed] = await place(connection, act, tenant_id, [draft])
    held, _ = await lock_wallets(connection, [key])
    settlement = Settlement(act, held)
    settlement.put(key, placed.subscription)
    settlement.note(key, "subscribed", {"plan": plan.name, "username": username}, about=draft.id)
    settlement.audited(tenant_id, "subscription.add", ("subscription", draft.id), after={"plan_id": str(plan_id)})
    settlement.renew(key)
    await write(connection, act, settlement)
    return await get_subscription(connection, tenant_id, draft.id, now=act.now)


async def pause(connection: Connection, act: Act, tenant_id: UUID, subscription_id: UUID) -> SubscriptionView:
    """Stop the service and keep what is left of the paid time."""
    return await _change(connection, act, tenant_id, subscription_id, "paused", partial(paused, now=act.now))


async def resume(connection: Connection, act: Act, tenant_id: UUID, subscription_id: UUID) -> SubscriptionView:
    """Go on with the paid time that was left."""
    return await _change(connection, act, tenant_id, subscription_id, "resumed", partial(resumed, now=act.now))


async def terminate(connection: Connection, act: Act, tenant_id: UUID, subscription_id: UUID) -> SubscriptionView:
    """End it for good; its money stays in the books, its row at the site stays switched off."""
    return await _change(connection, act, tenant_id, subscription_id, "terminated", terminated)


async def get_subscription(
    connection: Connection, tenant_id: UUID, subscription_id: UUID, *, now: datetime
) -> SubscriptionView:
    """Return one subscription, judged at `now`."""
    found = await rows.read_subscriptions(connection, tenant_id, limit=1, subscription_id=subscription_id)
    if not found:
        raise NotFound("There is no such subscription. Look its id up in the list of subscriptions.")
    return _view(found[0], now)


async def list_subscriptions(
    connection: Connection,
    tenant_id: UUID,
    *,
    now: datetime,
    limit: int,
    after: UUID | None = None,
    subscriber_id: UUID | None = None,
    site_id: UUID | None = None,
) -> list[SubscriptionView]:
    """List subscriptions after `after`, in the order in which they were made, judged at `now`."""
    found = await rows.read_subscriptions(
        connection, tenant_id, limit=limit, after=after, subscriber_id=subscriber_id, site_id=site_id
    )
    return [_view(row, now) for row in found]


async def _change(
    connection: Connection,
    act: Act,
    tenant_id: UUID,
    subscription_id: UUID,
    kind: str,
    verb: Callable[[Subscription], Subscription],
) -> SubscriptionView:
    """Apply a rule to one subscription under its subscriber's lock, and write all that follows from it."""
    key = await _owner(connection, tenant_id, subscription_id)
    held, _ = await lock_wallets(connection, [key])
    settlement = Settlement(act, held)
    old = next((one for one in held[key].wallet.subscriptions if one.id == subscription_id), None)
    if old is None:
        raise WrongState("It is terminated already. Make a new subscription instead.")
    try:
        new = verb(old)
    except WrongLifecycle as error:
        raise WrongState(str(error)) from error
    settlement.put(key, new)
    settlement.note(key, kind, {}, about=subscription_id)
    before, after = {"lifecycle": old.lifecycle}, {"lifecycle": new.lifecycle}
    about = ("subscription", subscription_id)
    settlement.audited(tenant_id, f"subscription.{kind}", about, before=before, after=after)
    settlement.renew(key)
    await write(connection, act, settlement)
    return await get_subscription(connection, tenant_id, subscription_id, now=act.now)


async def _owner(connection: Connection, tenant_id: UUID, subscription_id: UUID) -> Key:
    found = await rows.read_subscriptions(connection, tenant_id, limit=1, subscription_id=subscription_id)
    if not found:
        raise NotFound("There is no such subscription. Look its id up in the list of subscriptions.")
    return tenant_id, found[0].subscriber_id


def _view(row: Any, now: datetime) -> SubscriptionView:
    subscription = to_subscription(row)
    verdict = judge(subscription, now)
    walled = verdict.state in (OverdueState.WALLED, OverdueState.GRACE)
    reported = row.desired_generation is not None and (row.applied_generation or -1) >= row.desired_generation
    return SubscriptionView(
        id=row.id,
        subscriber_id=row.subscriber_id,
        site_id=row.site_id,
        plan_id=row.plan_id,
        plan_version=row.plan_version,
        access=row.access,
        username=row.username,
        address=row.address,
        lifecycle=subscription.lifecycle,
        valid_until=row.valid_until,
        verdict=verdict,
        missing_cents=missing_cents(subscription, row.balance_cents) if walled else 0,
        desired_generation=row.desired_generation,
        applied_generation=row.applied_generation,
        applied_access=row.applied_access,
        applied_at=row.applied_at if reported else None,
        online_at=row.online_at if reported else None,
        created_at=row.created_at,
    )
