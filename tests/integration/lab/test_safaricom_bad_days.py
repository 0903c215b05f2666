"""The example of bad days, played as its first lines say, against the two programs."""

import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from lab.main import app

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs/examples/bad-days.play"


def start(*words: str) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    command = [sys.executable, "-m", "lab.main", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_every_line_of_the_example_holds(tmp_path: Path) -> None:
    daraja, at = start("safaricom", "--port", "0", "--control", "127.0.0.1:0", "--after", "0", "--float", "0")
    sms, receiver = start("sms", "--port", "0")
    script = tmp_path / "bad-days.play"
    script.write_text(EXAMPLE.read_text().replace("127.0.0.1:8097/", f"127.0.0.1:{receiver['port']}/"))
    try:
        ended = CliRunner().invoke(app, ["play", str(script), "--door", f"daraja={at['control']}"])
    finally:
        for process in (daraja, sms):
            process.terminate()
            process.communicate()
    assert ended.exit_code == 0, ended.output
    assert [process.returncode for process in (daraja, sms)] == [0, 0]
