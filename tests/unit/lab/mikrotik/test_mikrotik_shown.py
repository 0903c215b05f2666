"""Menus that are only shown, interfaces in two menus, ping, and one walk over every menu of every version."""

import json
from collections.abc import Callable

import pytest

from lab.mikrotik.router import Setup
from lab.mikrotik.store.tables import Tables
from lab.mikrotik.thread import RunningRouter, running_router
from tests.unit.lab.mikrotik.conftest import Console, RawClient

Connect = Callable[[RunningRouter], RawClient]
NewConsole = Callable[..., Console]
VERSIONS = ("6.49.18", "7.9.2", "7.15.3", "7.18.2", "7.20.8")
VALUES = {
    "ranges": "10.9.0.1-10.9.0.9", "target": "10.9.0.1", "address": "10.9.0.1/24", "interface": "ether1", "list": "l",
    "chain": "forward", "group": "full", "kind": "pfifo", "service": "ppp", "host": "10.9.0.1", "bridge": "bridge",
    "parent": "global", "user": "u", "common-name": "c", "days-valid": "1", "mac-address": "02:00:00:00:00:01",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_every_menu_prints_takes_its_least_row_and_lets_go_of_it(
    connect: Connect, capfd: pytest.CaptureFixture[str], version: str
) -> None:
    with running_router(Setup(version=version, password="s3cret")) as running:
        client = connect(running).log_in()
        tables, added = list(Tables(tuple(map(int, version.split("."))))), 0
        for table in tables:
            path = table.menu.path
            for words in ((), ("=detail=",), ("=.proplist=nobody-has-it",), ("=count-only=",)):
                assert client.talk(f"{path}/print", *words)[-1][0] == "!done"
                assert client.talk(f"{path}/print", *words)[0][0] != "!trap", (path, words)
            if "add" not in table.menu.verbs:
                continue
            needed = [f"={name}={VALUES.get(name, 'x')}" for name, field in table.fields.items() if field.required]
            answer = client.talk(f"{path}/add", *needed)
            if answer[0][0] == "!trap":
                assert "=message=" in answer[0][-1], (path, answer)
                continue
            added += 1
            made = answer[0][1].removeprefix("=ret=")
            flags = [name for name in table.fitted.accepts["set"] if name in table.fields]
            for name in sorted(flags):
                if table.fields[name].kind.__name__ == "boolean":
                    for said in ("yes", "no", "true", "false"):
                        reply = client.talk(f"{path}/set", f"=.id={made}", f"={name}={said}")
                        assert reply[-1] == ["!done"], (path, name, reply)
            assert client.talk(f"{path}/remove", f"=.id={made}")[-1] == ["!done"], path
        assert added > 25
    assert capfd.readouterr().err == ""


def test_an_interface_is_told_in_one_menu_and_known_in_the_other(console: Console) -> None:
    console.say("/interface/ethernet/set", "=.id=ether1", "=name=wan", "=comment=uplink")
    assert console.rows("/interface/print", "?name=wan")[0]["comment"] == "uplink"
    assert console.rows("/ip/address/print")[0]["interface"] == "wan"
    console.say("/interface/set", "=.id=wan", "=name=ether1", "=comment=")
    assert "comment" not in console.rows("/interface/ethernet/print", "?name=ether1")[0]
    console.say("/interface/disable", "=.id=ether3")
    assert console.rows("/interface/ethernet/print", "?name=ether3")[0]["disabled"] == "true"


def test_a_vlan_is_an_interface_as_long_as_it_is_there(console: Console) -> None:
    made = console.add("/interface/vlan", name="v10", vlan_id="10", interface="ether2")
    console.add("/interface/pppoe-server/server", interface="v10", service_name="s")
    assert console.rows("/interface/print", "?name=v10")[0]["type"] == "vlan"
    console.say("/interface/vlan/remove", f"=.id={made}")
    assert console.rows("/interface/print", "?name=v10") == []


def test_two_kinds_of_interface_cannot_share_a_name_nor_lose_it(console: Console) -> None:
    bridge = console.add("/interface/bridge", name="lan")
    taken = ("failure: already have interface with such name", None)
    assert console.trap("/interface/vlan/add", "=name=lan", "=interface=ether1", "=vlan-id=7") == taken
    assert console.trap("/interface/bridge/set", f"=.id={bridge}", "=name=ether2") == taken
    assert console.trap("/interface/bridge/set", f"=.id={bridge}", "=!name=")[1] == 1
    console.say("/interface/bridge/set", f"=.id={bridge}", "=name=lan", "=comment=same")
    assert [row["comment"] for row in console.rows("/interface/print", "?name=lan")] == ["same"]


def test_a_ping_is_answered_by_whom_the_router_knows(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    known = client.talk("/ping", "=address=198.51.100.2", "=count=2", "=interval=10ms")
    assert [word for word in known[1] if "received" in word or "loss" in word] == ["=received=2", "=packet-loss=0"]
    assert client.talk("/tool/ping", "=address=203.0.113.77", "=count=1") == [
        ["!re", "=seq=0", "=host=203.0.113.77", "=status=timeout", "=sent=1", "=received=0", "=packet-loss=100"],
        ["!done"],
    ]
    assert client.talk("/ping")[0] == ["!trap", "=message=missing =address="]
    assert json.dumps(client.talk("/ping", "=address=10.0.0.1", "=count=x")).count("invalid value") == 1


def test_note_update_and_logging_read_as_delivered(new_console: NewConsole) -> None:
    console = new_console(version="7.20.8")
    assert console.rows("/system/package/update/print") == [{"channel": "stable", "installed-version": "7.20.8"}]
    assert [row["topics"] for row in console.rows("/system/logging/print")] == ["info", "error", "warning", "critical"]
    console.say("/system/note/set", "=note=hill")
    assert console.rows("/system/note/print")[0]["note"] == "hill"
