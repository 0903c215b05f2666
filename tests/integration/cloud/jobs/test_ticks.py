"""The daily tick on a real database: what has a retention goes, and nothing else."""

from datetime import timedelta

import pytest

from cloud.db.engine import Database
from cloud.ids import random_below
from cloud.jobs.ticks import ForgetTick
from cloud.ports import Clock
from cloud.services import idempotency
from cloud.services.idempotency import KEPT_FOR, Answer, Idempotency, Request
from tests.support.clocks import SetClock
from tests.support.world import NOW, World, make_world


async def keep(world: World, clock: Clock, key: str) -> Answer:
    """Send a request with a key."""

    async def work(_connection: object) -> Answer:
        return Answer(201, {"at": clock.now().isoformat()})

    asked = Request(world.tenant_id, "POST", "/v1/sites", b"{}")
    return await Idempotency(world.database, clock).once(world.tenant_id, key, asked, work)


async def test_answers_kept_for_repeated_requests_are_forgotten_after_their_retention(database: Database) -> None:
    worlds = [await make_world(database, slug="one"), await make_world(database, slug="two", with_agent=False)]
    clock = SetClock(NOW)
    for world in worlds:
        await keep(world, clock, "old-key-1")
    clock.move(timedelta(days=1))
    for world in worlds:
        await keep(world, clock, "new-key-1")
    tick = ForgetTick(database, clock=clock, random_below=random_below)
    clock.move(KEPT_FOR - timedelta(hours=1))
    assert await tick.step() is False
    assert await worlds[0].scalar("select array_agg(distinct idempotency_key) from idempotency") == ["new-key-1"]
    for world in worlds:
        assert (await keep(world, clock, "new-key-1")).replayed
        assert not (await keep(world, clock, "old-key-1")).replayed


async def test_many_old_answers_are_forgotten_in_chunks(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.jobs.ticks.FORGET_CHUNK", 2)
    monkeypatch.setattr(idempotency, "FORGET_CHUNK", 2)
    world, clock = await make_world(database), SetClock(NOW)
    for n in range(5):
        await keep(world, clock, f"old-key-{n}")
    clock.move(KEPT_FOR + timedelta(days=1))
    tick = ForgetTick(database, clock=clock, random_below=random_below)
    assert [await tick.step() for _ in range(3)] == [True, True, False]
    assert await world.scalar("select count(*) from idempotency") == 0
