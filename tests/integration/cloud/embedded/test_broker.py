"""The embedded broker turns away whom it must, and delivers fast to whom it may."""

import asyncio
import socket
import ssl
import statistics
import time
from collections.abc import AsyncIterator

import paho.mqtt.client as mqtt
import pytest
import pytest_asyncio
from paho.mqtt.enums import CallbackAPIVersion

from cloud.fleet.ca import Authority, Issued, Issuer
from cloud.fleet.ca_store import tls_context
from cloud.fleet.link import Link
from tests.support.broker import TestBroker, connected, now, running_broker, until, until_up

UP = ["mnara1/+/+/up", "mnara1/+/+/lw"]


@pytest_asyncio.fixture
async def broker() -> AsyncIterator[TestBroker]:
    async with running_broker() as running:
        yield running


def agent_link(broker: TestBroker, name: str, filters: list[str] | None = None, as_client: str = "") -> Link:
    issued = broker.authority.agents.issue_with_key(name, now=now(), days=9)
    return broker.link(issued, as_client or name, filters or [f"mnara1/00/{name}/dn"])


def cloud_link(broker: TestBroker, name: str = "cloud-1") -> Link:
    return broker.link(broker.authority.issue_cloud_client(name, now()), name, UP)


async def never_up(link: Link, for_s: float = 0.6) -> bool:
    task = asyncio.create_task(link.run())
    try:
        with pytest.raises(TimeoutError):
            await until_up(link, for_s)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return True


async def hear(link: Link, timeout_s: float = 2.0) -> tuple[str, bytes]:
    arrived = await asyncio.wait_for(link.inbox.get(), timeout_s)
    return arrived.topic, arrived.payload


async def test_nobody_connects_without_a_certificate(broker: TestBroker) -> None:
    context = ssl.create_default_context(cadata=broker.authority.agents.pem)

    def try_it() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", broker.port)) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x14\x00\x04evil")
            return tls.recv(10)

    try:
        answer = await asyncio.to_thread(try_it)
    except OSError:
        answer = b""
    assert answer == b""


async def test_a_certificate_of_another_authority_is_refused(broker: TestBroker) -> None:
    foreign = Authority.create(now()).agents.issue_with_key("a-1", now=now(), days=9)
    assert await never_up(broker.link(foreign, "a-1", ["mnara1/00/a-1/dn"]))


async def test_no_name_makes_an_agent_pass_for_the_cloud(broker: TestBroker) -> None:
    assert await never_up(agent_link(broker, "cloud-9", UP))


async def test_an_agent_cannot_take_anothers_client_id(broker: TestBroker) -> None:
    async with connected(agent_link(broker, "a-1")) as victim:
        assert await never_up(agent_link(broker, "a-2", ["mnara1/00/a-2/dn"], as_client="a-1"))
        assert victim.up


@pytest.mark.parametrize("wish", ["#", "mnara1/#", "mnara1/00/a-2/dn", "mnara1/+/a-1/dn", "mnara1/00/a-1/up"])
async def test_an_agent_hears_nothing_but_its_own_branch(broker: TestBroker, wish: str) -> None:
    assert await never_up(agent_link(broker, "a-1", [wish]), 0.4)


async def test_an_agent_speaks_only_on_its_own_branch(broker: TestBroker) -> None:
    links = connected(cloud_link(broker)), connected(agent_link(broker, "a-1")), connected(agent_link(broker, "a-2"))
    async with links[0] as cloud, links[1] as one, links[2] as two:
        for topic in ("mnara1/00/a-2/up", "mnara1/00/a-2/dn", "mnara1/00/a-1/dn", "other/topic", "$SYS/x"):
            one.publish(topic, b"lie")
        one.publish("mnara1/00/a-1/up", b"truth")
        assert await hear(cloud) == ("mnara1/00/a-1/up", b"truth")
        assert cloud.inbox.empty()
        assert two.inbox.empty()


async def test_the_cloud_speaks_down_and_agents_hear_it_in_order(broker: TestBroker) -> None:
    async with connected(cloud_link(broker)) as cloud, connected(agent_link(broker, "a-1")) as agent:
        for number in range(200):
            cloud.publish("mnara1/00/a-1/dn", b"%d" % number)
        heard = [await hear(agent) for _ in range(200)]
        assert [int(payload) for _, payload in heard] == list(range(200))


