"""Hosts on the wire: static addresses, ARP, DHCP leases and what they bring."""

from collections.abc import Callable

import pytest

from lab.mikrotik.errors import HostError
from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console

ANN, BEN = "02:00:00:00:00:0A", "02:00:00:00:00:0B"
LEASE = "/ip/dhcp-server/lease"


def laid_out(console: Console) -> Console:
    console.add("/ip/address", address="10.5.50.1/24", interface="bridge")
    console.add("/ip/pool", name="lan", ranges="10.5.50.10-10.5.50.12")
    console.add("/ip/dhcp-server", name="dhcp1", interface="bridge", address_pool="lan", lease_time="10m")
    console.add("/ip/dhcp-server/network", address="10.5.50.0/24", gateway="10.5.50.1")
    return console


@pytest.fixture
def lan(console: Console) -> Console:
    return laid_out(console)


def lease(lan: Console) -> dict[str, str]:
    (row,) = lan.rows(f"{LEASE}/print")
    return row


def test_a_static_host_is_reached_by_name_mac_and_address(lan: Console) -> None:
    lan.router.plug_in(ANN.lower(), address="10.5.50.77", name="ann-tv")
    for who in ("ann-tv", ANN, "10.5.50.77"):
        assert lan.router.reach(who, "1.2.3.4").reach
    (arp,) = lan.rows("/ip/arp/print")
    assert (arp["address"], arp["mac-address"], arp["dynamic"]) == ("10.5.50.77", ANN, "true")
    assert lan.router.unplug("ann-tv")
    assert lan.rows("/ip/arp/print") == []
    assert lan.router.reach("ann-tv", "1.2.3.4").by == "offline"


@pytest.mark.parametrize(
    ("mac", "interface", "address"),
    [(ANN, "bridge", "10.6.0.1"), (ANN, "ether9", "dhcp"), ("ann", "bridge", "dhcp"), (ANN, "bridge", "10.5.50.1")],
)
def test_a_host_that_cannot_be_there_is_refused(lan: Console, mac: str, interface: str, address: str) -> None:
    with pytest.raises(HostError):
        lan.router.plug_in(mac, interface, address=address)


def test_an_address_is_given_once(lan: Console) -> None:
    lan.router.plug_in(ANN, address="10.5.50.77")
    with pytest.raises(HostError, match="taken"):
        lan.router.plug_in(BEN, address="10.5.50.77")


def test_a_static_arp_row_binds_an_address_to_its_mac(lan: Console) -> None:
    lan.router.plug_in(ANN, address="10.5.50.77")
    made = lan.add("/ip/arp", address="10.5.50.77", mac_address=BEN, interface="bridge")
    assert lan.router.reach(ANN, "1.2.3.4").by.startswith("arp")
    lan.say("/ip/arp/set", f"=.id={made}", f"=mac-address={ANN}")
    assert lan.router.reach(ANN, "1.2.3.4").reach


def test_a_client_gets_the_lowest_free_address_and_a_dynamic_lease(lan: Console) -> None:
    host = lan.router.plug_in(ANN, host_name="ann-phone")
    assert host.address == "10.5.50.10"
    row = lease(lan)
    assert (row["status"], row["dynamic"], row["active-address"]) == ("bound", "true", "10.5.50.10")
    assert (row["host-name"], row["expires-after"], row["last-seen"]) == ("ann-phone", "10m", "0s")
    (used,) = lan.rows("/ip/pool/used/print")
    assert (used["pool"], used["address"], used["info"]) == ("lan", "10.5.50.10", ANN)
    assert lan.router.reach(ANN, "1.2.3.4").reach


def test_a_pool_that_is_empty_leaves_a_client_without_address_until_one_is_free(lan: Console) -> None:
    for last in range(1, 4):
        lan.router.plug_in(f"02:00:00:00:01:{last:02X}")
    host = lan.router.plug_in(ANN)
    assert (host.address, lan.router.reach(ANN, "1.2.3.4").by) == ("", "no address")
    lan.router.unplug("02:00:00:00:01:01")
    lan.wait_s(605)
    lan.wait_s(10)
    assert host.address == "10.5.50.10"


