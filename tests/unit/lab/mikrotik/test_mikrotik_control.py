"""The control door, and the program that opens it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import librouteros
import pytest

from lab.mikrotik.control import control_door
from lab.mikrotik.network.server import serve
from lab.mikrotik.router import Router, Setup

Ask = Callable[..., Awaitable[dict[str, Any]]]
ROOT = Path(__file__).parents[4]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    async with serve(Router(Setup(connections_per_session=1))) as server, control_door(server, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(line: str | None = None, **request: Any) -> dict[str, Any]:
            writer.write((line if line is not None else json.dumps(request)).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer

        yield ask
        writer.close()


async def test_the_life_of_a_subscriber_from_outside(ask: Ask) -> None:
    await ask(do="script", text="/ppp secret add name=ann password=pw remote-address=100.64.0.5 comment=café")
    refused = {"online": False, "reason": "user authentication failed", "why": "bad-secret"}
    assert await ask(do="dial", user="ann", password="no") == refused
    assert (await ask(do="dial", user="ann", password="pw"))["address"] == "100.64.0.5"
    assert (await ask(do="sessions"))["sessions"][0]["user"] == "ann"
    answer = await ask(do="reach", user="ann", to="1.2.3.4", protocol="tcp", port=443)
    assert (answer["reach"], answer["by"]) == (True, "default")
    assert await ask(do="connect", user="ann", to="1.2.3.4", fasttracked=True) == {"open": True}
    assert (await ask(do="rows", menu="/ppp/secret"))["rows"][0]["comment"] == "café"
    assert await ask(do="hangup", user="ann") == {"was_online": True}
    assert [event["kind"] for event in (await ask(do="events"))["events"]] == ["denied", "online", "offline"]


async def test_a_menu_may_be_said_as_on_the_console_and_addresses_as_one_word(ask: Ask) -> None:
    await ask(do="script", text="/ppp secret add name=ann remote-address=100.64.0.5")
    for menu in ("/ppp/secret", "ppp secret", "/ppp secret/"):
        assert (await ask(do="rows", menu=menu))["rows"][0]["name"] == "ann"
    assert await ask(do="hosts", name="pay.example", addresses="203.0.113.9,203.0.113.10") == {"done": True}
    await ask(do="dial", user="ann", password="")
    assert (await ask(do="reach", who="ann", to="pay.example"))["to"] == "203.0.113.9"
    assert await ask(do="hosts", name="pay.example", addresses="") == {"done": True}
    assert (await ask(do="reach", who="ann", to="pay.example"))["by"] == "name not resolved"


async def test_a_modem_redials_after_a_reboot_and_figures_tell(ask: Ask) -> None:
    await ask(do="script", text="/ppp secret add name=ann remote-address=100.64.0.5")
    assert await ask(do="redial", user="ann", every_s=0.05) == {"online": True}
    assert await ask(do="reboot", down_s=0.01) == {"boots": 2}
    for _ in range(100):
        if (await ask(do="stats"))["sessions"]:
            break
        await asyncio.sleep(0.01)
    assert (await ask(do="stats"))["sessions"] == 1
    assert (await ask(do="writes", since=0))["writes"][0]["menu"] == "/ppp/secret"
    assert await ask(do="writes", since=1) == {"writes": [], "last": 1}


async def test_faults_and_delay_come_and_go(ask: Ask) -> None:
    assert await ask(do="delay", round_trip_ms=20) == {"done": True}
    assert await ask(do="fault", kind="refuse") == {"done": True}
    assert await ask(do="fault", kind="refuse", on=False) == {"done": True}
    assert await ask(do="fault", kind="clear") == {"done": True}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("not json", "Expecting value"),
        ("[1]", "a request is one JSON object"),
        ('{"do":"fly"}', "unknown request 'fly'"),
        ('{"do":"dial","user":"x"}', "missing 'password'"),
        ('{"do":"rows","menu":"/no"}', "no such command prefix"),
        ('{"do":"fault","kind":"gremlins"}', "unknown fault"),
        ('{"do":"fault","kind":"refuse","colour":1}', "does not take"),
        ('{"do":"delay","round_trip_ms":"soon"}', "'soon' is no round_trip_ms; say a number"),
        ('{"do":"script","text":"/no"}', "bad command name no"),
    ],
)
async def test_a_senseless_request_is_answered_with_what_is_wrong(ask: Ask, line: str, error: str) -> None:
    assert error in (await ask(line))["error"]
    assert "version" in await ask(do="stats")


def test_the_program_says_where_it_listens_and_serves_api_and_tls(tmp_path: Path) -> None:
    script = tmp_path / "boot.rsc"
    script.write_text("/system identity set name=TWR-9\n")
    words = ["--port", "0", "--tls-port", "0", "--user", "u", "--password", "p", "--script", str(script)]
    program = subprocess.Popen(
        [sys.executable, "-m", "lab.mikrotik", *words, "--tls-certificate-out", str(tmp_path / "ca.pem")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        where = json.loads(program.stdout.readline())
        api = librouteros.connect("127.0.0.1", "u", "p", port=where["port"])
        assert list(api.path("system", "identity")) == [{"name": "TWR-9"}]
        api.close()
        assert where["tls_port"]
        assert "BEGIN CERTIFICATE" in (tmp_path / "ca.pem").read_text()
    finally:
        program.terminate()
        assert program.wait(10) == 0
        program.stdout.close()


def test_a_script_that_fails_stops_the_program_with_its_line(tmp_path: Path) -> None:
    script = tmp_path / "boot.rsc"
    script.write_text("/system identity set name=x\n/system identitty set name=y\n")
    ended = subprocess.run(
        [sys.executable, "-m", "lab.mikrotik", "--port", "0", "--script", str(script)],
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "bad command name identitty (line 2 column 9)" in ended.stderr


async def test_habits_vanishing_and_the_clock_are_had_from_outside(ask: Ask) -> None:
    await ask(do="script", text="/ppp secret add name=ann remote-address=100.64.0.5")
    assert (await ask(do="habit", user="ann", habit="gaming"))["error"].startswith(
        "no habit 'gaming': take one of quiet,"
    )
    assert await ask(do="habit", user="ann", habit="uploading") == {"done": True}
    assert await ask(do="vanish", user="ann") == {"was_online": False}
    await ask(do="dial", user="ann", password="")
    assert await ask(do="vanish", user="ann") == {"was_online": True}
    assert len((await ask(do="sessions"))["sessions"]) == 1
    await ask(do="script", text="/system ntp client set enabled=yes")
    assert (await ask(do="clock"))["synchronized"]
    assert not (await ask(do="clock", ntp_answers=False))["synchronized"]
