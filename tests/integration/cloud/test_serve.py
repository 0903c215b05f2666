"""The cloud as its user starts it: from nothing, in halves, killed, stopped, and told what is wrong."""

import asyncio
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cloud.fleet.ca_store import tls_context
from cloud.fleet.link import Link, LinkSettings
from protocol.enrolment import EnrolAnswer
from protocol.messages import Held, Hello, Welcome
from tests.support.broker import CLOCK, AgentKeys, SpeakingAgent, connected, free_port
from tests.support.broker import until as async_until

ROOT = Path(__file__).parents[3]


class Cloud:
    """Processes on one data folder."""

    def __init__(self, base: Path) -> None:
        self.data = base / "data"
        self.http, self.enrol, self.broker = free_port(), free_port(), free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = base / "log"

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        ports = {"HTTP": self.http, "ENROL": self.enrol, "BROKER": self.broker}
        environment = {f"MNARA_CLOUD_{name}_PORT": str(port) for name, port in ports.items()}
        code = "from cloud.main import app; app()"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MNARA_")}
        command = [sys.executable, "-c", code, *arguments, "--data", str(self.data)]
        return command, inherited | environment | {"PYTHONPATH": str(ROOT)}

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command, environment = self.command("serve", *arguments)
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command, environment = self.command(*arguments)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def broker_listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.broker), 1).close()
        except OSError:
            return False
        return True

    def runtime(self) -> dict[str, object]:
        return dict(json.loads((self.data / "runtime.json").read_text()))

    def database_pid(self) -> int:
        return int((self.data / "postgres/cluster/postmaster.pid").read_text().split()[0])