def test_a_lease_is_renewed_at_half_time_while_the_client_is_there(lan: Console) -> None:
    lan.router.plug_in(ANN)
    lan.wait_s(200)
    assert (lease(lan)["expires-after"], lease(lan)["last-seen"]) == ("6m40s", "3m20s")
    lan.wait_s(100)
    assert (lease(lan)["expires-after"], lease(lan)["last-seen"]) == ("10m", "0s")


def test_the_lease_of_an_absent_client_ends_in_its_time(lan: Console) -> None:
    lan.router.plug_in(ANN)
    lan.router.unplug(ANN)
    lan.wait_s(599)
    assert lease(lan)["status"] == "bound"
    lan.wait_s(2)
    assert lan.rows(f"{LEASE}/print") == []
    assert lan.rows("/ip/pool/used/print") == []


def test_a_client_that_only_asks_is_offered_an_address_for_a_while(lan: Console) -> None:
    lan.router.plug_in(ANN, takes_offer=False)
    assert lease(lan)["status"] == "offered"
    lan.router.unplug(ANN)
    lan.wait_s(31)
    assert lan.rows(f"{LEASE}/print") == []


def test_a_static_lease_gives_its_address_its_queue_and_its_lists(lan: Console) -> None:
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN, rate_limit="2M/5M", address_lists="paid,vip")
    waiting = lease(lan)
    assert (waiting["status"], waiting["last-seen"]) == ("waiting", "never")
    assert lan.rows("/queue/simple/print") == []
    assert lan.router.plug_in(ANN).address == "10.5.50.200"
    (queue,) = lan.rows("/queue/simple/print")
    assert (queue["name"], queue["target"], queue["max-limit"]) == (
        f"dhcp-ds<{ANN}>", "10.5.50.200/32", "2000000/5000000",
    )  # fmt: skip
    lists = lan.rows("/ip/firewall/address-list/print")
    assert {(row["list"], row["dynamic"]) for row in lists} == {("paid", "true"), ("vip", "true")}
    lan.router.carry(ANN, 1_000, 2_000)
    assert lan.rows("/queue/simple/print")[0]["bytes"] == "1000/2000"
    lan.router.unplug(ANN)
    lan.wait_s(601)
    assert lan.rows("/queue/simple/print") == []
    assert lan.rows("/ip/firewall/address-list/print") == []
    assert (lease(lan)["status"], "active-address" in lease(lan)) == ("waiting", False)


def test_a_dynamic_lease_made_static_takes_a_rate_limit(lan: Console) -> None:
    lan.router.plug_in(ANN)
    made = lease(lan)[".id"]
    assert lan.trap(f"{LEASE}/set", f"=.id={made}", "=rate-limit=1M/1M")[0].startswith("failure:")
    lan.say(f"{LEASE}/make-static", f"=.id={made}")
    assert (lease(lan)["dynamic"], lease(lan)["address"]) == ("false", "10.5.50.10")
    lan.say(f"{LEASE}/set", f"=.id={made}", "=rate-limit=1M/1M")
    assert lan.rows("/queue/simple/print")[0]["max-limit"] == "1000000/1000000"
    lan.router.unplug(ANN)
    lan.wait_s(601)
    assert lease(lan)["status"] == "waiting"


def test_edits_wait_for_the_renewal_where_that_is_assumed(new_console: Callable[..., Console]) -> None:
    lan = laid_out(new_console(switches=Switches(lease_edits_at_once=False)))
    made = lan.add(LEASE, address="10.5.50.200", mac_address=ANN)
    lan.router.plug_in(ANN)
    lan.say(f"{LEASE}/set", f"=.id={made}", "=rate-limit=1M/1M")
    assert lan.rows("/queue/simple/print") == []
    lan.wait_s(300)
    assert len(lan.rows("/queue/simple/print")) == 1


