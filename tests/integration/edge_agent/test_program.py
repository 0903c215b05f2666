"""The agent as a program: its command line, its threads, its MQTT over mutual TLS, against a simulated router."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.link.mqtt import Inbound
from edge_agent.store.identity import DataFolder
from protocol.topics import topic
from tests.integration.edge_agent.site_folder import Authority, enrolled_folder, key_pem, pem
from tests.integration.edge_agent.tiny_broker import TinyBroker, tiny_broker
from tests.scenarios.edge_agent.rig import AGENT, SECOND_US, Rig, rig, until, walled

DOWN, UP, WILL = (topic(7, AGENT, stream) for stream in ("dn", "up", "lw"))


class BrokerMailbox:
    """Lets the rig's cloud speak through the broker."""

    def __init__(self, broker: TinyBroker) -> None:
        self._broker = broker

    def from_link(self, said: Any) -> bool:
        if isinstance(said, Inbound):
            self._broker.say(DOWN, said.payload)
        return True


class Program:
    """A running `mnara-agent run`."""

    def __init__(self, folder: DataFolder, tmp: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ, "MNARA_AGENT_DATA": str(folder.path), "MNARA_AGENT_RUNTIME_DIR": str(tmp / "run"),
        }  # fmt: skip
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "subprocess.Popen[str]":
        if self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.main", "run"], env=self.environment, stderr=subprocess.PIPE, text=True
        )
        return self.process

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "edge_agent.main", *words],
            env=self.environment, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def end(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)
            if self.process.stderr is not None:
                self.process.stderr.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        made.cloud.hold(*[made.cloud.row(number) for number in range(3)])
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "server.pem").write_text(pem(authority.issue("broker", key.public_key())))
    (tmp_path / "server.key").write_bytes(key_pem(key))
    (tmp_path / "ca.pem").write_text(pem(authority.certificate))
    return authority


@pytest.fixture
def broker(tmp_path: Path, authority: Authority, site: Rig) -> Iterator[TinyBroker]:
    with tiny_broker(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca.pem") as made:
        site.cloud.mailbox = BrokerMailbox(made)  # type: ignore[assignment]  # it has the one method that is used
        site.cloud.up = True
        made.on_publish = lambda name, payload: site.cloud.publish(payload) and None if name == UP else None
        yield made


@pytest.fixture
def program(tmp_path: Path, authority: Authority, site: Rig, broker: TinyBroker) -> Iterator[Program]:
    folder = enrolled_folder(tmp_path / "data", site.cloud, site.router, authority, broker_port=broker.port)
    for number in range(3):  # sealed to the keys that the folder has now
        site.cloud.rows[f"sub-{number}"] = site.cloud.row(number)
    program = Program(folder, tmp_path)
    yield program
    program.end()


def applied(site: Rig) -> int:
    reports = site.cloud.reports()
    return reports[-1].applied if reports else 0


def test_the_program_connects_applies_reconnects_and_says_goodbye(
    site: Rig, broker: TinyBroker, program: Program
) -> None:
    program.start()
    until(lambda: applied(site) == 1, 20)
    assert (broker.client_ids, broker.subscriptions, broker.keepalives) == ([AGENT], [DOWN], [20])
    assert broker.wills[0][0] == WILL

    site.cloud.change(site.cloud.row(1, valid_until=site.clock.wall_us() - SECOND_US))
    until(lambda: walled(site.router) == {"100.64.0.3"})

    broker.drop()
    until(lambda: len(broker.client_ids) == 2, 10)
    site.cloud.change(site.cloud.row(1))
    until(lambda: walled(site.router) == set(), 10)

    gone: list[str] = []
    broker.on_publish = lambda name, _payload: gone.append(name)
    program.end()
    assert WILL in gone
    assert program.process is not None
    assert program.process.returncode == 0


def test_kill_nine_and_a_start_without_a_broker_go_on_from_the_store(
    site: Rig, broker: TinyBroker, program: Program
) -> None:
    process = program.start()
    until(lambda: applied(site) == 1, 20)
    process.kill()
    process.wait(10)
    broker.silent = True
    site.router.script("/ppp secret remove [find name=user1]")
    program.start()
    until(lambda: "user1" in {row["name"] for row in site.router.rows("/ppp/secret")}, 20)


def test_status_says_what_the_router_matches(site: Rig, broker: TinyBroker, program: Program) -> None:
    stopped = program.call("status")
    assert stopped.returncode == 1
    assert "no agent" in stopped.stderr
    program.start()
    until(lambda: applied(site) == 1, 20)

    def status() -> dict[str, Any]:
        answer = program.call("status", "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    found = until(lambda: (now := status()) and now["reported"]["applied"] == 1 and now, 15)
    assert found["connected"]
    assert found["reported"]["digest"] == site.cloud.held().digest
    assert "desired: 1, applied 1" in program.call("status").stdout


def test_check_has_a_line_for_each_part_and_ends_with_one_if_something_is_wrong(program: Program, site: Rig) -> None:
    good = program.call("check")
    assert good.returncode == 0, good.stdout + good.stderr
    assert [line.split(":")[0].split()[-1] for line in good.stdout.splitlines()] == [
        "identity", "certificate", "store", "router", "profile", "rules", "broker",
    ]  # fmt: skip
    site.router.script("/user set [find name=agent] password=changed")
    bad = program.call("check")
    assert bad.returncode == 1
    assert "refuses the login" in bad.stdout


def test_run_without_an_identity_or_with_an_ended_certificate_says_what_to_do(
    tmp_path: Path, site: Rig, authority: Authority
) -> None:
    nobody = Program(DataFolder(tmp_path / "empty"), tmp_path).call("run")
    folder = enrolled_folder(tmp_path / "ended", site.cloud, site.router, authority, ended=True)
    ended = Program(folder, tmp_path).call("run")
    for answer, words in ((nobody, "no agent is enrolled"), (ended, "certificate ended")):
        assert answer.returncode == 1
        assert answer.stderr.startswith("error: ")
        assert words in answer.stderr
        assert "do:    " in answer.stderr
        assert "Traceback" not in answer.stderr
