"""Give subscriptions their place at a site: a fixed address each, credentials sealed, rows in one statement."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from uuid import UUID

from cloud.db import failures
from cloud.db import network as rows
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.network import Plan
from cloud.db.tables.network import subscription as subscription_table
from cloud.domain.addresses import free_addresses
from cloud.domain.overdue import judge
from cloud.domain.plan import PlanTerms
from cloud.domain.subscription import Subscription
from cloud.services.act import Act
from cloud.services.desired import password_context
from cloud.services.errors import AlreadyExists, Invalid, NotFound, PoolExhausted

_USERNAME = re.compile(r"[\x21-\x7e]{1,64}")
_PASSWORD = re.compile(r"[\x20-\x7e]{1,64}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A subscription that is to be made. valid_until: paid time brought along from elsewhere."""

    id: UUID
    subscriber_id: UUID
    plan: Plan
    site_id: UUID
    username: str
    password: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A subscription that was made, and its address."""

    draft: Draft
    subscription: Subscription
    address: IPv4Address


async def place(connection: Connection, act: Act, tenant_id: UUID, drafts: Sequence[Draft]) -> list[Placed]:
    """Insert subscriptions of one tenant; the sites stay locked until the commit."""
    for draft in drafts:
        _check(draft)
    addresses = await _addresses(connection, tenant_id, drafts)
    placed = [Placed(draft, _subscription(draft), addresses[draft.id]) for draft in drafts]
    try:
        await run_all(connection, insert_rows(subscription_table, [_row(act, tenant_id, one) for one in placed]))
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_subscription_tenant_id_site_id_access_username":
            raise AlreadyExists("A subscription at this site has this user name. Choose another one.") from error
        raise
    return placed


async def _addresses(connection: Connection, tenant_id: UUID, drafts: Sequence[Draft]) -> dict[UUID, IPv4Address]:
    pools = await rows.lock_pools(connection, tenant_id, [draft.site_id for draft in drafts])
    given: dict[UUID, IPv4Address] = {}
    for site_id in {draft.site_id for draft in drafts}:
        if site_id not in pools:
            raise NotFound("There is no such site. Look its id up in the list of sites.")
        here = [draft for draft in drafts if draft.site_id == site_id]
        pool, used = pools[site_id]
        free = free_addresses(IPv4Network(pool), {IPv4Address(one) for one in used}, len(here))
        if len(free) < len(here):
            raise PoolExhausted(f"The site's pool {pool} has no free address left. Give the site a larger pool.")
        given |= {draft.id: address for draft, address in zip(here, free, strict=True)}
    return given


def _check(draft: Draft) -> None:
    if draft.plan.retired_at is not None:
        raise Invalid("This plan is not offered any more. Choose another one.")
    if not _USERNAME.fullmatch(draft.username):
        raise Invalid("A user name is 1 to 64 letters, digits and signs without spaces. Correct it.")
    if not _PASSWORD.fullmatch(draft.password):
        raise Invalid("A password is 1 to 64 letters, digits, signs and spaces. Correct it.")


def _subscription(draft: Draft) -> Subscription:
    plan = draft.plan
    terms = PlanTerms(plan.price_cents, plan.duration_s, plan.up_bps, plan.down_bps, plan.outage_grace_s)
    return Subscription(draft.id, terms, valid_until=draft.valid_until)


def _row(act: Act, tenant_id: UUID, placed: Placed) -> dict[str, Any]:
    draft, verdict = placed.draft, judge(placed.subscription, act.now)
    return {
        "tenant_id": tenant_id,
        "id": draft.id,
        "subscriber_id": draft.subscriber_id,
        "site_id": draft.site_id,
        "plan_id": draft.plan.id,
        "plan_version": draft.plan.version,
        "access": draft.plan.access,
        "username": draft.username,
        "password_sealed": act.secrets.seal(draft.password.encode(), password_context(draft.id)),
        "password_revision": 1,
        "address": str(placed.address),
        "lifecycle": "active",
        "valid_until": draft.valid_until,
        "overdue_state": verdict.state,
        "reason": verdict.reason,
        "next_change_at": verdict.next_change_at,
        "created_at": act.now,
    }
