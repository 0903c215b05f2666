"""Stations: who can be asked by which name, and what is counted of them."""

import pytest

from tests.unit.lab.mikrotik.conftest import Console


@pytest.fixture
def tower(console: Console) -> Console:
    console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
    console.router.dial("ann", "", "02:00:00:00:00:0A")
    return console


@pytest.mark.parametrize("who", ["ann", "02:00:00:00:00:0a", "100.64.0.5"])
def test_a_session_is_asked_by_user_modem_or_address(tower: Console, who: str) -> None:
    assert tower.router.reach(who, "1.2.3.4").reach
    assert tower.router.connect(who, "1.2.3.4")
    assert tower.router.carry(who, 100, 200)
    assert tower.rows("/ip/firewall/connection/print")[0]["src-address"].startswith("100.64.0.5:")


def test_who_is_not_there_is_offline(tower: Console) -> None:
    assert tower.router.reach("02:00:00:00:00:0B", "1.2.3.4").by == "offline"
    assert not tower.router.carry("100.64.0.6", 1, 1)


def test_bytes_come_in_whole_packets(tower: Console) -> None:
    tower.router.carry("ann", 1_500, 1_501)
    (station,) = tower.router.stations.all()
    assert (station.packets_up, station.packets_down, station.bytes_down) == (1, 2, 1_501)


def test_the_router_knows_its_own_addresses_as_they_come_and_go(tower: Console) -> None:
    input_drop = tower.add("/ip/firewall/filter", chain="input", action="drop", comment="in")
    made = tower.add("/ip/address", address="10.9.0.1/24", interface="ether3")
    assert tower.router.reach("ann", "10.9.0.1").by == "in"
    tower.say("/ip/address/disable", f"=.id={made}")
    assert tower.router.reach("ann", "10.9.0.1").by == "default"
    tower.say("/ip/address/enable", f"=.id={made}")
    tower.say("/ip/address/set", f"=.id={made}", "=address=10.9.0.2/24")
    assert [tower.router.reach("ann", f"10.9.0.{end}").by for end in (1, 2)] == ["default", "in"]
    tower.say("/ip/address/remove", f"=.id={made}")
    tower.say("/ip/firewall/filter/remove", f"=.id={input_drop}")
    assert tower.router.reach("ann", "10.9.0.2").by == "default"
