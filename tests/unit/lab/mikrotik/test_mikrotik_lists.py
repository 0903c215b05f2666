"""Membership of address lists stays right whatever happens to their rows, and costs nothing per session."""

import ipaddress
import random

from lab.mikrotik.packets.packets import AddressLists
from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console

LISTS = "/ip/firewall/address-list"


def test_a_list_follows_rows_that_come_change_and_go(console: Console) -> None:
    chance = random.Random(4)
    table = console.router.tables.get(LISTS)
    kept = AddressLists(table)
    asked = [ipaddress.ip_address(f"10.0.0.{last}") for last in range(16)]
    for _ in range(400):
        rows = [row for row in table if not row.dynamic]
        match chance.randrange(4):
            case 0:
                size = chance.choice(["", "/30", "/31", f"-10.0.0.{chance.randrange(10, 16)}"])
                address = f"10.0.0.{chance.randrange(10)}{size}"
                name = chance.choice("ab")
                run_script(console.router, f":do {{{LISTS} add list={name} address={address}}} on-error={{}}")
            case 1 if rows:
                console.say(f"{LISTS}/remove", f"=.id={chance.choice(rows).id}")
            case 2 if rows:
                wish = chance.choice(["disable", "enable"])
                run_script(console.router, f":do {{{LISTS} {wish} {chance.choice(rows).id}}} on-error={{}}")
            case 3 if rows:
                run_script(console.router, f":do {{{LISTS} set {chance.choice(rows).id} list=b}} on-error={{}}")
            case _:
                pass
        fresh = AddressLists(table)
        for name in "ab":
            assert [kept.holds(name, one) for one in asked] == [fresh.holds(name, one) for one in asked]


def test_the_same_address_twice_is_on_the_list_until_both_rows_are_gone(console: Console) -> None:
    run_script(
        console.router,
        "/ppp profile add name=p local-address=10.0.0.1 address-list=walled\n"
        "/ppp secret add name=ann profile=p remote-address=10.0.0.9\n"
        "/ip firewall filter add chain=forward action=drop src-address-list=walled comment=wall",
    )
    console.router.dial("ann", "")
    assert console.router.reach("ann", "8.8.8.8").by == "wall"
    table = console.router.tables.get(LISTS)
    (dynamic,) = table
    static = table.insert({"list": "walled", "address": "10.0.0.9", "disabled": "false"})
    table.remove(dynamic)
    assert console.router.reach("ann", "8.8.8.8").by == "wall"
    table.remove(static)
    assert console.router.reach("ann", "8.8.8.8").reach
