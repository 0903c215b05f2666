"""The installers' own script on both personalities, and what the control door says of the console."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from lab.control import answers
from lab.mikrotik.control import Control
from lab.mikrotik.network.server import serve
from lab.mikrotik.router import Router
from lab.mikrotik.script import run_script
from provisioning.router_script import render
from provisioning.site_plan import SitePlan
from tests.unit.lab.mikrotik.conftest import Console


@pytest.mark.parametrize(("text", "version"), [("6.49.18", (6, 49)), ("7.18.2", (7, 18))])
@pytest.mark.parametrize("empty", [True, False])
def test_the_site_script_imports_twice_line_by_line(
    new_console: Callable[..., Console], text: str, version: tuple[int, int], empty: bool
) -> None:
    plan = SitePlan(
        identity="TWR-1", pool=IPv4Network("100.64.0.0/22"), pay_address=IPv4Address("10.0.0.2"),
        agent_address=IPv4Address("192.168.77.2"), user="mnara-agent", password="a-password-of-some-length",
        version=version, prefix_pool=IPv6Network("2001:db8::/40"),
    )  # fmt: skip
    console = new_console(version=text, empty=empty)
    for _ in range(2):
        for line in render(plan).splitlines():
            run_script(console.router, line)
    assert console.rows("/system/identity/print")[0]["name"] == "TWR-1"
    comments = [row["comment"] for row in console.rows("/ip/firewall/filter/print") if "comment" in row]
    assert sum(comment.startswith("mnara-rule:") for comment in comments) == 9


async def test_the_door_exports_resets_and_handles_files() -> None:
    router = Router()
    async with serve(router) as server:
        verbs = Control(server).verbs

        async def ask(line: str) -> dict[str, object]:
            (answer,) = [answer async for answer in answers(verbs, line.encode())]
            return answer

        said = await ask(
            '{"do": "script", "text": "/ppp secret add name=ann password=caf\\u00e9\\n:put [:len \\"abc\\"]"}'
        )
        assert said == {"done": True, "output": "3"}
        text = (await ask('{"do": "export", "menu": "/ppp", "secrets": true, "terse": true}'))["text"]
        assert '/ppp secret add name=ann password="caf\\C3\\A9"' in str(text)
        assert await ask('{"do": "file", "name": "a.txt", "contents": "x"}') == {"done": True}
        assert await ask('{"do": "file", "name": "a.txt"}') == {"found": True, "contents": "x"}
        assert (await ask('{"do": "file", "name": "b"}'))["found"] is False
        script = "/system identity set name=new"
        await ask(f'{{"do": "reset", "no_defaults": true, "script": "{script}", "down_s": 0}}')
        assert router.rows("/ppp/secret") == []
        assert router.rows("/system/identity")[0]["name"] == "new"
