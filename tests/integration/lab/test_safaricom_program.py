"""The simulated Safaricom as a program: it says where it listens, is asked at both doors, and ends when told."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from lab.door import Door, address_of
from lab.main import app

ROOT = Path(__file__).parents[3]


async def test_it_starts_says_where_serves_and_ends_in_peace() -> None:
    command = [sys.executable, "-m", "lab.main", "safaricom", "--port", "0", "--control", "127.0.0.1:0",
               "--consumer-key", "k", "--consumer-secret", "s", "--shortcode", "4000001"]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient(base_url=said["safaricom"], trust_env=False) as client:
            answer = await client.get("/oauth/v1/generate?grant_type=client_credentials", auth=("k", "s"))
        assert "access_token" in answer.json()
        async with Door(*address_of(said["control"])) as door:
            paid = await door.ask("pay", msisdn="254711222126", shortcode="4000001", amount_kes=5)
            assert (await door.ask("truth"))["payments"][0]["receipt"] == paid["payment"]["receipt"]
    finally:
        process.terminate()
    _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--clock", "fast"], "only the real clock"),
        (["--environment", "moon"], "sandbox or production"),
        (["--phones", "sing=1"], "no phone does"),
        (["--manner", '{"copys": 1}'], "no switch 'copys'"),
        (["--manner", "{"], "Invalid value"),
        (["--resolve", "x"], "NAME=HOST:PORT"),
    ],
)
def test_what_makes_no_sense_is_said_before_it_starts(options: list[str], words: str) -> None:
    ended = CliRunner().invoke(app, ["safaricom", *options])
    assert ended.exit_code == 2
    assert words in ended.output


def test_help_teaches_with_examples() -> None:
    said = CliRunner().invoke(app, ["safaricom", "--help"]).output
    for words in ("curl -u lab-key:lab-secret", "/mpesa/stkpush/v1/processrequest", "ask phone msisdn=", "ask truth"):
        assert words in said
