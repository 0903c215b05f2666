"""Raw, mangle, counters, matchers of senders and types, the hotspot's garden and its place before the firewall."""

from collections.abc import Callable

import pytest

from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console

ANN = "02:00:00:00:00:0A"
FILTER, NAT, RAW = (f"/ip/firewall/{part}" for part in ("filter", "nat", "raw"))
GARDEN = "/ip/hotspot/walled-garden"


@pytest.fixture
def tower(console: Console) -> Console:
    console.add("/ip/address", address="10.5.50.1/24", interface="bridge")
    console.router.plug_in(ANN, address="10.5.50.10")
    return console


@pytest.fixture
def cafe(tower: Console) -> Console:
    """The same with a hotspot that nobody has logged in to."""
    tower.add("/ip/hotspot/profile", name="hs", login_by="http-pap", dns_name="wifi.example")
    tower.add("/ip/hotspot/user", name="ann", password="pw")
    tower.add("/ip/hotspot", name="hs1", interface="bridge", profile="hs", disabled="no")
    tower.router.set_host("pay.safaricom.co.ke", ["192.0.2.7"])
    tower.router.set_host("wifi.example", ["10.5.50.1"])
    tower.router.set_host("news.example", ["192.0.2.8"])
    return tower


def counters(console: Console, menu: str, row: str) -> tuple[str, str]:
    (found,) = console.rows(f"{menu}/print", f"?.id={row}")
    return found["packets"], found["bytes"]


def test_raw_drops_before_all_else_and_in_both_directions(tower: Console) -> None:
    made = tower.add(RAW, chain="prerouting", action="drop", dst_address="192.0.2.0/24", comment="raw out")
    tower.add(RAW, chain="prerouting", action="drop", src_address="198.18.0.0/15", comment="raw back")
    tower.add(FILTER, chain="forward", action="accept", dst_address="192.0.2.0/24")
    assert tower.router.reach(ANN, "192.0.2.1").by == "raw out"
    assert tower.router.reach(ANN, "198.18.0.1").by == "raw back"
    assert counters(tower, RAW, made) == ("1", "60")


def test_what_raw_does_not_track_is_not_translated(tower: Console) -> None:
    tower.add(NAT, chain="dstnat", action="dst-nat", protocol="tcp", dst_port="80", to_addresses="10.0.0.2")
    assert tower.router.reach(ANN, "192.0.2.1", "tcp", 80).to == "10.0.0.2"
    tower.add(RAW, chain="prerouting", action="notrack", dst_address="192.0.2.1")
    tower.add(FILTER, chain="forward", action="accept", connection_state="untracked", comment="bare")
    answer = tower.router.reach(ANN, "192.0.2.1", "tcp", 80)
    assert (answer.to, answer.reach) == ("192.0.2.1", True)


def test_rules_count_what_they_meet_and_forget_it_when_told(tower: Console) -> None:
    drop = tower.add(FILTER, chain="forward", action="drop", protocol="udp")
    passed = tower.add(FILTER, chain="forward", action="passthrough", src_mac_address=ANN)
    mark = tower.add("/ip/firewall/mangle", chain="prerouting", action="mark-packet", new_packet_mark="x")
    for port in (53, 123):
        tower.router.reach(ANN, "192.0.2.1", "udp", port)
    tower.router.reach(ANN, "192.0.2.1", "tcp", 443)
    assert counters(tower, FILTER, drop) == ("2", "120")
    assert counters(tower, FILTER, passed) == ("1", "60")
    # Two packets out that were dropped later, one out, one back.
    assert counters(tower, "/ip/firewall/mangle", mark) == ("4", "240")
    tower.say(f"{FILTER}/reset-counters", f"=.id={drop}")
    assert (counters(tower, FILTER, drop), counters(tower, FILTER, passed)) == (("0", "0"), ("1", "60"))
    tower.say(f"{FILTER}/reset-counters-all")
    assert counters(tower, FILTER, passed) == ("0", "0")


