"""Backups that bring everything back, and a reset after which the router is as it was delivered."""

from lab.mikrotik.script import run_script
from lab.mikrotik.speech.commands import Rebooting, parse
from lab.mikrotik.speech.language import Language
from tests.unit.lab.mikrotik.conftest import Console


def reboots(console: Console, *words: str) -> None:
    """Say something that takes the router down, and let it come up."""
    assert isinstance(Language(console.router).run(parse(list(words)), console.access), Rebooting)
    console.router.reboot()


def names(console: Console, menu: str) -> list[str]:
    return [row["name"] for row in console.rows(f"{menu}/print")]


def test_a_backup_brings_back_the_whole_configuration_under_new_ids(console: Console) -> None:
    console.add("/ppp/secret", name="ann", password="pw")
    console.say("/ppp/profile/set", "=.id=default", "=rate-limit=1M/1M")
    console.say("/system/backup/save", "=name=before")
    before = {row["name"]: row[".id"] for row in console.rows("/ppp/secret/print")}
    run_script(
        console.router,
        "/ppp secret remove ann\n/ppp secret add name=bob\n/system identity set name=lost\n"
        "/ppp profile set default rate-limit=9M/9M\n/user add name=agent group=full",
    )
    reboots(console, "/system/backup/load", "=name=before.backup")
    assert names(console, "/ppp/secret") == ["ann"]
    assert console.rows("/ppp/secret/print")[0][".id"] != before["ann"]
    assert console.rows("/ppp/profile/print", "?name=default")[0]["rate-limit"] == "1M/1M"
    assert console.rows("/system/identity/print")[0]["name"] == "MikroTik"
    assert names(console, "/user") == ["admin"]
    assert names(console, "/file") == ["before.backup"]


def test_a_backup_is_kept_by_its_password_and_nothing_else_is_a_backup(console: Console) -> None:
    console.say("/system/backup/save", "=name=locked", "=password=x")
    assert console.trap("/system/backup/load", "=name=locked.backup")[0] == "failure: wrong password"
    assert console.trap("/system/backup/load", "=name=none")[0] == "failure: backup file not found"
    console.say("/file/add", "=name=false.backup", "=contents=nothing")
    assert console.trap("/system/backup/load", "=name=false.backup")[0] == "failure: not a backup file"


def test_after_a_reset_the_router_is_as_delivered(console: Console) -> None:
    fresh = console.router.desk.exporter.text().split("\n", 1)[1]
    run_script(
        console.router,
        """
/user add name=agent group=full
/ppp secret add name=ann
/ip firewall filter remove [find comment~"defconf"]
/ip service set telnet disabled=no
/interface list member remove [find]
""",
    )
    reboots(console, "/system/reset-configuration")
    assert names(console, "/user") == ["admin"]
    assert names(console, "/ppp/secret") == []
    assert console.router.desk.exporter.text().split("\n", 1)[1] == fresh
    assert names(console, "/file") == ["auto-before-reset.backup"]


def test_a_reset_without_defaults_leaves_nothing_and_can_keep_the_users(console: Console) -> None:
    run_script(console.router, "/user group add name=g policy=api,read\n/user add name=agent group=g")
    switches = ("=no-defaults=yes", "=keep-users=yes", "=skip-backup=yes")
    reboots(console, "/system/reset-configuration", *switches)
    assert names(console, "/user") == ["admin", "agent"]
    assert console.rows("/ip/firewall/filter/print") == []
    assert console.rows("/file/print") == []


def test_a_script_runs_after_the_reset(console: Console) -> None:
    console.router.desk.files.write("after.rsc", "/system identity set name=anew\nnonsense")
    reboots(console, "/system/reset-configuration", "=no-defaults=yes", "=run-after-reset=after.rsc")
    assert console.rows("/system/identity/print")[0]["name"] == "anew"
    assert any("run-after-reset failed" in row["message"] for row in console.rows("/log/print"))


def test_a_reset_needs_more_than_the_right_to_write(console: Console) -> None:
    console.access.policies = frozenset(("read", "write", "api", "reboot"))
    assert console.trap("/system/reset-configuration") == ("not enough permissions (9)", None)


def test_a_script_that_reboots_ends_there(console: Console) -> None:
    run_script(console.router, "/system identity set name=a\n/system reboot\n/system identity set name=b")
    assert console.router.boots == 2
    assert console.rows("/system/identity/print")[0]["name"] == "a"
