"""Any sequence of payments, duplicates, assignments, pauses and ticks leaves honest books."""

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from cloud.db.engine import Database
from cloud.ids import new_id, random_below
from cloud.jobs.poster import Poster
from cloud.jobs.ticks import DueTick
from cloud.services.suspense import assign, list_suspense
from protocol.digest import digest_of
from protocol.entitlement import parse_row
from tests.support.books import RULES
from tests.support.clocks import SetClock
from tests.support.world import NOW, PRICE, JsonRail, World, body, make_world


async def assert_rules(world: World) -> None:
    for broken, query in RULES.items():
        assert not await world.scalar(query), broken
    async with world.database.worker() as connection:
        rows = list((await connection.execute(text("select row from desired_row"))).scalars())
    assert await world.scalar("select digest from site") == digest_of(rows)
    for entitlement in map(parse_row, rows):
        until = await world.scalar(f"select valid_until from subscription where id = '{entitlement.id}'")
        expected = 0 if until is None else round(until.timestamp() * 1_000_000)
        assert entitlement.valid_until == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_books_hold_whatever_happens(database: Database, seed: int) -> None:
    chance, world, clock = random.Random(seed), await make_world(database), SetClock(NOW)
    means = {"secrets": world.act.secrets, "clock": clock, "new_id": new_id, "random_below": random_below}
    posters = [Poster(database, rails={"mpesa": JsonRail()}, **means) for _ in range(2)]
    tick = DueTick(database, **means)
    people = [await world.subscriber(f"S{n}", phones=[f"071234567{n}"]) for n in range(4)]
    for n, person in enumerate(people):
        await world.subscription(person.id, f"s{n}")
    said: dict[str, bytes] = {}
    for step in range(30):
        for _ in range(chance.randrange(4)):
            receipt = f"R{step}" if chance.random() < 0.7 or not said else chance.choice(list(said))
            amount = chance.choice([PRICE, PRICE - 100, 100, 2 * PRICE, 7])
            reference = chance.choice([one.account_number for one in people] + ["", "nobody", "0712345671", "s2"])
            said.setdefault(receipt, body(receipt, amount, reference, payer_key=chance.choice(["", "254799999999"])))
            raw = said[receipt] if chance.random() < 0.9 else body(receipt, amount + 1, reference)
            await world.receive(raw)
        await asyncio.gather(*(poster.step() for poster in posters), return_exceptions=True)
        if chance.random() < 0.3:
            await assign_any(world, chance, people[chance.randrange(4)].id)
        if chance.random() < 0.3:
            clock.move(timedelta(days=chance.randrange(40)))
            await tick.step()
        await assert_rules(world)
    while await world.scalar("select count(*) from callback where state = 'new'"):
        await posters[0].step()
    await assert_rules(world)
    paid = await world.scalar("select sum(amount_cents) from payment")
    assert (await world.books()).accounts["mpesa_clearing"] == paid


async def assign_any(world: World, chance: random.Random, subscriber_id: object) -> None:
    """Assign one open payment twice at the same time."""
    async with world.database.tenant(world.tenant_id) as connection:
        waiting = await list_suspense(connection, world.tenant_id, limit=50)
    if not waiting:
        return
    chosen = chance.choice(waiting).payment.payment_id

    async def once() -> str:
        async with world.database.tenant(world.tenant_id) as connection:
            said = {"subscriber_id": subscriber_id, "reason": "he called"}
            return (await assign(connection, world.act, world.tenant_id, chosen, **said)).outcome

    assert sorted(await asyncio.gather(once(), once())) == ["duplicate", "posted"]
