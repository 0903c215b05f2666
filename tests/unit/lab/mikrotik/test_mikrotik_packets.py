"""What passes and what does not: the wall, its order, fasttrack, NAT, IPv6."""

import pytest

from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console

PAY = "10.0.0.2"
WALL = """
/ip firewall address-list add list=mnara-pay address=10.0.0.2
/ip firewall filter
add chain=input action=accept protocol=udp dst-port=53 src-address-list=mnara-walled comment="mnara-rule:dns"
add chain=input action=drop src-address-list=mnara-walled comment="no more of the router"
add chain=forward action=accept src-address-list=mnara-walled dst-address-list=mnara-pay comment="mnara-rule:pay"
add chain=forward action=accept src-address-list=mnara-pay dst-address-list=mnara-walled comment="mnara-rule:pay-back"
add chain=forward action=reject src-address-list=mnara-walled comment="mnara-rule:wall"
add chain=forward action=drop dst-address-list=mnara-walled comment="mnara-rule:wall-in"
"""
ABOVE = "".join(
    f'/ip firewall filter move [find comment="mnara-rule:{name}"] destination=[find action=fasttrack-connection]\n'
    for name in ("dns", "pay", "pay-back", "wall", "wall-in")
)
NAT = (
    "/ip firewall nat add chain=dstnat action=dst-nat protocol=tcp dst-port=80 src-address-list=mnara-walled"
    " dst-address-list=!mnara-pay to-addresses=10.0.0.2 to-ports=8080\n"
)


@pytest.fixture
def tower(console: Console) -> Console:
    run_script(console.router, WALL + ABOVE + NAT)
    console.add(
        "/ppp/secret", name="ann", remote_address="100.64.0.5", local_address="100.64.0.1",
        remote_ipv6_prefix="2001:db8:5::/56",
    )  # fmt: skip
    console.router.dial("ann", "")
    return console


def wall(tower: Console) -> str:
    return tower.add("/ip/firewall/address-list", list="mnara-walled", address="100.64.0.5", comment="mnara:1")


def test_nobody_offline_reaches_anything(tower: Console) -> None:
    tower.router.hangup("ann")
    answer = tower.router.reach("ann", "1.2.3.4")
    assert (answer.reach, answer.by) == (False, "offline")


def test_without_a_row_everything_passes(tower: Console) -> None:
    assert tower.router.reach("ann", "1.2.3.4").by == "default"


def test_a_walled_subscriber_reaches_only_the_pay_page_and_dns(tower: Console) -> None:
    row = wall(tower)
    assert tower.router.reach("ann", "1.2.3.4").by == "mnara-rule:wall"
    assert tower.router.reach("ann", PAY).by == "mnara-rule:pay"
    assert tower.router.reach("ann", "100.64.0.1", "udp", 53).by == "mnara-rule:dns"
    assert tower.router.reach("ann", "100.64.0.1", "tcp", 8728).by == "no more of the router"
    assert not tower.router.reach("ann", "1.2.3.4", inbound=True).reach
    tower.say("/ip/firewall/address-list/remove", f"=.id={row}")
    assert tower.router.reach("ann", "1.2.3.4").reach


def test_a_disabled_row_walls_nobody(tower: Console) -> None:
    tower.say("/ip/firewall/address-list/disable", f"=.id={wall(tower)}")
    assert tower.router.reach("ann", "1.2.3.4").reach


def test_a_range_and_a_network_wall_who_is_in_them(tower: Console) -> None:
    for block in ("100.64.0.0/24", "100.64.0.4-100.64.0.6"):
        made = tower.add("/ip/firewall/address-list", list="mnara-walled", address=block)
        assert not tower.router.reach("ann", "1.2.3.4").reach
        tower.say("/ip/firewall/address-list/remove", f"=.id={made}")


