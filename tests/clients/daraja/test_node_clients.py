"""mpesa-node and mpesa-api of npm as they come, where Node is: what they send by default, and what they are told."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# `make test-clients` puts them beside the environment's Python, where npm is at hand.
MODULES = Path(sys.executable).parents[1] / "node_modules"
ACCEPTED = "Accept the service request successfully."

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "mpesa-api").is_dir(),
    reason="no Node, or no npm when the environment was made",
)


@pytest.fixture
def talk(safaricom: Any, hooks: Any, phone: str) -> Callable[[str], dict[str, Any]]:
    def run(client: str) -> dict[str, Any]:
        app, script = safaricom.app(), str(Path(__file__).with_name("node_clients.js"))
        facts = [safaricom.url, app.key, app.secret, str(safaricom.certificate), hooks.url, phone]
        done = subprocess.run(
            ["node", script, *facts, client], env={"NODE_PATH": str(MODULES), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    return run


def code(hooks: Any, path: str) -> str:
    return str(hooks.wait(path)["Result"]["ResultCode"])


def test_mpesa_node_works_with_the_credentials_of_its_own_tests(talk: Any, hooks: Any, phone: str) -> None:
    seen = talk("mpesa-node")
    assert seen["push"]["ResponseCode"] == "0"
    assert hooks.wait("/node-stk")["Body"]["stkCallback"]["ResultCode"] == 0
    assert seen["query"] == "500.001.1001 The transaction is being processed"
    assert seen["register"]["ResponseDescription"] == "success"
    assert hooks.wait("/node-c")["BillRefNumber"] == "ACC1001"
    assert {seen[name]["ResponseDescription"] for name in ("balance", "payout", "reversal", "status")} == {ACCEPTED}
    assert (code(hooks, "/node-balance"), code(hooks, "/node-b2c")) == ("0", "0")
    assert hooks.wait("/node-reversal")["Result"]["ResultDesc"] == "The OriginalTransactionID is invalid."
    assert code(hooks, "/node-status") == "2032"


def test_mpesa_api_has_a_space_in_its_default_and_a_certificate_of_its_own(
    safaricom: Any, talk: Any, hooks: Any
) -> None:
    seen = talk("mpesa-api")
    assert seen["loose"] == "400.002.02 Bad Request - Invalid TransactionType"
    assert seen["push"]["ResponseCode"] == "0"
    assert hooks.wait("/api-stk")["Body"]["stkCallback"]["ResultCode"] == 0
    assert seen["register"]["ResponseDescription"] == "success"
    assert (code(hooks, "/api-balance"), code(hooks, "/api-b2c")) == ("0", "0")
    # It brings the real sandbox's certificate, whose key nobody here has.
    assert code(hooks, "/api-own") == "2001"
    hooks.got[:] = [each for each in hooks.got if not each[0].startswith("/api-")]
    safaricom.ask("manner", set={"organisation": {"money": {"credential": "any"}}})
    talk("mpesa-api")
    assert code(hooks, "/api-own") == "0"
