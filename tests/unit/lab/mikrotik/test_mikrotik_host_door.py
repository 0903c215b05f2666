"""Devices asked for from outside: through the control door, and through the handle that any thread may use."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from lab.control import answers
from lab.mikrotik.control import Control
from lab.mikrotik.errors import HotspotError
from lab.mikrotik.network.server import serve
from lab.mikrotik.router import Router
from lab.mikrotik.script import run_script
from lab.mikrotik.thread import RunningRouter

ANN = "02:00:00:00:00:0A"
CAFE = """
/ip address add address=10.5.50.1/24 interface=bridge
/ip pool add name=lan ranges=10.5.50.10-10.5.50.99
/ip dhcp-server add name=dhcp1 interface=bridge address-pool=lan disabled=no
/ip hotspot profile add name=hs login-by=http-pap,cookie
/ip hotspot add name=hs1 interface=bridge profile=hs disabled=no
/ip hotspot user add name=ann password=pw
"""


Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    router = Router()
    run_script(router, CAFE)
    async with serve(router) as server:
        control = Control(server)

        async def ask(do: str, **request: object) -> dict[str, Any]:
            return [answer async for answer in answers(control.verbs, json.dumps({"do": do} | request).encode())].pop()

        yield ask


async def test_a_device_is_plugged_in_logged_in_and_out_and_unplugged(ask: Ask) -> None:
    assert await ask("plug", mac=ANN.lower(), name="phone") == {"mac": ANN, "address": "10.5.50.10"}
    refused = await ask("hotspot-login", who="phone", user="ann", password="x")
    assert refused == {"online": False, "reason": "invalid username or password"}
    assert await ask("hotspot-login", who="phone", user="ann", password="pw") == {"online": True, "by": "http-pap"}
    assert (await ask("reach", who="phone", to="1.2.3.4"))["reach"]
    assert await ask("carry", mac=ANN, up_bytes=5) == {"carried": True}
    (host,) = (await ask("hosts-on"))["hosts"]
    assert (host["name"], host["address"], host["bytes_up"]) == ("phone", "10.5.50.10", 5)
    assert await ask("hotspot-logout", who="10.5.50.10") == {"was_online": True}
    assert (await ask("reach", who="phone", to="1.2.3.4"))["by"] == "hotspot: not logged in"
    assert await ask("unplug", mac=ANN) == {"was_on": True}
    assert await ask("hosts-on") == {"hosts": []}


async def test_a_device_that_cannot_be_there_is_an_error(ask: Ask) -> None:
    assert "no network of bridge" in (await ask("plug", mac=ANN, address="9.9.9.9"))["error"]
    assert "error" in await ask("plug", mac="me")


def test_any_thread_may_plug_in_and_log_in(live: RunningRouter) -> None:
    live.script(CAFE)
    assert live.plug_in(ANN, name="phone") == "10.5.50.10"
    with pytest.raises(HotspotError, match="invalid"):
        live.hotspot_login("phone", "ann", "x")
    assert live.hotspot_login("phone", "ann", "pw") == "http-pap"
    assert live.reach(ANN, "1.2.3.4").reach
    live.reboot(0.0)
    assert not live.reach(ANN, "1.2.3.4").reach
    assert live.hotspot_login("phone") == "cookie"
    assert live.hotspot_logout("phone")
    assert live.unplug("phone")
