"""Ansible with its collection community.routeros as they come: playbooks, each run twice."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mikrotik.routers import PASSWORD, USER, Router

PLAYBOOKS = Path(__file__).parent / "playbooks"
BIN = Path(sys.executable).parent


def play(name: str, router: Router, folder: Path, *, tls: bool = False) -> dict[str, int]:
    """Run a playbook; ok, changed, failed as Ansible counts them."""
    facts = {
        "router": router.host, "api_port": router.tls_port if tls else router.port, "user": USER, "word": PASSWORD,
        "tls": tls, "ca": str(router.certificate), "version": router.version,
        "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    environment = os.environ | {
        "ANSIBLE_HOME": str(folder / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(BIN.parent / "collections")),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    done = subprocess.run(
        [BIN / "ansible-playbook", str(PLAYBOOKS / name), "--extra-vars", json.dumps(facts), "--diff"],
        env=environment, capture_output=True, text=True, check=False, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", done.stdout.partition("PLAY RECAP")[2])}


def test_a_second_run_of_api_modify_changes_nothing(router: Router, folder: Path) -> None:
    router.ask("script", text="/system identity set name=before")
    first = play("modify.yml", router, folder)
    assert first["changed"] >= 1
    assert next(row.get("comment") for row in router.rows("/ip/firewall/filter") if "dynamic" not in row) == "dns"
    assert router.row("/ppp/secret", "otieno")["password"] == "00123"
    again = play("modify.yml", router, folder, tls=True)
    assert (again["ok"], again["changed"]) == (7, 0)


def test_the_order_of_rules_is_mended(now: Router, folder: Path) -> None:
    play("modify.yml", now, folder)
    rules = [row for row in now.rows("/ip/firewall/filter") if row.get("dynamic") != "true"]
    now.ask("script", text=f"/ip firewall filter move {rules[0]['.id']}")
    assert play("modify.yml", now, folder)["changed"] == 1
    mended = [row[".id"] for row in now.rows("/ip/firewall/filter") if row.get("dynamic") != "true"]
    assert mended == [row[".id"] for row in rules]


def test_hotspot_users_too(router: Router, folder: Path) -> None:
    if "/ip/hotspot/user" not in router.ask("stats")["rows"]:
        pytest.skip("this simulator has no hotspot yet")
    play("hotspot.yml", router, folder)
    assert play("hotspot.yml", router, folder)["changed"] == 0


def test_the_other_modules_are_answered(router: Router, folder: Path) -> None:
    assert play("others.yml", router, folder)["failed"] == 0
