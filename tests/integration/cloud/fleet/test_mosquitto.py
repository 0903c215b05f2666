"""A mosquitto set up by us keeps the same rules as the embedded broker."""

import asyncio
import getpass
import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from cloud.fleet.ca import Authority
from cloud.fleet.ca_store import tls_context
from cloud.fleet.link import Link, LinkSettings
from cloud.fleet.mosquitto import Listeners, write_configuration, write_revoked
from cloud.fleet.revocation import take_over
from tests.support.broker import CLOCK, connected, free_port, now, until, until_up

pytestmark = pytest.mark.real

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@dataclass
class Mosquitto:
    authority: Authority
    folder: Path
    agents: tuple[str, int]
    cloud: tuple[str, int]

    def agent(self, name: str, filters: list[str] | None = None, as_client: str = "") -> Link:
        issued = self.authority.agents.issue_with_key(name, now=now(), days=9)
        return self.link(self.agents, issued, as_client or name, filters or [f"mnara1/00/{name}/dn"])

    def process(self, name: str = "cloud-1", *, at: tuple[str, int] | None = None) -> Link:
        issued = self.authority.issue_cloud_client(name, now())
        return self.link(at or self.cloud, issued, name, ["mnara1/+/+/up", "mnara1/+/+/lw"])

    def link(self, at: tuple[str, int], issued: object, name: str, filters: list[str]) -> Link:
        tls = tls_context(issued, server=False, trusted_pem=self.authority.agents.pem)
        return Link(LinkSettings(*at, name, tls, filters), CLOCK, random.Random(1))


def start(program: str, conf: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([program, "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest_asyncio.fixture
async def mosquitto() -> AsyncIterator[Mosquitto]:
    if PROGRAM is None:
        pytest.fail("Debian's mosquitto is not installed. Run: apt-get install mosquitto")
    with tempfile.TemporaryDirectory() as folder:
        made = Mosquitto(
            Authority.create(now()), Path(folder) / "b", ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        )
        listeners = Listeners(made.agents, made.cloud)
        names = ["127.0.0.1"]
        given = (made.folder, made.authority, listeners)
        conf = write_configuration(*given, server_names=names, user=getpass.getuser(), now=now())
        server = start(PROGRAM, conf)
        try:
            await until(lambda: (made.folder / "mosquitto.pid").exists())
            yield made
        finally:
            server.terminate()
            server.wait(10)


async def never_up(link: Link, for_s: float = 0.6) -> None:
    task = asyncio.create_task(link.run())
    with pytest.raises(TimeoutError):
        await until_up(link, for_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_each_side_hears_what_is_meant_for_it_and_nothing_else(mosquitto: Mosquitto) -> None:
    links = connected(mosquitto.process()), connected(mosquitto.agent("a-1")), connected(mosquitto.agent("a-2"))
    async with links[0] as cloud, links[1] as one, links[2] as two:
        for topic in ("mnara1/00/a-2/up", "mnara1/00/a-2/dn", "mnara1/00/a-1/dn"):
            one.publish(topic, b"lie")
        one.publish("mnara1/00/a-1/up", b"truth")
        assert (await asyncio.wait_for(cloud.inbox.get(), 2)).payload == b"truth"
        cloud.publish("mnara1/00/a-1/dn", b"word")
        assert (await asyncio.wait_for(one.inbox.get(), 2)).payload == b"word"
        assert cloud.inbox.empty()
        assert two.inbox.empty()


async def test_an_agent_cannot_use_the_clouds_listener_nor_anothers_client_id(mosquitto: Mosquitto) -> None:
    issued = mosquitto.authority.agents.issue_with_key("cloud-1", now=now(), days=9)
    await never_up(mosquitto.link(mosquitto.cloud, issued, "cloud-1", ["mnara1/+/+/up"]))
    async with connected(mosquitto.agent("a-1")) as victim:
        async with connected(mosquitto.agent("a-2", as_client="a-1")):
            pass  # mosquitto gives it its own name, whatever it asked for
        assert victim.up


async def test_a_revoked_agent_is_thrown_out_and_stays_out(mosquitto: Mosquitto) -> None:
    issued = mosquitto.authority.agents.issue_with_key("a-1", now=now(), days=9)
    link = mosquitto.link(mosquitto.agents, issued, "a-1", ["mnara1/00/a-1/dn"])
    async with connected(link):
        assert write_revoked(mosquitto.folder, mosquitto.authority, [(issued.serial, now())], now())
        await asyncio.sleep(0.2)
        assert await take_over(mosquitto.authority, mosquitto.agents, "a-1", now())
        await until(lambda: not link.up)
        await asyncio.sleep(1.0)
        assert not link.up
    async with connected(mosquitto.agent("a-2")):
        pass