def test_masquerade_counts_connections_and_shows_in_them(tower: Console) -> None:
    (rule,) = tower.rows(f"{NAT}/print", "?action=masquerade")
    assert tower.router.connect(ANN, "192.0.2.1")
    (row,) = tower.rows("/ip/firewall/connection/print")
    assert (row["srcnat"], row["reply-dst-address"].split(":")[0]) == ("true", "198.51.100.2")
    assert counters(tower, NAT, rule[".id"])[0] == "1"


def test_fasttracked_packets_count_on_the_rule_that_is_none(tower: Console) -> None:
    assert tower.router.connect(ANN, "192.0.2.1")
    tower.router.reach(ANN, "192.0.2.1")
    (dummy,) = tower.rows(f"{FILTER}/print", "?dynamic=true")
    assert dummy["packets"] == "1"


def test_a_rule_may_mean_the_senders_mac(tower: Console) -> None:
    made = tower.add(FILTER, chain="forward", action="drop", src_mac_address=f"!{ANN}", comment="mac")
    assert tower.router.reach(ANN, "192.0.2.1").reach
    tower.say(f"{FILTER}/set", f"=.id={made}", f"=src-mac-address={ANN}")
    assert tower.router.reach(ANN, "192.0.2.1").by == "mac"


def test_a_rule_may_mean_the_router_itself(tower: Console) -> None:
    tower.add(FILTER, chain="input", action="drop", dst_address_type="local", protocol="icmp", comment="no ping")
    assert tower.router.reach(ANN, "10.5.50.1", "icmp", 0).by == "no ping"
    assert tower.router.reach(ANN, "198.51.100.2", "icmp", 0).by == "no ping"
    assert tower.router.reach(ANN, "192.0.2.1", "icmp", 0).reach


def test_redirect_leads_to_the_router(tower: Console) -> None:
    tower.add(NAT, chain="dstnat", action="redirect", protocol="udp", dst_port="53", to_ports="5353")
    answer = tower.router.reach(ANN, "8.8.8.8", "udp", 53)
    assert (answer.to, answer.port, answer.reach) == ("10.5.50.1", 5353, True)
    tower.add(FILTER, chain="input", action="drop", protocol="udp", dst_port="5353", comment="in")
    assert tower.router.reach(ANN, "8.8.8.8", "udp", 53).by == "in"


def test_who_knocks_is_put_on_a_list_for_a_while(tower: Console) -> None:
    tower.add(FILTER, chain="forward", action="add-src-to-address-list", address_list="knockers",
              address_list_timeout="1m", dst_port="7", protocol="tcp")  # fmt: skip
    tower.router.reach(ANN, "192.0.2.1", "tcp", 7)
    (row,) = tower.rows("/ip/firewall/address-list/print")
    assert (row["list"], row["address"], row["timeout"], row["dynamic"]) == ("knockers", "10.5.50.10", "1m", "true")
    tower.wait_s(61)
    assert tower.rows("/ip/firewall/address-list/print") == []


def test_before_login_there_are_dns_and_the_page_and_nothing_else(cafe: Console) -> None:
    reach = cafe.router.reach
    assert reach(ANN, "8.8.8.8", "udp", 53).by == "hotspot: dns"
    assert reach(ANN, "255.255.255.255", "udp", 67).by == "hotspot: dhcp"
    led = reach(ANN, "news.example", "tcp", 80)
    assert (led.by, led.to, led.port) == ("hotspot: login page", "10.5.50.1", 80)
    assert reach(ANN, "wifi.example", "tcp", 80).by == "hotspot: login page"
    assert [reach(ANN, to, "tcp", 443).by for to in ("wifi.example", "news.example")] == ["hotspot: not logged in"] * 2
    assert reach(ANN, "10.5.50.1", "tcp", 8728).by == "hotspot: not logged in"
    assert reach(ANN, "192.0.2.8", "icmp", 0).by == "hotspot: not logged in"
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=ssl-certificate=portal")
    assert reach(ANN, "wifi.example", "tcp", 443).by == "hotspot: login page"


