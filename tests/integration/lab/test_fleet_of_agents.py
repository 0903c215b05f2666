"""A fleet of simulated agents against the real cloud: enrolled, told, dropped, back, and coming back as the same."""

import json
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Sized
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cloud.db.secrets import SecretBox
from cloud.fleet.ca_store import open_authority, open_secret_key, tls_context
from cloud.fleet.link import Link, LinkSettings
from lab.clock import SystemClock
from lab.cloud_door import CloudDoor
from lab.control import open_door
from lab.door import Door
from lab.errors import LabError
from lab.fleet.control import Control
from lab.fleet.enrolling import Recruiter
from lab.fleet.fleet import Fleet
from lab.fleet.identity import load_all
from lab.processes import Program, argv_of, free_port, run_for_json
from lab.waiting import until
from protocol.codec import encode
from protocol.envelope import Envelope
from protocol.messages import Delta, Held
from protocol.signing import Signer
from protocol.topics import topic
from tests.support.broker import CLOCK, connected, now

AGENTS = 50


class Cloud:
    """The cloud as its user starts it, with the embedded servers, and a tenant in it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.port, self.enrol_port, self.broker_port = free_port(), free_port(), free_port()
        self.env = {
            "MNARA_CLOUD_DATA_DIR": str(base / "cloud"), "MNARA_CLOUD_HTTP_PORT": str(self.port),
            "MNARA_CLOUD_ENROL_PORT": str(self.enrol_port), "MNARA_CLOUD_BROKER_PORT": str(self.broker_port),
            "MNARA_CLOUD_PUBLIC_HOST": "127.0.0.1", "MNARA_CLOUD_DATABASE_URL": "", "MNARA_CLOUD_BROKER_URL": "",
        }  # fmt: skip
        self.program = Program("cloud", [*argv_of("mnara-cloud"), "serve"], folder=base, env=self.env)
        self.door = CloudDoor(f"http://127.0.0.1:{self.port}")

    async def start(self) -> None:
        await self.program.start()
        await until("the cloud", self.door.is_ready, bool, limit_s=60)
        argv = [*argv_of("mnara-cloud"), "tenant", "add", "load", "--name", "Load Net", "--owner", "o@load.example"]
        self.door.token = str((await run_for_json(argv, env=self.env))["token"])

    def broker_link(self) -> Link:
        """A connection to the broker as one of the cloud's processes: what an intruder would have."""
        folder = self.base / "cloud"
        authority = open_authority(folder, SecretBox([open_secret_key(folder)]), now())
        issued = authority.issue_cloud_client("intruder", now())
        tls = tls_context(issued, server=False, trusted_pem=authority.agents.pem)
        settings = LinkSettings("127.0.0.1", self.broker_port, "intruder", tls, ["mnara1/+/+/lw"])
        return Link(settings, CLOCK, random.Random(1))

    async def subscribe(self, site_id: str, username: str) -> dict[str, Any]:
        """A subscriber with a paid subscription at a site."""
        plans = await self.door.list_all("/v1/plans")
        offer = {"name": "Home 5", "price_cents": 150_000, "duration_s": 86_400, "up_bps": 10**6, "down_bps": 10**6}
        plan = plans[0] if plans else await self.door.post("/v1/plans", offer)
        subscriber = await self.door.post("/v1/subscribers", {"name": username})
        wanted = {
            "subscriber_id": subscriber["id"], "site_id": site_id, "plan_id": plan["id"], "username": username,
            "password": "secret",
        }  # fmt: skip
        return await self.door.post("/v1/subscriptions", wanted)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mnara-test-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)  # the embedded PostgreSQL runs as another user when we are root
        (Path(made) / "fleet").mkdir()
        yield Path(made)


@pytest_asyncio.fixture
async def cloud(folder: Path) -> AsyncIterator[Cloud]:
    made = Cloud(folder)
    try:
        await made.start()
        yield made
    finally:
        async with made.door:
            await made.program.stop()


async def settled(fleet: Fleet, count: int, limit_s: float = 40.0) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        return fleet.stats()

    return await until(f"{count} agents to settle", look, lambda stats: stats["settled"] == count, limit_s=limit_s)


async def converged(cloud: Cloud, site_id: str) -> dict[str, Any]:
    """Wait until the cloud knows that the site matches."""

    def good(site: dict[str, Any]) -> bool:
        reported = site["reported"] or {}
        return (site["epoch"], site["generation"], site["digest"]) == tuple(
            reported.get(name) for name in ("epoch", "applied", "router_digest")
        )

    return await until("the site to converge", lambda: cloud.door.get(f"/v1/sites/{site_id}"), good, limit_s=20)