def test_a_blocked_client_keeps_its_address_to_the_end_of_its_lease(lan: Console) -> None:
    made = lan.add(LEASE, address="10.5.50.200", mac_address=ANN)
    host = lan.router.plug_in(ANN)
    lan.say(f"{LEASE}/set", f"=.id={made}", "=block-access=yes")
    lan.wait_s(400)
    assert host.address == "10.5.50.200"
    lan.wait_s(201)
    assert (host.address, lease(lan)["blocked"]) == ("", "true")
    lan.say(f"{LEASE}/set", f"=.id={made}", "=block-access=no")
    lan.wait_s(11)
    assert host.address == "10.5.50.200"


def test_a_removed_lease_is_missed_at_the_next_renewal_only(lan: Console) -> None:
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN, address_lists="paid")
    host = lan.router.plug_in(ANN)
    lan.say(f"{LEASE}/remove", f"=.id={lease(lan)['.id']}")
    assert lan.rows("/ip/firewall/address-list/print") == []
    lan.wait_s(299)
    assert host.address == "10.5.50.200"
    lan.wait_s(2)
    assert host.address == "10.5.50.10"
    assert lease(lan)["dynamic"] == "true"


def test_a_removed_lease_is_missed_at_once_where_that_is_assumed(new_console: Callable[..., Console]) -> None:
    lan = laid_out(new_console(switches=Switches(client_keeps_removed_lease=False)))
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN)
    host = lan.router.plug_in(ANN)
    lan.say(f"{LEASE}/remove", f"=.id={lease(lan)['.id']}")
    assert host.address == "10.5.50.10"


def test_a_client_id_means_its_client_whatever_the_mac(lan: Console) -> None:
    lan.add(LEASE, address="10.5.50.200", client_id="1:ann")
    assert lan.router.plug_in(ANN, client_id="1:ann").address == "10.5.50.200"
    assert lan.router.plug_in(BEN).address == "10.5.50.10"
    assert {row.get("active-client-id") for row in lan.rows(f"{LEASE}/print")} == {"1:ann", None}


def test_static_leases_are_unique_by_mac_per_server_and_by_address(lan: Console) -> None:
    lan.router.plug_in(ANN)
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN, server="dhcp1")
    same_client = lan.trap(f"{LEASE}/add", "=address=10.5.50.201", f"=mac-address={ANN}", "=server=dhcp1")
    same_address = lan.trap(f"{LEASE}/add", "=address=10.5.50.200", f"=mac-address={BEN}")
    assert same_client[0] == "failure: already have static lease for this client"
    assert same_address[0] == "failure: already have static lease with this IP address"
    lan.add(LEASE, address="10.5.50.202", mac_address=ANN)
    network = lan.trap("/ip/dhcp-server/network/add", "=address=10.5.50.0/24")
    assert network[0] == "failure: such network already exists"


def test_check_status_frees_a_lease_whose_client_is_gone(lan: Console) -> None:
    lan.router.plug_in(ANN)
    made = lease(lan)[".id"]
    lan.say(f"{LEASE}/check-status", f"=.id={made}")
    assert lease(lan)["status"] == "bound"
    lan.router.unplug(ANN)
    lan.say(f"{LEASE}/check-status", f"=.id={made}")
    assert lan.rows(f"{LEASE}/print") == []


def test_without_a_server_on_the_interface_there_is_no_address(lan: Console) -> None:
    lan.say("/ip/dhcp-server/disable", "=.id=dhcp1")
    host = lan.router.plug_in(ANN)
    assert host.address == ""
    lan.say("/ip/dhcp-server/enable", "=.id=dhcp1")
    lan.wait_s(11)
    assert host.address == "10.5.50.10"


