"""The verbs on a real database: what each writes, what each refuses."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from cloud.db.engine import Database
from cloud.db.fleet import raise_epoch
from cloud.domain.plan import PlanTerms
from cloud.ids import new_id
from cloud.services.books import list_payments
from cloud.services.desired import render_site
from cloud.services.errors import AlreadyExists, Invalid, NotFound, PoolExhausted, Refusal, WrongState
from cloud.services.imports import ImportRow, import_subscribers
from cloud.services.plans import add_plan, add_plan_version, get_plan, list_plans
from cloud.services.sites import add_site, get_site, list_sites
from cloud.services.subscribers import list_subscribers, list_timeline
from cloud.services.subscriptions import get_subscription, list_subscriptions, pause, resume, terminate
from cloud.services.take_payment import take_cash
from protocol.digest import EMPTY, digest_of
from protocol.entitlement import parse_row
from protocol.sealing import context, new_sealing_key, unseal
from tests.support.world import DAY, NOW, PRICE, World, add_agent, make_world


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database)


def rows_of(world: World, count: int, **other: Any) -> list[ImportRow]:
    return [
        ImportRow(
            **({"name": f"S{n}", "phone": f"07{n:08d}", "plan_id": world.plan.id, "site_id": world.site.id} | other),
            username=f"u{n}",
            password=f"pw{n}",
            valid_until=NOW + DAY,
        )
        for n in range(count)
    ]


async def bring(world: World, rows: list[ImportRow]) -> list[Any]:
    async with world.database.tenant(world.tenant_id) as connection:
        return await import_subscribers(connection, world.act, world.tenant_id, rows)


async def desired(world: World) -> list[str]:
    async with world.database.worker() as connection:
        return list((await connection.execute(text("select row from desired_row"))).scalars())


async def test_an_import_makes_subscribers_with_addresses_and_one_generation(world: World) -> None:
    made = await bring(world, rows_of(world, 120))
    assert len({one.account_number for one in made}) == len({one.address for one in made}) == 120
    assert made[0].address == "100.64.0.2"
    rows = await desired(world)
    async with world.database.tenant(world.tenant_id) as connection:
        site = await get_site(connection, world.tenant_id, world.site.id)
        shown = await list_subscriptions(connection, world.tenant_id, now=NOW, limit=200)
    assert (site.generation, site.digest) == (1, digest_of(rows))
    assert {view.verdict.state for view in shown} == {"current"}
    agent = await world.scalar("select name from agent")
    entitlement = parse_row(rows[0])
    bound_to = context(agent, entitlement.id)
    password = unseal(entitlement.credential.sealed, private=world.sealing_private, bound_to=bound_to)
    assert password == "pw" + entitlement.username[1:]


async def test_an_import_with_one_bad_row_changes_nothing(world: World) -> None:
    rows = rows_of(world, 5)
    for wrong, refusal in [
        (replace(rows[4], phone="12"), Invalid),
        (replace(rows[4], phone="0700000000"), AlreadyExists),
        (replace(rows[4], username="u0"), AlreadyExists),
        (replace(rows[4], username="has space"), Invalid),
        (replace(rows[4], name="\x00"), Invalid),
        (replace(rows[4], plan_id=new_id()), NotFound),
        (replace(rows[4], site_id=new_id()), NotFound),
    ]:
        with pytest.raises(refusal):
            await bring(world, [*rows[:4], wrong])
    assert await world.scalar("select count(*) from subscriber") == 0
    assert await world.scalar("select generation from site") == 0


async def test_a_full_pool_says_so(world: World) -> None:
    async with world.database.tenant(world.tenant_id) as connection:
        small = await add_site(connection, world.act, world.tenant_id, name="Small", pool="10.9.0.0/29")
    with pytest.raises(PoolExhausted, match="larger pool"):
        await bring(world, rows_of(world, 6, site_id=small.id))
    assert len(await bring(world, rows_of(world, 5, site_id=small.id))) == 5


async def test_two_subscriptions_at_once_never_share_an_address(world: World) -> None:
    people = [await world.subscriber(f"S{n}") for n in range(6)]
    made = await asyncio.gather(*(world.subscription(one.id, f"s{n}") for n, one in enumerate(people)))
    assert len({one.address for one in made}) == 6
    assert await world.scalar("select generation from site") == 6


async def test_a_site_without_an_agent_is_rendered_when_one_enrols(database: Database) -> None:
    world = await make_world(database, with_agent=False)
    await bring(world, rows_of(world, 3))
    assert await desired(world) == []
    for installation in range(2):
        private = new_sealing_key()
        async with database.worker() as connection:
            await connection.execute(text("update agent set state = 'revoked'"))
        await add_agent(database, world.tenant_id, world.site.id, private)
        async with database.worker() as connection:
            generation = await render_site(connection, world.act, world.tenant_id, world.site.id)
        assert generation == installation + 1
        rows = await desired(world)
        assert await world.scalar("select digest from site") == digest_of(rows) != EMPTY
        agent = await world.scalar("select name from agent where state = 'active'")
        entitlement = parse_row(rows[0])
        assert unseal(entitlement.credential.sealed, private=private, bound_to=context(agent, entitlement.id))


async def test_an_epoch_only_grows(world: World) -> None:
    async with world.database.worker() as connection:
        assert await raise_epoch(connection, world.tenant_id, world.site.id, 0) == 2
        assert await raise_epoch(connection, world.tenant_id, world.site.id, 9) == 10
        assert await raise_epoch(connection, world.tenant_id, world.site.id, 0) == 11
        with pytest.raises(NoResultFound):
            await raise_epoch(connection, world.tenant_id, new_id(), 0)


async def test_pause_and_resume_switch_the_site_and_keep_the_time(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id, valid_until=NOW + DAY)
    async with world.database.tenant(world.tenant_id) as connection:
        off = await pause(connection, world.act, world.tenant_id, made.id)
    assert (off.verdict.state, off.verdict.reason, off.desired_generation) == ("off", "paused by staff", 2)
    assert parse_row((await desired(world))[0]).service == "off"
    later = world.at(NOW + 5 * DAY)
    async with world.database.tenant(world.tenant_id) as connection:
        with pytest.raises(WrongState, match="paused already"):
            await pause(connection, later, world.tenant_id, made.id)
        on = await resume(connection, later, world.tenant_id, made.id)
    assert (on.verdict.state, on.valid_until) == ("current", NOW + 6 * DAY)
    async with world.database.tenant(world.tenant_id) as connection:
        gone = await terminate(connection, later, world.tenant_id, made.id)
        with pytest.raises(WrongState, match="terminated"):
            await resume(connection, later, world.tenant_id, made.id)
    assert (gone.verdict.state, gone.lifecycle) == ("off", "terminated")
    actions = await world.scalar("select array_agg(action order by id) from audit where action like 'subscription%'")
    assert set(actions) == {
        "subscription.add",
        "subscription.paused",
        "subscription.resumed",
        "subscription.terminated",
    }


async def test_cash_is_booked_audited_and_connects(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    async with world.database.tenant(world.tenant_id) as connection:
        act, ids = world.act, (world.tenant_id, person.id)
        taken = await take_cash(connection, act, *ids, amount_cents=PRICE, note="at the shop")
        with pytest.raises(NotFound):
            await take_cash(connection, world.act, world.tenant_id, new_id(), amount_cents=PRICE)
    assert (taken.outcome, len(taken.sales)) == ("posted", 1)
    assert (await world.see(made.id)).verdict.state == "current"
    assert (await world.books()).accounts == {"cash_drawer": PRICE, "revenue": -PRICE, "subscriber": 0}
    assert await world.scalar("select staff_id from audit where action = 'payment.cash'") == world.act.staff_id


async def test_credit_buys_the_first_period_of_a_new_subscription(world: World) -> None:
    person = await world.subscriber()
    async with world.database.tenant(world.tenant_id) as connection:
        await take_cash(connection, world.act, world.tenant_id, person.id, amount_cents=PRICE)
    made = await world.subscription(person.id)
    assert (made.verdict.state, made.valid_until) == ("current", NOW + timedelta(days=30))


async def test_a_new_price_is_for_new_subscriptions_only(world: World) -> None:
    person = await world.subscriber()
    old = await world.subscription(person.id, "old")
    dearer = PlanTerms(2 * PRICE, 86_400, 1_000_000, 1_000_000)
    async with world.database.tenant(world.tenant_id) as connection:
        plan = await add_plan_version(connection, world.act, world.tenant_id, world.plan.id, dearer)
    new = await world.subscription(person.id, "new")
    assert (plan.version, plan.price_cents) == (2, 2 * PRICE)
    assert (old.missing_cents, new.missing_cents) == (PRICE, 2 * PRICE)
    assert (await world.see(old.id)).missing_cents == PRICE


async def test_names_that_are_taken_and_things_that_are_not_there_are_refused(world: World) -> None:
    tenant_id, act = world.tenant_id, world.act
    offer = PlanTerms(1, 1, 1_000, 1_000)
    for refused, deed in [
        (AlreadyExists, lambda c: add_site(c, act, tenant_id, name="Kilimo tower", pool="10.0.0.0/24")),
        (Invalid, lambda c: add_site(c, act, tenant_id, name="X", pool="10.0.0.1/24")),
        (NotFound, lambda c: add_site(c, act, tenant_id, name="X", pool="10.0.0.0/24", group_id=new_id())),
        (AlreadyExists, lambda c: add_plan(c, act, tenant_id, name="Home 5M", offer=offer)),
        (NotFound, lambda c: get_plan(c, tenant_id, new_id())),
        (NotFound, lambda c: add_plan_version(c, act, tenant_id, new_id(), offer)),
        (NotFound, lambda c: get_subscription(c, tenant_id, new_id(), now=NOW)),
        (NotFound, lambda c: pause(c, act, tenant_id, new_id())),
        (NotFound, lambda c: list_timeline(c, tenant_id, new_id(), limit=1)),
    ]:
        with pytest.raises(refused) as caught:
            async with world.database.tenant(tenant_id) as connection:
                await deed(connection)
        assert isinstance(caught.value, Refusal)
        assert str(caught.value).count(".") >= 2


async def test_pages_follow_one_another(world: World) -> None:
    await bring(world, rows_of(world, 7))
    seen: list[Any] = []
    async with world.database.tenant(world.tenant_id) as connection:
        while page := await list_subscribers(connection, world.tenant_id, limit=3, after=seen[-1].id if seen else None):
            seen += page
    assert [one.name for one in seen] == [f"S{n}" for n in range(7)]
    assert seen[0].phones == ["254700000000"]


async def test_another_tenants_ids_are_not_there(world: World) -> None:
    other = await make_world(world.database, slug="other")
    person = await world.subscriber()
    made = await world.subscription(person.id)
    tenant_id, act = other.tenant_id, other.act
    for deed in [
        lambda c: get_site(c, tenant_id, world.site.id),
        lambda c: get_plan(c, tenant_id, world.plan.id),
        lambda c: get_subscription(c, tenant_id, made.id, now=NOW),
        lambda c: terminate(c, act, tenant_id, made.id),
        lambda c: take_cash(c, act, tenant_id, person.id, amount_cents=PRICE),
        lambda c: list_timeline(c, tenant_id, person.id, limit=1),
        lambda c: get_subscription(c, world.tenant_id, made.id, now=NOW),
    ]:
        async with world.database.tenant(tenant_id) as connection:
            with pytest.raises(NotFound):
                await deed(connection)
    async with world.database.tenant(tenant_id) as connection:
        assert await list_payments(connection, world.tenant_id, limit=5) == []
        assert [site.id for site in await list_sites(connection, tenant_id, limit=5)] == [other.site.id]
        assert [plan.id for plan in await list_plans(connection, tenant_id, limit=5)] == [other.plan.id]