class Story:
    """What happens to one fleet, act by act."""

    def __init__(self, cloud: Cloud, fleet: Fleet, door: Door) -> None:
        self.cloud, self.fleet, self.door = cloud, fleet, door

    async def enrol(self) -> None:
        assert await self.door.ask("count", n=AGENTS) == {"agents": AGENTS}
        stats = await settled(self.fleet, AGENTS)
        assert stats["heard"]["welcome"] >= AGENTS
        assert len({agent.identity.answer.site for agent in self.fleet.agents}) == AGENTS

    async def change(self) -> None:
        """A change of the business reaches the one it is for."""
        one, other = self.fleet.agents[7:9]
        subscription = await self.cloud.subscribe(one.identity.answer.site, "wanjiru")
        site = await converged(self.cloud, one.identity.answer.site)
        assert (list(one.desired.rows), other.desired.rows) == ([subscription["id"]], {})
        assert one.desired.held.digest == site["digest"]
        await until("the event's ack", lambda: _count(one._outbox), lambda count: count == 0, limit_s=10)

    async def drop_and_return(self) -> None:
        other, before = self.fleet.agents[8], await self.door.ask("stats")
        assert await self.door.ask("drop", how="kill") == {"dropped": AGENTS}
        await until("silence", lambda: self.door.ask("stats"), lambda s: s["connected"] == 0, limit_s=10)
        changed = await self.cloud.subscribe(other.identity.answer.site, "brian")  # while nobody listens
        assert await self.door.ask("return") == {"returning": AGENTS}
        stats = await settled(self.fleet, AGENTS)
        assert stats["connects"] >= before["connects"] + AGENTS
        await converged(self.cloud, other.identity.answer.site)
        assert list(other.desired.rows) == [changed["id"]]

    async def forget(self) -> None:
        one = self.fleet.agents[7]
        [held] = one.desired.rows
        await self.door.ask("drop", n=1_000, how="goodbye", forget=True)
        assert one.desired.rows == {}
        await self.door.ask("return")
        await settled(self.fleet, AGENTS)
        assert list(one.desired.rows) == [held]

    async def pause(self) -> None:
        one = self.fleet.agents[7]
        assert await self.door.ask("pause") == {"paused": True}
        await self.cloud.subscribe(one.identity.answer.site, "otieno")
        await until("the row", lambda: _count(one.desired.rows), lambda count: count == 2, limit_s=10)
        assert one.applied < one.desired.held.generation
        await self.door.ask("pause", on=False)
        await converged(self.cloud, one.identity.answer.site)

    async def forge(self) -> None:
        """Whoever has broken into the broker can say what he wants: it changes nothing, and the cloud hears of it."""
        one = self.fleet.agents[7]
        held, answer = one.desired.held, one.identity.answer
        body = Delta(base=held.generation, desired=Held(epoch=held.epoch, generation=99, digest="0" * 64))
        envelope = Envelope(
            kind=body.kind, id="m-1", agent=answer.agent, installation=answer.installation, sequence=1, sent_at=1,
            body=body.model_dump(mode="json"),
        )  # fmt: skip
        async with connected(self.cloud.broker_link()) as link:
            link.publish(topic(answer.shard, answer.agent, "dn"), encode("down", envelope, Signer.generate()))
            await until("the refusal", lambda: _count(one._refused), lambda count: count == 1, limit_s=10)
        assert self.fleet.figures.refused == {"forged": 1}
        assert one.desired.held == held


async def test_fifty_agents_enrol_are_told_dropped_and_come_back(cloud: Cloud, folder: Path) -> None:
    fleet = Fleet(SystemClock(), random.Random(1))
    recruiter = Recruiter(cloud.door, folder / "fleet", prefix="load-")
    async with open_door(Control(fleet, recruiter).verbs, "127.0.0.1", 0) as port, Door("127.0.0.1", port) as door:
        story = Story(cloud, fleet, door)
        for act in (story.enrol, story.change, story.drop_and_return, story.forget, story.pause):
            await act()
        assert fleet.figures.refused == {}
        await story.forge()
        print(json.dumps(fleet.stats()))
        assert (await door.ask("count", n=3))["agents"] == 3
    await fleet.close()
    await recruiter.close()
    await come_back_as_the_same(folder / "fleet")
    await enrolment_refuses(cloud)


async def come_back_as_the_same(folder: Path) -> None:
    again, known = Fleet(SystemClock(), random.Random(2)), load_all(folder)
    assert len(known) == AGENTS
    for identity in known[:5]:
        again.add(identity)
    again.come()
    await settled(again, 5)
    assert again.figures.refused == {}
    await again.close()


async def enrolment_refuses(cloud: Cloud) -> None:
    """Another authority than the claim pins, and a token that opens nothing."""
    recruiter = Recruiter(cloud.door, cloud.base, prefix="load-")
    with pytest.raises(LabError, match="somebody is in between"):
        await recruiter._door(f"https://127.0.0.1:{cloud.enrol_port}", "sha256:" + "0" * 64)
    cloud.door.token = "wrong"
    with pytest.raises(LabError, match="401"):
        await recruiter.enrol(1, lambda _: None)
    await recruiter.close()


async def _count(things: Sized) -> int:
    return len(things)
