"""Nonsense on the router's command line gets one sentence and status 1 (2 from the parser), never a traceback."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.main import app

SAID = {
    "--control 7000x": "'7000x' is no HOST:PORT; say 127.0.0.1:7000.",
    "--control 127.0.0.1:70000": "'127.0.0.1:70000' is no HOST:PORT; say 127.0.0.1:7000.",
    "--version 7": "'7' is no RouterOS version",
    "--fault nope": "unknown fault 'nope'",
    "--fault trap-write,nth=0": "nth of the fault trap-write is a number from 1",
    "--fault slow-print,rows_per_s=0": "rows_per_s of the fault slow-print",
    "--fault cut-reply,after_bytes=-1": "after_bytes of the fault cut-reply",
    "--fault cpu-load,percent=101": "percent of the fault cpu-load",
    "--switch dead_reads=banana": "the switch dead_reads is one of true, yes",
    "--switch beyond_sessions=banana": "the switch beyond_sessions is one of close, reset, fatal",
    "--loss 2": "a loss of 2.0 is not a share",
    "--delay-ms -1": "goes back in time",
    "--script /nowhere.rsc": "/nowhere.rsc",
    "--tls-anonymous": "there is no TLS without a port for it",
    "--tls-port 0 --tls-key /nowhere": "a certificate and its key belong together",
    "--tls-port 0 --tls-key /nowhere --tls-certificate /nowhere": "no certificate and its key in PEM",
    "--tls-port 0 --tls-certificate-out /nowhere/x": "/nowhere/x",
}
PARSED = ["--port -1", "--port 65536", "--tls-port 65536", "--connections -1", "--ntp-delay-s -1", "--board HEX"]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["router", "--port", "0", "--control", "127.0.0.1:0", *words])


@pytest.mark.parametrize(("words", "sentence"), SAID.items())
def test_nonsense_gets_one_sentence(words: str, sentence: str) -> None:
    result = run(*words.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", PARSED)
def test_what_the_parser_refuses_is_no_traceback(words: str) -> None:
    result = run(*words.split())
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "text.pem"
    file.write_text("nothing of the kind")
    result = run("--tls-port", "0", "--tls-certificate", str(file), "--tls-key", str(file))
    assert result.exit_code == 1
    assert str(file) in result.stderr


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("option", ["--port {}", "--tls-port {}", "--control 127.0.0.1:{}"])
def test_a_port_in_use_gets_one_sentence(taken: int, option: str) -> None:
    words = ["--port", "0", "--control", "127.0.0.1:0", *option.format(taken).split()]
    command = [sys.executable, "-m", "lab.main", "router", *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert "address already in use" in result.stderr.lower()
    assert len(result.stderr.splitlines()) == 1
