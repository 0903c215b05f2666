"""What somebody who watches a router reads: sentences, in the order in which things happened."""

import asyncio
from collections.abc import AsyncIterator

import librouteros
import pytest
from librouteros.exceptions import TrapError

from lab.door import Door
from lab.mikrotik.control import control_door
from lab.mikrotik.network.server import Server, serve
from lab.mikrotik.router import Router, Setup
from lab.talk.command import events_of
from lab.talk.words import line_of
from tests.unit.lab.mikrotik.conftest import Console


@pytest.fixture
async def served() -> AsyncIterator[tuple[Server, Door, Door]]:
    router = Router(Setup(user="owner", password="x"))
    async with (
        serve(router) as server,
        control_door(server, "127.0.0.1", 0) as port,
        Door("127.0.0.1", port, name="one") as asker,
        Door("127.0.0.1", port, name="other") as watcher,
    ):
        yield server, asker, watcher


def client(port: int) -> None:
    api = librouteros.connect("127.0.0.1", "owner", "x", port=port)
    secrets = api.path("ppp", "secret")
    secrets.add(name="w1", password="pw", **{"remote-address": "10.7.0.9"})
    with pytest.raises(TrapError):
        secrets.add(name="w1")
    api.close()


async def test_a_watcher_reads_of_logins_writes_dials_and_reboots(served: tuple[Server, Door, Door]) -> None:
    server, asker, watcher = served
    lines: list[str] = []

    async def follow() -> None:
        async for event in events_of(watcher, "", {}):
            lines.append(line_of(event).split("  ", 1)[1])
            if "up again" in lines[-1]:
                return

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.1)
    await asyncio.to_thread(client, server.port)
    await asker.ask("dial", user="w1", password="no")
    await asker.ask("dial", user="w1", password="pw")
    await asker.ask("script", text="/ip firewall address-list add list=walled address=10.7.0.9")
    await asker.ask("reboot", down_s=0.01)
    await asyncio.wait_for(following, 5)
    login, *rest = lines
    assert login.startswith("login  owner logged in from 127.0.0.1:")
    assert rest == [
        "write  owner: /ppp/secret/add name=w1 password=pw remote-address=10.7.0.9",
        "write  owner: /ppp/secret/add name=w1 -> failure: secret with the same name already exists",
        "closed  owner hung up after 3 commands, 2 of them writes",
        "denied  w1 was refused: user authentication failed (bad-secret)",
        "online  w1 is online with 10.7.0.9 (profile default, rate none)",
        "list-add  10.7.0.9 was put on the list walled (/ip/firewall/address-list)",
        "write  the console: /ip/firewall/address-list/add list=walled address=10.7.0.9",
        "offline  w1 is offline, 10.7.0.9 is free: reboot",
        "reboot  the router is up again",
    ]


def test_who_streams_is_not_idle(console: Console) -> None:
    router = console.router
    console.add("/ip/address", address="10.5.50.1/24", interface="bridge")
    console.add("/ip/hotspot", interface="bridge", disabled="no")
    console.add("/ip/hotspot/user", name="ann")
    router.plug_in("02:00:00:00:00:07", address="10.5.50.20", name="phone")
    router.hotspot_login("phone", "ann")
    console.wait_s(600)
    assert console.rows("/ip/hotspot/active/print")[0]["idle-time"] == "10m"
    router.habit("phone", "streaming")
    console.wait_s(600)
    (active,) = console.rows("/ip/hotspot/active/print")
    assert (active["idle-time"], active["uptime"]) == ("0s", "20m")
    assert int(active["bytes-out"]) > 10_000_000
