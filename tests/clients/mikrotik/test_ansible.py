"""Ansible with its collection community.routeros as they come: playbooks on two personalities, each run twice."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mikrotik.routers import NOW, OLD, PASSWORD, USER, Router

PLAYBOOKS = Path(__file__).parent / "playbooks"
BIN = Path(sys.executable).parent
# In the order in which a router shows them: the collection compares text.
POLICIES = (
    "read,write,api,!local,!telnet,!ssh,!ftp,!reboot,!policy,!test,!winbox,!password,!web,!sniff,!sensitive,!romon,"
)
Counts = dict[str, int]


@pytest.fixture
def both(routers: dict[str, Router]) -> list[Router]:
    """Ansible takes both personalities in one play, side by side."""
    return [routers[NOW], routers[OLD]]


def play(name: str, both: list[Router], folder: Path, *, tls: bool = False) -> list[Counts]:
    """Run a playbook on the routers; ok, changed, failed of each as Ansible counts them."""
    inventory = folder / "inventory.json"
    hosts = {f"ros{router.version.split('.')[0]}": facts(router, tls=tls) for router in both}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    environment = os.environ | {
        "ANSIBLE_HOME": str(folder / "ansible"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(BIN.parent / "collections"),
    }  # fmt: skip
    done = subprocess.run(
        [BIN / "ansible-playbook", "--diff", "-i", str(inventory), str(PLAYBOOKS / name)],
        env=environment, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.partition("PLAY RECAP")[2]
    counts = {}
    for line in recap.splitlines():
        host, _, words = line.partition(":")
        counts[host.strip()] = {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", words)}
    return [counts[host] for host in hosts]


def facts(router: Router, *, tls: bool) -> dict[str, object]:
    last = "!rest-api" if router.version.startswith("7") else "!dude,!tikapp"
    return {
        "router": router.host, "api_port": router.tls_port if tls else router.port, "user": USER, "word": PASSWORD,
        "tls": tls, "ca": str(router.certificate), "version": router.version, "policies": POLICIES + last,
        "ansible_python_interpreter": sys.executable,
    }  # fmt: skip


def rules(router: Router) -> list[dict[str, str]]:
    return [row for row in router.rows("/ip/firewall/filter") if row.get("dynamic") != "true"]


def test_a_second_run_changes_nothing_and_the_order_of_rules_is_mended(both: list[Router], folder: Path) -> None:
    assert [counts["changed"] for counts in play("modify.yml", both, folder)] == [7, 7]
    for router in both:
        assert rules(router)[0]["comment"] == "dns"
        assert router.row("/ppp/secret", "otieno")["password"] == "00123"
    again = play("modify.yml", both, folder, tls=True)
    assert [(counts["ok"], counts["changed"]) for counts in again] == [(7, 0), (7, 0)]

    kept = {router.version: [row[".id"] for row in rules(router)] for router in both}
    for router in both:
        router.ask("script", text=f"/ip firewall filter move {kept[router.version][0]}")
    assert [counts["changed"] for counts in play("modify.yml", both, folder)] == [1, 1]
    assert {router.version: [row[".id"] for row in rules(router)] for router in both} == kept


def test_a_second_run_on_further_menus_changes_nothing_either(both: list[Router], folder: Path) -> None:
    assert all(counts["changed"] >= 15 for counts in play("more.yml", both, folder))
    assert [counts["changed"] for counts in play("more.yml", both, folder)] == [0, 0]


def test_the_other_modules_are_answered(both: list[Router], folder: Path) -> None:
    assert [counts["failed"] for counts in play("others.yml", both, folder)] == [0, 0]