def test_plain_http_of_the_walled_is_led_to_the_pay_page(tower: Console) -> None:
    wall(tower)
    answer = tower.router.reach("ann", "1.2.3.4", "tcp", 80)
    assert (answer.reach, answer.to, answer.port) == (True, PAY, 8080)


def test_a_live_connection_not_fasttracked_meets_the_wall(console: Console) -> None:
    run_script(console.router, WALL + ABOVE)
    rules = "/ip/firewall/filter"
    top = console.rows(f"{rules}/print", "?action=fasttrack-connection")[0][".id"]
    for way in ("src", "dst"):
        values = {"chain": "forward", f"{way}_address": "100.64.0.0/22", "connection_state": "established"}
        console.add(rules, **values, place_before=top)
    console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
    console.router.dial("ann", "")
    assert console.router.connect("ann", "1.2.3.4")
    assert console.rows("/ip/firewall/connection/print")[0]["fasttrack"] == "false"
    wall(console)
    assert console.router.reach("ann", "1.2.3.4").by == "mnara-rule:wall"


def test_a_fasttracked_connection_passes_the_wall_until_its_row_is_removed(tower: Console) -> None:
    assert tower.router.connect("ann", "1.2.3.4")
    wall(tower)
    assert tower.router.reach("ann", "1.2.3.4").by == "fasttrack"
    (row,) = tower.rows("/ip/firewall/connection/print")
    assert row["src-address"].startswith("100.64.0.5:")
    tower.say("/ip/firewall/connection/remove", f"=.id={row['.id']}")
    assert tower.router.reach("ann", "1.2.3.4").by == "mnara-rule:wall"


def test_rules_below_an_accept_of_established_let_open_connections_live(console: Console) -> None:
    run_script(console.router, WALL)
    console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
    console.router.dial("ann", "")
    assert console.router.connect("ann", "1.2.3.4", fasttracked=False)
    wall(console)
    assert console.router.reach("ann", "1.2.3.4").reach
    assert not console.router.reach("ann", "5.6.7.8").reach


def test_a_chain_is_jumped_to_and_returned_from(tower: Console) -> None:
    rules = "/ip/firewall/filter"
    tower.add(rules, chain="forward", action="jump", jump_target="mine")
    tower.add(rules, chain="mine", action="return", protocol="udp")
    tower.add(rules, chain="mine", action="drop", dst_port="443", protocol="tcp", comment="mine")
    assert tower.router.reach("ann", "1.2.3.4").by == "mine"
    assert tower.router.reach("ann", "1.2.3.4", "udp", 443).reach


def test_a_name_in_a_list_stands_for_its_addresses(tower: Console) -> None:
    wall(tower)
    tower.add("/ip/firewall/address-list", list="mnara-pay", address="pay.example")
    assert not tower.router.reach("ann", "192.0.2.7").reach
    tower.router.set_host("pay.example", ["192.0.2.7"])
    assert tower.router.reach("ann", "192.0.2.7").reach
    (made,) = tower.rows("/ip/firewall/address-list/print", "?comment=pay.example")
    assert (made["address"], made["dynamic"]) == ("192.0.2.7", "true")
    tower.router.set_host("pay.example", ["192.0.2.8"])
    assert not tower.router.reach("ann", "192.0.2.7").reach


def test_ipv6_has_a_wall_of_its_own(tower: Console) -> None:
    assert tower.router.reach("ann", "2001:db8:ffff::1").reach
    tower.add("/ipv6/firewall/address-list", list="mnara-walled", address="2001:db8:5::/56")
    tower.add("/ipv6/firewall/filter", chain="forward", action="reject", src_address_list="mnara-walled", comment="w6")
    assert tower.router.reach("ann", "2001:db8:ffff::1").by == "w6"


def test_a_rule_with_a_matcher_that_is_not_modelled_never_matches(tower: Console) -> None:
    tower.add("/ip/firewall/filter", chain="forward", action="drop", content="x")
    assert tower.router.reach("ann", "1.2.3.4").reach
