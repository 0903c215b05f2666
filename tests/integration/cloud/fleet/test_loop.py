"""The loop between cloud and site on a real database and a real broker: greeting, publishing, reports, revocation."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from cloud import ids
from cloud.clock import micros
from cloud.db.engine import Connection, Database
from cloud.db.notify import listen
from cloud.fleet.enrolment import Enroller, create_claim
from cloud.fleet.revocation import revoke_agent
from cloud.fleet.worker import FleetSettings, FleetWorker
from cloud.services.act import Act
from cloud.services.desired import render_site
from protocol import sealing
from protocol.digest import digest_of
from protocol.entitlement import parse_row
from protocol.messages import Ack, Delta, Event, Events, Gone, Held, Hello, Keys, Reported, Resync, Welcome
from protocol.signing import Signer
from tests.support.broker import CLOCK, AgentKeys, SpeakingAgent, TestBroker, connected, now, running_broker, until_up
from tests.support.world import World, make_world


class Loop:
    """A worker of the fleet, a broker, a tenant with one site, and the agent enrolled there."""

    def __init__(self, broker: TestBroker, world: World, worker: FleetWorker, agent: SpeakingAgent) -> None:
        self.broker, self.world, self.worker, self.agent = broker, world, worker, agent

    async def subscription(self, username: str) -> Any:
        subscriber = await self.world.subscriber(username)
        return await self.world.subscription(subscriber.id, username, valid_until=now() + timedelta(days=3))

    async def head(self) -> Held:
        async with self.world.database.worker() as connection:
            row = (await connection.execute(text("select epoch, generation, digest from site"))).one()
        return Held(epoch=row.epoch, generation=row.generation, digest=row.digest)

    def hello(self, held: Held | None = None, **other: Any) -> Hello:
        held = held or Held()
        return Hello(nonce="n1", agent_version="1", boot="b1", connection="c1", held=held, keys_version=1, **other)

    async def greet(self) -> Held:
        """Say hello and take the first snapshot."""
        self.agent.say(self.hello())
        await self.agent.expect(Welcome)
        manifest, _ = await self.agent.expect_snapshot()
        self.report(manifest.desired)
        return manifest.desired

    def report(self, held: Held, applied: int | None = None) -> None:
        generation = held.generation
        self.agent.say(
            Reported(
                epoch=held.epoch,
                received=generation,
                stored=generation,
                applied=generation if applied is None else applied,
                digest=held.digest,
                router_digest=held.digest,
            )
        )

    async def scalar(self, query: str) -> Any:
        return await self.world.scalar(query)

    async def until(self, query: str, wanted: Any, timeout_s: float = 3.0) -> None:
        async with asyncio.timeout(timeout_s):
            while (found := await self.scalar(query)) != wanted:
                assert found is None or found != wanted
                await asyncio.sleep(0.01)


async def enrol_at(database: Database, broker: TestBroker, world: World, keys: AgentKeys) -> SpeakingAgent:
    async with database.worker() as connection:
        claim = await create_claim(connection, world.tenant_id, world.site.id, now=now(), new_id=ids.new_id)
    answer = await make_enroller(database, broker, world).enrol(keys.request(claim.code), now())
    down = f"mnara1/{answer.shard:02d}/{answer.agent}/dn"
    link = broker.link(keys.issued(answer.certificate_pem), answer.agent, [down])
    return SpeakingAgent(link, keys, answer)


def make_enroller(database: Database, broker: TestBroker, world: World) -> Enroller:
    async def render(connection: Connection, tenant_id: Any, site_id: Any) -> int:
        return await render_site(connection, Act(now(), ids.new_id, world.act.secrets), tenant_id, site_id)

    address = ("127.0.0.1", broker.port)
    return Enroller(database, world.act.secrets, broker.authority, address, ids.new_id, render)


@pytest_asyncio.fixture
async def loop(database: Database, database_url: str) -> AsyncIterator[Loop]:
    world = await make_world(database, with_agent=False)
    async with running_broker() as broker:
        agent = await enrol_at(database, broker, world, AgentKeys())
        address = ("127.0.0.1", broker.port)
        settings = FleetSettings(address, address, "cloud-test", None)
        worker = FleetWorker(settings, database, broker.authority, world.act.secrets, CLOCK, ids.new_id)
        notices = {channel: [call] for channel, call in worker.notices.items()}
        tasks = [
            asyncio.create_task(worker.run()),
            asyncio.create_task(listen(database_url, notices, worker.missed)),
        ]
        try:
            async with connected(agent.link):
                await until_up(worker.link)
                yield Loop(broker, world, worker, agent)
        finally:
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in done), done


async def test_a_hello_is_answered_with_its_nonce_and_a_snapshot(loop: Loop) -> None:
    made = await loop.subscription("wanjiru")
    loop.agent.say(loop.hello())
    welcome = await loop.agent.expect(Welcome)
    assert welcome.nonce == "n1"
    manifest, rows = await loop.agent.expect_snapshot()
    assert manifest.desired == welcome.desired == await loop.head()
    assert manifest.desired.digest == digest_of(rows)
    [row] = [parse_row(row) for row in rows]
    assert row.id == str(made.id)
    bound_to = sealing.context(loop.agent.answer.agent, row.id)
    assert sealing.unseal(row.credential.sealed, private=loop.agent.keys.sealing, bound_to=bound_to) == "secret"


async def test_a_change_goes_out_as_a_delta_from_what_was_sent_before(loop: Loop) -> None:
    held = await loop.greet()
    await loop.subscription("amina")
    first = await loop.agent.expect(Delta)
    assert (first.base, first.desired) == (held.generation, await loop.head())
    await loop.subscription("brian")  # follows at once: no report of the first is waited for
    second = await loop.agent.expect(Delta, timeout_s=0.8)
    assert second.base == first.desired.generation
    assert [parse_row(row).username for row in second.upserts] == ["brian"]


async def test_a_change_is_sent_again_until_it_is_reported_as_applied(loop: Loop) -> None:
    await loop.greet()
    await loop.subscription("amina")
    delta = await loop.agent.expect(Delta)
    again = await loop.agent.expect(Delta)
    assert again.desired == delta.desired
    assert again.upserts == delta.upserts
    loop.report(delta.desired, applied=delta.base)
    stored = await loop.agent.expect(Delta, timeout_s=6.0)
    assert stored.upserts == []  # what it has stored is not sent again, it is only asked to report
    loop.report(delta.desired)
    await loop.until("select applied from agent_report", delta.desired.generation)
    assert await loop.agent.hears_nothing(1.0)


async def test_an_agent_that_doubts_its_rows_gets_a_snapshot(loop: Loop) -> None:
    held = await loop.greet()
    loop.agent.say(Resync(held=held, reason="digest", snapshot=True))
    manifest, _ = await loop.agent.expect_snapshot()
    assert manifest.desired == held


async def test_a_wrong_digest_at_the_right_generation_brings_a_snapshot(loop: Loop) -> None:
    held = await loop.greet()
    loop.report(held.model_copy(update={"digest": "1" * 64}), applied=0)
    manifest, _ = await loop.agent.expect_snapshot()
    assert manifest.desired == held


async def test_an_agent_ahead_of_a_restored_database_begins_a_new_epoch(loop: Loop) -> None:
    held = await loop.greet()
    ahead = Held(epoch=held.epoch, generation=held.generation + 7, digest="2" * 64)
    loop.agent.say(loop.hello(ahead))
    welcome = await loop.agent.expect(Welcome)
    assert welcome.desired.epoch == held.epoch + 1
    manifest, _ = await loop.agent.expect_snapshot()
    assert manifest.desired.epoch == held.epoch + 1


async def test_a_new_key_list_goes_to_whoever_has_an_older_one(loop: Loop) -> None:
    loop.agent.say(loop.hello().model_copy(update={"keys_version": 0}))
    assert (await loop.agent.expect(Keys)).version == 1


def event(number: int, kind: str, subscription: Any, **data: Any) -> Event:
    id_ = str(subscription.id) if subscription is not None else None
    return Event(number=number, kind=kind, at=micros(now()), quality="trusted", entitlement=id_, data=data)


async def test_events_are_taken_once_and_acknowledged_after_the_commit(loop: Loop) -> None:
    made = await loop.subscription("wanjiru")
    held = await loop.greet()
    batch = Events(
        events=[
            event(1, "applied", made, generation=held.generation, access="full"),
            event(2, "online", made, generation=held.generation),
            event(3, "clock", None, quality="ntp"),
        ]
    )
    for _ in range(2):
        loop.agent.say(batch)
        ack = await loop.agent.expect(Ack)
        assert (ack.upto, ack.refused) == (3, [])
    told = "select count(*) from timeline where kind in ('applied', 'online')"
    assert await loop.scalar(told) == 2
    assert await loop.scalar("select count(*) from agent_event") == 3
    assert await loop.scalar("select applied_generation from desired_row") == held.generation
    assert await loop.scalar("select applied_access from desired_row") == "full"
    assert await loop.scalar("select online_at is not null from desired_row")
    assert await loop.scalar("select (data->>'at_us')::bigint > 0 from timeline where kind = 'applied'")


async def test_a_batch_that_leaves_a_gap_is_not_acknowledged(loop: Loop) -> None:
    await loop.greet()
    loop.agent.say(Events(events=[event(5, "clock", None)]))
    assert await loop.agent.hears_nothing()
    loop.agent.say(Events(events=[event(number, "clock", None) for number in range(1, 6)]))
    assert (await loop.agent.expect(Ack)).upto == 5


async def test_an_event_that_can_never_be_stored_is_settled_and_named(loop: Loop) -> None:
    await loop.greet()
    batch = [event(1, "drift", None, text="a\0b"), event(2, "drift", None, text="x" * 5000), event(3, "drift", None)]
    loop.agent.say(Events(events=batch))
    ack = await loop.agent.expect(Ack)
    assert (ack.upto, ack.refused) == (3, [1, 2])


@pytest.mark.parametrize("what", ["forged", "replayed", "foreign installation", "garbage"])
async def test_what_is_forged_replayed_or_foreign_changes_nothing(loop: Loop, what: str) -> None:
    held = await loop.greet()
    await loop.until("select applied from agent_report", held.generation)
    lie = Reported(epoch=9, received=9, stored=9, applied=9, digest="9" * 64, router_digest="9" * 64)
    frames = {
        "forged": lambda: loop.agent.frame(lie, signer=Signer.generate()),
        "replayed": lambda: loop.agent.frame(lie, sequence=5),
        "foreign installation": lambda: loop.agent.frame(lie, installation="i-other"),
        "garbage": lambda: b"mnara1 - x y\n{}",
    }
    loop.agent.link.publish(loop.agent.up, frames[what]())
    await asyncio.sleep(0.2)
    assert await loop.scalar("select epoch from agent_report") == held.epoch


async def test_a_revoked_agent_is_refused_in_the_same_instant(loop: Loop) -> None:
    held = await loop.greet()
    await loop.until("select applied from agent_report", held.generation)
    agent_id = await loop.scalar("select id from agent")
    async with loop.world.database.tenant(loop.world.tenant_id) as connection:
        asked = (connection, loop.world.tenant_id, agent_id)
        staff_id = ids.new_id()
        revoked = await revoke_agent(*asked, reason="stolen", now=now(), new_id=ids.new_id, staff_id=staff_id)
        assert revoked == loop.agent.answer.agent
    assert await loop.scalar("select staff_id from audit where action = 'agent.revoked'") == staff_id
    loop.agent.say(Reported(epoch=9, received=9, stored=9, applied=9, digest="9" * 64, router_digest="9" * 64))
    loop.agent.say(Events(events=[event(1, "clock", None)]))
    assert await loop.agent.hears_nothing()
    assert await loop.scalar("select epoch from agent_report") == held.epoch
    assert await loop.scalar("select count(*) from agent_event") == 0


async def test_a_will_counts_only_for_the_present_connection(loop: Loop) -> None:
    await loop.greet()
    await loop.until("select connection from agent", "c1")
    loop.agent.link.publish(loop.agent.will, loop.agent.frame(Gone(connection="c0")))
    await asyncio.sleep(0.2)
    assert await loop.scalar("select connection from agent") == "c1"
    loop.agent.link.publish(loop.agent.will, loop.agent.frame(Gone(connection="c1")))
    await loop.until("select connection is null from agent", True)


async def test_an_agent_cannot_speak_of_another_sites_subscription(loop: Loop) -> None:
    await loop.subscription("wanjiru")
    await loop.greet()
    foreign = event(1, "applied", None, generation=1).model_copy(update={"entitlement": str(ids.new_id())})
    loop.agent.say(Events(events=[foreign]))
    await loop.agent.expect(Ack)
    assert await loop.scalar("select count(*) from timeline where kind = 'applied'") == 0


async def test_a_committed_change_is_on_the_wire_within_milliseconds(loop: Loop) -> None:
    held = await loop.greet()
    await loop.until("select applied from agent_report", held.generation)
    waits = []
    for number in range(30):
        subscriber = await loop.world.subscriber(f"s{number}")
        await asyncio.sleep(0.01)
        await loop.world.subscription(subscriber.id, f"s{number}", valid_until=now() + timedelta(days=3))
        began = time.perf_counter()
        delta = await loop.agent.expect(Delta)
        waits.append((time.perf_counter() - began) * 1e3)
        loop.report(delta.desired)
    print(f"commit to delivery: p50 {statistics.median(waits):.1f} ms, max {max(waits):.1f} ms")
    assert statistics.median(waits) < 25  # some 4 ms on an idle machine