async def test_a_second_connection_of_the_same_agent_ends_the_first(broker: TestBroker) -> None:
    """Neither comes back by itself: two that did would go on ending each other."""
    issued = broker.authority.agents.issue_with_key("a-1", now=now(), days=9)
    first, second = (raw_client(issued, broker, "a-1") for _ in range(2))
    try:
        for client in (first, second):
            await asyncio.to_thread(client.connect, "127.0.0.1", broker.port, 20)
            client.loop_start()
            await until(client.is_connected)
        await until(lambda: second.is_connected() and not first.is_connected())
    finally:
        for client in (first, second):
            client.disconnect()
            client.loop_stop()


async def test_a_link_that_is_ended_in_the_moment_of_a_loss_does_not_come_back(broker: TestBroker) -> None:
    link = agent_link(broker, "a-1")
    task = asyncio.create_task(link.run())
    await until_up(link)
    link._lost.set()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    assert done == {task}


def raw_client(issued: Issued, broker: TestBroker, name: str) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
    client.tls_set_context(tls_context(issued, server=False, trusted_pem=broker.authority.agents.pem))
    return client


async def test_the_will_is_published_when_a_connection_breaks_and_not_on_foreign_topics(broker: TestBroker) -> None:
    async with connected(cloud_link(broker)) as cloud:
        for topic, heard in (("mnara1/00/a-2/lw", False), ("mnara1/00/a-1/lw", True)):
            issued = broker.authority.agents.issue_with_key("a-1", now=now(), days=9)
            client = raw_client(issued, broker, "a-1")
            client.will_set(topic, b"gone", qos=1, retain=True)
            await asyncio.to_thread(client.connect, "127.0.0.1", broker.port, 20)
            client.loop_start()
            await asyncio.sleep(0.2)
            assert client.is_connected() == heard
            client.socket() and client.socket().close()
            client.loop_stop()
            if heard:
                assert await hear(cloud) == (topic, b"gone")
        assert cloud.inbox.empty()


async def test_a_revoked_agent_is_thrown_out_and_stays_out(broker: TestBroker) -> None:
    link = agent_link(broker, "a-1")
    async with connected(link):
        assert broker.broker is not None
        broker.revoked.add("a-1")
        assert await broker.broker.throw_out("a-1")
        await asyncio.sleep(0.6)
        assert not link.up
        assert broker.broker.connected == 0
        broker.revoked.clear()
        await until_up(link)


async def test_a_silent_client_is_disconnected_after_its_keepalive(broker: TestBroker) -> None:
    issued = broker.authority.agents.issue_with_key("a-1", now=now(), days=9)
    client = raw_client(issued, broker, "a-1")
    await asyncio.to_thread(client.connect, "127.0.0.1", broker.port, 1)
    await asyncio.to_thread(client.loop, 0.3)
    running = broker.broker
    assert running is not None
    await until(lambda: running.connected == 1)
    await until(lambda: running.connected == 0)
    client.socket() and client.socket().close()


async def test_a_packet_over_the_limit_ends_the_connection_and_nothing_else(broker: TestBroker) -> None:
    async with connected(cloud_link(broker)) as cloud, connected(agent_link(broker, "a-1")) as agent:
        agent.publish("mnara1/00/a-1/up", bytes(200_000))
        await until(lambda: not agent.up)
        await until_up(agent)
        agent.publish("mnara1/00/a-1/up", b"fine")
        assert (await hear(cloud))[1] == b"fine"


async def test_a_message_takes_about_a_millisecond(broker: TestBroker) -> None:
    async with connected(cloud_link(broker)) as cloud, connected(agent_link(broker, "a-1")) as agent:
        waits = []
        for _ in range(200):
            began = time.perf_counter()
            cloud.publish("mnara1/00/a-1/dn", bytes(800))
            await hear(agent)
            waits.append((time.perf_counter() - began) * 1e3)
        print(f"publish to delivery: p50 {statistics.median(waits):.2f} ms, p99 {sorted(waits)[197]:.2f} ms")
        assert statistics.median(waits) < 5


async def test_an_issuer_of_the_same_name_is_no_issuer_of_ours(broker: TestBroker) -> None:
    forged = Issuer.create("Mnara cloud processes", now()).issue_with_key("cloud-1", now=now(), days=9)
    assert await never_up(broker.link(forged, "cloud-1", UP))