@pytest.mark.parametrize("pattern", ["*.safaricom.co.ke", "pay.safaricom.co.k?", ":safaricom", "pay.safaricom.co.ke"])
def test_the_garden_is_entered_by_name_with_wildcards(cafe: Console, pattern: str) -> None:
    made = cafe.add(GARDEN, dst_host=pattern)
    assert cafe.router.reach(ANN, "pay.safaricom.co.ke").reach
    assert cafe.router.reach(ANN, "192.0.2.7").reach
    assert not cafe.router.reach(ANN, "news.example").reach
    assert not cafe.router.reach(ANN, "pay.safaricom.co.ke", "udp", 443).reach
    assert cafe.rows(f"{GARDEN}/print")[0]["hits"] == "2"
    cafe.say(f"{GARDEN}/reset-counters", f"=.id={made}")
    assert cafe.rows(f"{GARDEN}/print")[0]["hits"] == "0"


def test_the_garden_is_read_in_order_and_may_deny(cafe: Console) -> None:
    allow = cafe.add(GARDEN, dst_host="*.safaricom.co.ke")
    deny = cafe.add(GARDEN, dst_host="pay.*", action="deny")
    assert cafe.router.reach(ANN, "pay.safaricom.co.ke").reach
    cafe.say(f"{GARDEN}/move", f"=numbers={deny}", f"=destination={allow}")
    assert not cafe.router.reach(ANN, "pay.safaricom.co.ke").reach
    cafe.say(f"{GARDEN}/set", f"=.id={deny}", "=server=!hs1")
    assert cafe.router.reach(ANN, "pay.safaricom.co.ke").reach


def test_the_garden_by_address_comes_first_and_takes_every_port(cafe: Console) -> None:
    cafe.add(GARDEN, dst_host="pay.*")
    drop = cafe.add(f"{GARDEN}/ip", dst_host="pay.safaricom.co.ke", action="drop")
    assert cafe.router.reach(ANN, "pay.safaricom.co.ke").by == "hotspot: walled-garden/ip"
    cafe.say(f"{GARDEN}/ip/set", f"=.id={drop}", "=action=accept")
    assert cafe.router.reach(ANN, "192.0.2.7", "udp", 5_000).reach
    assert cafe.router.reach(ANN, "192.0.2.7", inbound=True).reach
    cafe.add(f"{GARDEN}/ip", dst_address="192.0.2.8", protocol="tcp", dst_port="8000-8100")
    assert cafe.router.reach(ANN, "192.0.2.8", "tcp", 8_080).by == "default"
    assert not cafe.router.reach(ANN, "192.0.2.8", "tcp", 443).reach
    assert cafe.trap(f"{GARDEN}/ip/add", "=dst-host=*.safaricom.co.ke")[0].startswith("invalid value")


def test_what_the_garden_lets_pass_the_filter_may_still_drop(cafe: Console) -> None:
    cafe.add(f"{GARDEN}/ip", dst_address="192.0.2.8")
    cafe.add(FILTER, chain="forward", action="drop", dst_address="192.0.2.8", comment="mine")
    assert cafe.router.reach(ANN, "192.0.2.8").by == "mine"


def test_rules_may_ask_whether_the_sender_is_logged_in(cafe: Console) -> None:
    cafe.add(f"{GARDEN}/ip", dst_address="192.0.2.8")
    cafe.add(FILTER, chain="forward", action="drop", hotspot="from-client,!auth", comment="unauth")
    cafe.add(FILTER, chain="forward", action="drop", hotspot="auth", protocol="udp", comment="auth udp")
    assert cafe.router.reach(ANN, "192.0.2.8").by == "unauth"
    cafe.router.hotspot_login(ANN, "ann", "pw")
    assert cafe.router.reach(ANN, "192.0.2.8").reach
    assert cafe.router.reach(ANN, "192.0.2.8", "udp", 9).by == "auth udp"


