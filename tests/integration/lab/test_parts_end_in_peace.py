"""The simulated Safaricom and SMS gateway as programs: they end without a word, and say in one sentence why not."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from lab.door import Door, address_of
from lab.main import app

ROOT = Path(__file__).parents[3]
HANGING = {"safaricom": {"do": "outage", "kind": "hang"}, "sms": {"do": "manner", "outage": "hang"}}


@pytest.mark.parametrize("part", ["safaricom", "sms"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_part_ends_quietly_amid_a_watch_and_an_answer_that_hangs(part: str, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "lab.main", part, "--port", "0", "--control", "127.0.0.1:0"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    said = json.loads(await process.stdout.readline())
    url = said.get("safaricom", f"http://127.0.0.1:{said.get('port')}")
    control = address_of(said["control"])
    facts = dict(HANGING[part])
    async with Door(*control) as door, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{url}/nothing")).status_code == 404  # kept alive from now on
        await door.ask(facts.pop("do"), **facts)
        _, watch = await asyncio.open_connection(*control)
        watch.write(b'{"do": "watch"}\n')
        hanging = asyncio.create_task(client.get(f"{url}/nothing", timeout=30))
        await asyncio.sleep(0.1)
        process.send_signal(number)
        async with asyncio.timeout(3):
            _, complaints = await process.communicate()
        with pytest.raises(httpx.TransportError):
            await hanging
        watch.close()
    assert (process.returncode, complaints) == (0, b"")


@pytest.mark.parametrize("part", ["safaricom", "sms"])
@pytest.mark.parametrize(("option", "form"), [("--port", "{port}"), ("--control", "127.0.0.1:{port}")])
def test_a_port_that_is_taken_is_said_in_one_sentence(part: str, option: str, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = form.format(port=taken.getsockname()[1])
        options = {"--port": "0", "--control": "127.0.0.1:0", option: place}
        words = [word for pair in options.items() for word in pair]
        ended = subprocess.run(
            [sys.executable, "-m", "lab.main", part, *words], cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=20,
        )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "already in use); give another p" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("safaricom --control nonsense", "'nonsense' is no place"),
        ("safaricom --shortcode abc:1", "'abc' is no shortcode"),
        ("safaricom --tls-certificate x.pem", "both, --tls-certificate and"),
        ("safaricom --after -1", "between 0 and 86400 seconds"),
        ("safaricom --phones pay=much", "are no shares"),
        ("safaricom --manner []", "is no JSON object of switches"),
        ("safaricom --port 65536", "'--port'"),
        ("sms --reports-to nonsense", "is no address for reports"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_starts(command: str, words: str) -> None:
    ended = CliRunner().invoke(app, command.split())
    assert ended.exit_code == 2
    assert words in ended.output
