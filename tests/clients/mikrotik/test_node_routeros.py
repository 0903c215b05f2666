"""node-routeros as it comes, where Node is: tags, Windows' code page, a stream of changes; `!empty` is new to it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mikrotik.routers import PASSWORD, USER, Router

# `make test-clients` puts it beside the environment's Python, where npm is at hand.
MODULES = Path(sys.executable).parents[1] / "node_modules"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "node-routeros").is_dir(),
    reason="no Node, or no npm when the environment was made",
)


def talk(router: Router) -> dict[str, Any]:
    script = Path(__file__).with_name("node_client.js")
    done = subprocess.run(
        ["node", str(script), router.host, str(router.port), USER, PASSWORD],
        env={"NODE_PATH": str(MODULES), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_it_reads_writes_and_follows_changes(router: Router) -> None:
    seen = talk(router)
    assert "failed" not in seen
    assert seen["identity"] == router.rows("/system/identity")[0]["name"]
    assert seen["found"] == "nöde"
    assert seen["trap"] == "input does not match any value of profile"
    assert seen["changes"][0]["comment"] == "zz"
    assert seen["changes"][-1][".dead"] == "true"


def test_it_falls_over_the_word_that_came_with_7_18(routers: dict[str, Router]) -> None:
    """As with real routers: a client older than `!empty` knows no such reply."""
    for version, router in routers.items():
        if version.startswith("6.42"):
            continue
        seen = talk(router)
        if version.startswith("7.18"):
            assert seen["uncaught"] == "Tried to process unknown reply: !empty"
        else:
            assert seen["nothing"] == []
