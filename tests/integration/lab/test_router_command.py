"""The simulated router's command line teaches: what its help tells a newcomer to type is typed here."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from lab.main import app
from lab.mikrotik.faults import KINDS
from lab.mikrotik.thread import running_router

LAB = [sys.executable, "-m", "lab.main"]


def said(*words: str) -> str:
    result = CliRunner().invoke(app, words, terminal_width=80, env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.output


@contextmanager
def started(*words: str) -> Iterator[dict[str, object]]:
    command = [*LAB, "router", "--port", "0", "--control", "127.0.0.1:0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


def test_the_help_fits_eighty_columns_and_groups_its_options() -> None:
    text = said("router", "--help")
    assert max(map(len, text.splitlines())) <= 80
    for group in ("Where it listens:", "What router it is:", "The world around it:", "Distance and trouble:"):
        assert group in text


def test_a_newcomer_dials_and_walls_a_subscriber_by_the_help_alone() -> None:
    taught = said("router", "--help").partition("export MNARA_LAB_AT")[2].partition("Trouble from the start")[0]
    _, *commands = taught.split("mnara-lab ask ")
    assert len(commands) == 10
    with started() as router:
        env = {"MNARA_LAB_AT": str(router["control"])}
        for command, answer in zip(
            commands[:-1],
            ["done", "online", "reach +true", "done", "reach +true", "was_online", "online", "reach +false", "done"],
            strict=False,
        ):
            typed = shlex.split(command.partition("mnara-lab watch")[0], comments=True)
            result = CliRunner().invoke(app, ["ask", *typed], env=env)
            assert result.exit_code == 0, result.output
            assert re.search(answer, result.output), (typed, result.output)


def test_faults_and_switches_are_listed_with_what_they_do() -> None:
    listed = said("router", "--fault", "list")
    assert [line.split()[0] for line in listed.splitlines()] == list(KINDS)
    assert "only_one_drops_old=false\n    `only-one=yes`:" in said("router", "--switch", "list")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fault", "gremlins"], "unknown fault 'gremlins'"),
        (["--fault", "trap-write,rows_per_s=3"], "does not take 'rows_per_s'"),
        (["--fault", "trap-write,nth=third"], "'third' is no number for nth"),
        (["--fault", "trap-write,nth"], "is not NAME=VALUE"),
        (["--switch", "colour=red"], "`--switch list`"),
        (["--switch", "only_one_drops_old=perhaps"], "is true or false"),
        (["--loss", "5"], "is not a share"),
        (["--delay-ms", "-1"], "goes back in time"),
        (["--version", "seven"], "is no RouterOS version"),
    ],
)
def test_what_makes_no_sense_on_the_command_line_is_said(words: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["router", *words])
    assert result.exit_code == 1
    assert told in result.output


def test_faults_distance_and_switches_of_the_command_line_are_there_from_the_start() -> None:
    with started(
        "--fault", "trap-write,menu=/ppp/secret,nth=3,message=full", "--fault", "clock-1970", "--delay-ms", "20",
        "--loss", "0.05", "--switch", "dead_reads=yes",
    ) as router:  # fmt: skip
        host, _, port = str(router["control"]).rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as door:
            door.sendall(b'{"do":"faults"}\n{"do":"clock"}\n')
            with door.makefile() as answers:
                armed = json.loads(answers.readline())["armed"]
                assert [(one["kind"], one["menu"], one["nth"], one["message"]) for one in armed] == [
                    ("trap-write", "/ppp/secret", 3, "full"),
                    ("clock-1970", "", 1, "failure: simulated"),
                ]
                assert json.loads(answers.readline())["time"].startswith("1970")


def test_a_delay_with_loss_is_asked_for_at_the_door_too() -> None:
    with running_router() as running:
        running.delay(0.001, loss=0.5)
        assert (running._server.link.round_trip_s, running._server.link.loss) == (0.001, 0.5)