@pytest.mark.parametrize("stored", [True, False])
def test_leases_are_on_disk_and_survive_a_reboot(new_console: Callable[..., Console], stored: bool) -> None:
    lan = laid_out(new_console(switches=Switches(dynamic_leases_survive_reboot=stored)))
    lan.router.plug_in(ANN)
    ben = lan.router.plug_in(BEN)
    lan.router.unplug(ANN)
    lan.router.reboot()
    assert ben.address == ("10.5.50.11" if stored else "10.5.50.10")
    assert len(lan.rows(f"{LEASE}/print")) == (2 if stored else 1)
    assert lan.router.reach(BEN, "1.2.3.4").reach
    assert [row["address"] for row in lan.rows("/ip/arp/print")] == [ben.address]
    lan.wait_s(601)
    assert len(lan.rows(f"{LEASE}/print")) == 1


def test_sessions_and_leases_share_the_pools(lan: Console) -> None:
    lan.add("/ppp/profile", name="p", remote_address="lan")
    lan.add("/ppp/secret", name="carl", profile="p")
    lan.router.dial("carl", "")
    assert lan.router.plug_in(ANN).address == "10.5.50.11"
    owners = {(row["address"], row["info"]) for row in lan.rows("/ip/pool/used/print")}
    assert owners == {("10.5.50.10", "carl"), ("10.5.50.11", ANN)}
    lan.router.hangup("carl")
    assert len(lan.rows("/ip/pool/used/print")) == 1


def test_a_lease_script_sees_who_got_what(lan: Console) -> None:
    lan.say("/ip/dhcp-server/set", "=.id=dhcp1", '=lease-script=:log info "$leaseBound $leaseActMAC $leaseActIP"')
    lan.router.plug_in(ANN)
    lan.wait_s(400)
    lan.router.unplug(ANN)
    lan.wait_s(601)
    lan.wait_s(0)
    messages = [row["message"] for row in lan.rows("/log/print") if ANN in row["message"]]
    assert [text for text in messages if text[0] in "01"] == [f"1 {ANN} 10.5.50.10", f"0 {ANN} 10.5.50.10"]


def test_a_queue_of_a_lease_counts_on_over_renewals(lan: Console) -> None:
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN, rate_limit="2M/5M")
    lan.router.plug_in(ANN)
    lan.router.carry(ANN, 10, 20)
    for _ in range(3):
        lan.wait_s(300)
    lan.router.carry(ANN, 1, 2)
    assert lan.rows("/queue/simple/print")[0]["bytes"] == "11/22"
    (port,) = lan.rows("/interface/print", "?name=bridge")
    assert (port["rx-byte"], port["tx-byte"]) == ("11", "22")


def test_a_device_that_comes_back_is_counted_once(lan: Console) -> None:
    lan.router.plug_in(ANN)
    lan.router.carry(ANN, 10, 20)
    lan.router.unplug(ANN)
    lan.router.plug_in(ANN)
    lan.router.carry(ANN, 1, 2)
    (port,) = lan.rows("/interface/print", "?name=bridge")
    assert (port["rx-byte"], port["tx-byte"]) == ("11", "22")


def test_ipv6_of_a_host_has_no_hotspot_before_it(lan: Console) -> None:
    lan.add("/ip/hotspot", name="hs1", interface="bridge", disabled="no")
    lan.router.plug_in(ANN, prefix="2001:db8:7::/64")
    assert lan.router.reach(ANN, "1.2.3.4").by == "hotspot: not logged in"
    assert lan.router.reach(ANN, "2001:db8:ffff::1").reach


@pytest.mark.parametrize("version", ["6.49.18", "7.9.2", "7.24"])
def test_every_version_gives_leases(new_console: Callable[..., Console], version: str) -> None:
    lan = laid_out(new_console(version=version))
    lan.add(LEASE, address="10.5.50.200", mac_address=ANN, rate_limit="2M/5M")
    assert lan.router.plug_in(ANN).address == "10.5.50.200"
    assert lan.rows("/queue/simple/print")[0]["max-limit"] == "2000000/5000000"
