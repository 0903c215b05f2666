"""The lab's command line as somebody would use it: a part started, asked, watched and scripted from a shell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "lab.main"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}

SCRIPT = """
at router script text="/ppp/secret/add name=w1 password=x remote-address=10.7.0.9"
refused router frobnicate gives error~unknown   # what it does not know, it says
at router dial user=w1 password=wrong gives online=false
at router dial user=w1 password=x
expect online=true
until router reach user=w1 to=1.1.1.1 gives reach=true within 10s
at router sessions gives sessions.length=1 sessions.0.user=w1
"""


def lab(*arguments: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, input=said, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.fixture
def door() -> Iterator[str]:
    """A simulated router's control door."""
    command = [*COMMAND, "router", "--port", "0"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as router:
        assert router.stdout is not None
        yield json.loads(router.stdout.readline())["control"]
        router.terminate()


def test_a_router_is_asked_watched_and_scripted(door: str) -> None:
    played = lab("play", "-", "--door", f"router={door}", said=SCRIPT)
    assert played.returncode == 0, played.stderr
    assert "at router sessions gives sessions.length=1" in played.stdout
    asked = lab("ask", "--at", door, "sessions")
    assert "sessions (1):" in asked.stdout
    assert json.loads(lab("ask", "--at", door, "--json", "reach", "user=w1", "to=1.1.1.1").stdout)["reach"] is True
    assert lab("watch", "--at", door, "writes", "--last", "1").stdout.count("\n") == 1
    broken = lab("play", "-", "--door", f"router={door}", said="\nat router sessions gives sessions.length=7")
    assert broken.returncode == 1
    assert "line 2: at router sessions" in broken.stderr


def test_the_example_that_the_help_shows_holds(door: str) -> None:
    shown = lab("play", "--help").stdout
    example = shown[shown.index("    # a subscriber") : shown.index("Arguments:")]
    assert example.count("\n") > 6
    played = lab("play", "-", "--door", f"router={door}", said=example)
    assert played.returncode == 0, played.stderr


ACROSS = """
at sms phone number=0711000001 state=off
until sms stats gives received=0 within 1s
at router script text="/ppp/secret/add name=w2 remote-address=10.7.0.9"
at sms phone number=0711000001 state=on gives received=0 telco=Safaricom
at sms inbox number=0711000001 gives inbox.length=0
"""


def test_a_text_is_sent_received_and_seen_and_one_script_plays_against_two_parts(door: str) -> None:
    command = [*COMMAND, "sms", "--port", "0"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        said = json.loads(gateway.stdout.readline())
        played = lab("play", "-", "--door", f"router={door}", "--door", f"sms={said['control']}", said=ACROSS)
        assert played.returncode == 0, played.stderr
        form = {"username": "sandbox", "to": "+254711000001", "message": "Habari yako"}
        headers = {"apiKey": "lab-key", "Accept": "application/json"}
        url = f"http://127.0.0.1:{said['port']}/version1/messaging"
        assert httpx.post(url, data=form, headers=headers, trust_env=False).status_code == 201
        assert "Habari yako" in lab("ask", "--at", said["control"], "inbox").stdout
        gateway.terminate()
        assert gateway.wait(10) == 0


def test_a_fleet_that_cannot_enrol_says_what_is_missing() -> None:
    refused = lab("agents", "--count", "1")
    assert (refused.returncode, "give --token" in refused.stderr) == (1, True)


def test_a_door_that_is_not_there_is_told_in_words() -> None:
    gone = lab("ask", "--at", "127.0.0.1:1", "help")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "is the part running" in gone.stderr
    assert "Traceback" not in gone.stderr


@pytest.mark.parametrize("command", [["ask"], ["watch"], ["play"], ["sms"], ["agents"]])
def test_help_fits_eighty_columns_and_shows_examples(command: list[str]) -> None:
    shown = lab(*command, "--help").stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "mnara-lab" in shown