def test_a_fasttracked_connection_goes_on_after_the_logout(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    assert cafe.router.connect(ANN, "192.0.2.8")
    assert cafe.router.connect(ANN, "192.0.2.9", fasttracked=False)
    cafe.router.hotspot_logout(ANN)
    assert cafe.router.reach(ANN, "192.0.2.8").by == "fasttrack"
    assert cafe.router.reach(ANN, "192.0.2.9").by == "hotspot: not logged in"
    for row in cafe.rows("/ip/firewall/connection/print"):
        cafe.say("/ip/firewall/connection/remove", f"=.id={row['.id']}")
    assert not cafe.router.reach(ANN, "192.0.2.8").reach


def test_a_running_hotspot_shows_its_rules_above_everybodys(cafe: Console) -> None:
    rows = cafe.rows(f"{FILTER}/print")
    assert (rows[0]["jump-target"], rows[0]["hotspot"], rows[0]["dynamic"]) == (
        "hs-unauth",
        "from-client,!auth",
        "true",
    )
    assert cafe.trap(f"{FILTER}/remove", f"=.id={rows[0]['.id']}")[0].startswith("failure:")
    cafe.router.reboot()
    assert cafe.rows(f"{FILTER}/print")[0]["jump-target"] == "hs-unauth"
    cafe.say("/ip/hotspot/disable", "=.id=hs1")
    assert all("hs-unauth" not in row.values() for row in cafe.rows(f"{FILTER}/print"))


def test_its_rules_are_not_shown_where_that_is_assumed(new_console: Callable[..., Console]) -> None:
    console = new_console(switches=Switches(hotspot_rules_shown=False))
    console.add("/ip/hotspot", name="hs1", interface="bridge", disabled="no")
    assert len(console.rows(f"{FILTER}/print", "?dynamic=true")) == 1


def test_a_packet_leaves_by_the_interface_its_target_is_behind(tower: Console) -> None:
    tower.add("/ip/address", address="192.168.77.1/30", interface="ether5")
    tower.add(NAT, chain="dstnat", action="dst-nat", protocol="tcp", dst_port="80", to_addresses="192.168.77.2",
              to_ports="8080")  # fmt: skip
    tower.add(FILTER, chain="forward", action="accept", out_interface="ether5", comment="to the agent")
    tower.add(FILTER, chain="forward", action="drop", out_interface_list="WAN", comment="no internet")
    assert tower.router.reach(ANN, "203.0.113.5", "tcp", 80).by == "to the agent"
    assert tower.router.reach(ANN, "203.0.113.5", "tcp", 443).by == "no internet"
    assert tower.router.connect(ANN, "203.0.113.5", "tcp", 80, fasttracked=False)
    (row,) = tower.rows("/ip/firewall/connection/print")
    assert (row["srcnat"], row["dstnat"], row["reply-src-address"]) == ("false", "true", "192.168.77.2:8080")
    assert tower.router.reach(ANN, "203.0.113.5", "tcp", 80).by.startswith("defconf: accept established")


def test_interfaces_are_meant_by_kind_and_by_lists_of_lists(tower: Console) -> None:
    tower.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
    tower.router.dial("ann", "")
    made = tower.add(FILTER, chain="forward", action="drop", in_interface="all-ppp", comment="mine")
    assert (tower.router.reach("ann", "1.2.3.4").reach, tower.router.reach(ANN, "1.2.3.4").reach) == (False, True)
    tower.add("/interface/list", name="wired", include="static", exclude="WAN")
    tower.say(f"{FILTER}/set", f"=.id={made}", "=!in-interface=", "=in-interface-list=wired")
    assert (tower.router.reach("ann", "1.2.3.4").reach, tower.router.reach(ANN, "1.2.3.4").reach) == (True, False)
    tower.add("/interface/list/member", list="WAN", interface="bridge")
    assert tower.router.reach(ANN, "1.2.3.4").reach


def test_a_redirected_connection_stays_with_the_router(tower: Console) -> None:
    tower.add(NAT, chain="dstnat", action="redirect", protocol="tcp", dst_port="80", to_ports="8080")
    assert tower.router.connect(ANN, "203.0.113.5", "tcp", 80, fasttracked=False)
    tower.add(FILTER, chain="input", action="drop", protocol="tcp", dst_port="8080", comment="closed")
    assert tower.router.reach(ANN, "203.0.113.5", "tcp", 80).by == "closed"