def lives(pid: int) -> bool:
    """Tell whether a process lives; a zombie that nobody has buried yet does not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def until(seen: Callable[[], bool], cloud: Cloud, timeout_s: float = 40.0) -> None:
    end = time.monotonic() + timeout_s
    while not seen():
        if time.monotonic() > end:
            pytest.fail(cloud.log.read_text()[-4000:])
        time.sleep(0.05)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with tempfile.TemporaryDirectory(prefix="mnara-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Cloud(Path(folder))
        yield made
        for process in made.processes:
            if process.poll() is None:
                process.terminate()
        for process in made.processes:
            process.wait(30)


def test_from_nothing_to_ready_and_gracefully_down_again(cloud: Cloud) -> None:
    began = time.monotonic()
    process = cloud.start()
    until(cloud.ready, cloud)
    until(cloud.broker_listens, cloud)
    print(f"ready after {time.monotonic() - began:.1f} s")
    assert cloud.runtime() == {
        "pid": process.pid,
        "broker": {"host": "127.0.0.1", "port": cloud.broker},
        "database": "embedded",
        "http_url": f"http://127.0.0.1:{cloud.http}",
        "enrol_url": f"https://127.0.0.1:{cloud.enrol}",
    }
    added = cloud.run("tenant", "add", "coastnet", "--name", "Coast Net", "--owner", "amina@example.co.ke")
    answer = json.loads(added.stdout)
    assert set(answer) >= {"tenant_id", "token"}
    headers = {"Authorization": f"Bearer {answer['token']}"}
    assert httpx.get(f"http://127.0.0.1:{cloud.http}/v1/sites", headers=headers).status_code == 200
    again = cloud.run("tenant", "add", "coastnet", "--name", "Coast Net", "--owner", "amina@example.co.ke")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.strip().endswith("Use another slug.")
    database = cloud.database_pid()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    until(lambda: not lives(database), cloud, 2)


def test_the_other_half_takes_over_when_the_owner_is_killed(cloud: Cloud) -> None:
    owner = cloud.start("--only", "worker")
    until(lambda: (cloud.data / "runtime.json").exists(), cloud)
    other = cloud.start("--only", "api")
    until(cloud.ready, cloud)
    until(cloud.broker_listens, cloud)
    assert cloud.runtime()["pid"] == owner.pid
    database = cloud.database_pid()
    owner.kill()
    owner.wait()
    began = time.monotonic()
    until(lambda: cloud.runtime().get("pid") == other.pid and cloud.broker_listens(), cloud)
    print(f"taken over after {time.monotonic() - began:.1f} s")
    assert cloud.database_pid() == database
    assert cloud.ready()
    # Now the database dies too: its new keeper starts it again.
    os.kill(database, signal.SIGKILL)
    until(lambda: not cloud.ready() or cloud.database_pid() != database, cloud)
    until(cloud.ready, cloud)


@pytest.mark.long  # four starts of the program
def test_the_command_line_works_without_a_running_cloud(cloud: Cloud) -> None:
    added = cloud.run("tenant", "add", "coastnet", "--name", "Coast Net", "--owner", "amina@example.co.ke")
    assert added.returncode == 0, added.stderr
    listed = cloud.run("tenant", "list")
    assert json.loads(listed.stdout)["slug"] == "coastnet"
    assert cloud.run("token", "add", "coastnet", "--email", "nobody@example.co.ke").returncode == 1


@pytest.mark.long  # each starts a cloud of its own
@pytest.mark.parametrize("door", ["http", "enrol", "broker"])
def test_a_taken_port_is_one_sentence_and_a_failure(cloud: Cloud, door: str) -> None:
    with socket.create_server(("127.0.0.1", getattr(cloud, door))):
        process = cloud.start()
        assert process.wait(40) == 1
    last = cloud.log.read_text().strip().splitlines()[-1]
    assert "Stop what listens there" in last


def test_a_wrong_setting_is_one_sentence(cloud: Cloud) -> None:
    command, environment = cloud.command("serve")
    environment["MNARA_CLOUD_BROKER_URL"] = "nonsense"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert "MNARA_CLOUD_BROKER_URL" in done.stderr


async def enrolled(cloud: Cloud, token: str) -> SpeakingAgent:
    """Enrol through the public doors."""
    api = f"http://127.0.0.1:{cloud.http}/v1"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        site = (await client.post(f"{api}/sites", json={"name": "Tower", "pool": "100.64.0.0/22"})).json()
        claim = (await client.post(f"{api}/sites/{site['id']}/claims")).json()
    trusted = ssl.create_default_context(cadata=(cloud.data / "ca.pem").read_text())
    keys = AgentKeys()
    async with httpx.AsyncClient(verify=trusted) as door:
        asked = keys.request(claim["claim_code"]).model_dump(mode="json")
        answered = await door.post(f"{claim['enrol_url']}/enrol", json=asked)
    answer = EnrolAnswer.model_validate(answered.json())
    issued = keys.issued(answer.certificate_pem)
    tls = tls_context(issued, server=False, trusted_pem=answer.ca_pem)
    down = f"mnara1/{answer.shard:02d}/{answer.agent}/dn"
    settings = LinkSettings("127.0.0.1", cloud.broker, answer.agent, tls, [down])
    return SpeakingAgent(Link(settings, CLOCK, random.Random(1)), keys, answer)


async def test_a_revoked_agent_loses_its_connection_at_once_and_does_not_come_back(cloud: Cloud) -> None:
    cloud.start()
    await asyncio.to_thread(until, cloud.ready, cloud)
    added = cloud.run("tenant", "add", "coastnet", "--name", "Coast Net", "--owner", "amina@example.co.ke")
    agent = await enrolled(cloud, json.loads(added.stdout)["token"])
    async with connected(agent.link):
        agent.say(Hello(nonce="n", agent_version="1", boot="b", connection="c", held=Held(), keys_version=1))
        assert (await agent.expect(Welcome)).nonce == "n"
        await agent.expect_snapshot()
        revoked = await asyncio.to_thread(cloud.run, "agent", "revoke", agent.answer.agent, "--reason", "stolen")
        assert revoked.returncode == 0, revoked.stderr
        await async_until(lambda: not agent.link.up, 2.0)
        await asyncio.sleep(1.5)
        assert not agent.link.up
