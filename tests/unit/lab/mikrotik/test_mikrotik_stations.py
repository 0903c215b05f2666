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
