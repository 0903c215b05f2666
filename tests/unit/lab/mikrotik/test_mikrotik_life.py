"""Sessions, modems, timed rows and reboots: what lives in memory and what stays."""

from collections.abc import Callable

import pytest

from lab.mikrotik.errors import DialError
from tests.unit.lab.mikrotik.conftest import Console


@pytest.fixture
def tower(console: Console) -> Console:
    console.add("/ppp/profile", name="plan", rate_limit="2M/5M", address_list="online,paid", local_address="100.64.0.1")
    console.add("/ppp/secret", name="ann", password="pw", profile="plan", remote_address="100.64.0.5")
    return console


def test_a_session_makes_its_rows_and_takes_them_along(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    (active,) = tower.rows("/ppp/active/print")
    (queue,) = tower.rows("/queue/simple/print")
    lists = tower.rows("/ip/firewall/address-list/print")
    assert (active["name"], active["address"], active["service"]) == ("ann", "100.64.0.5", "pppoe")
    assert (queue["name"], queue["target"], queue["dynamic"]) == ("<pppoe-ann>", "<pppoe-ann>", "true")
    assert queue["max-limit"] == "2000000/5000000"
    assert {(row["list"], row["address"], row["dynamic"]) for row in lists} == {
        ("online", "100.64.0.5", "true"),
        ("paid", "100.64.0.5", "true"),
    }
    assert tower.rows("/interface/print", "?name=<pppoe-ann>")
    tower.say("/ppp/active/remove", f"=.id={active['.id']}")
    for menu in ("/ppp/active", "/queue/simple", "/ip/firewall/address-list", "/interface/pppoe-server"):
        assert tower.rows(f"{menu}/print") == []
    assert tower.rows("/ppp/secret/print")[0]["last-disconnect-reason"] == "nas-request"


def test_a_burst_in_the_profile_is_a_burst_in_the_queue(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=rate-limit=2M/5M 4M/10M 1M/2M 8/8 5 1M/1M")
    tower.router.dial("ann", "pw")
    (queue,) = tower.rows("/queue/simple/print", "=.proplist=max-limit,burst-limit,burst-time,priority,limit-at")
    assert queue == {
        "max-limit": "2000000/5000000", "burst-limit": "4000000/10000000", "burst-time": "8s/8s",
        "priority": "5/5", "limit-at": "1000000/1000000",
    }  # fmt: skip


def test_a_profile_without_rate_limit_makes_no_queue(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=!rate-limit=")
    tower.router.dial("ann", "pw")
    assert tower.rows("/queue/simple/print") == []


@pytest.mark.parametrize(
    ("user", "password", "change"),
    [("nobody", "pw", ""), ("ann", "wrong", ""), ("ann", "pw", "=disabled=yes"), ("ann", "pw", "=service=l2tp")],
)
def test_who_has_no_right_is_not_let_in(tower: Console, user: str, password: str, change: str) -> None:
    if change:
        tower.say("/ppp/secret/set", "=.id=ann", change)
    with pytest.raises(DialError):
        tower.router.dial(user, password)
    assert tower.router.journal.events_after(0, "denied")[0].facts["user"] == user


def test_edits_leave_the_live_session_as_it_is(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.say("/ppp/profile/set", "=.id=plan", "=rate-limit=9M/9M")
    tower.say("/ppp/secret/set", "=.id=ann", "=disabled=yes", "=password=new")
    assert tower.rows("/queue/simple/print")[0]["max-limit"] == "2000000/5000000"
    assert len(tower.rows("/ppp/active/print")) == 1


def test_the_servers_default_profile_fills_what_the_own_profile_leaves_unset(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=default", "=rate-limit=256k/256k")
    tower.add("/ppp/profile", name="sparse")
    tower.say("/ppp/secret/set", "=.id=ann", "=profile=sparse")
    assert tower.router.dial("ann", "pw").rate_limit == "256k/256k"


def test_only_one_refuses_the_second_modem(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=only-one=yes")
    tower.router.dial("ann", "pw")
    with pytest.raises(DialError, match="already active"):
        tower.router.dial("ann", "pw", "AA:AA:AA:AA:AA:AA")


def test_without_only_one_the_second_session_has_a_name_of_its_own(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.dial("ann", "pw", "AA:AA:AA:AA:AA:AA")
    assert [row["name"] for row in tower.rows("/interface/pppoe-server/print")] == ["<pppoe-ann>", "<pppoe-ann-1>"]


def test_the_same_modem_dialling_again_replaces_its_session(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.dial("ann", "pw")
    assert len(tower.rows("/ppp/active/print")) == 1


def test_a_pool_gives_the_lowest_free_address_and_goes_on_to_the_next_pool(tower: Console) -> None:
    tower.add("/ip/pool", name="more", ranges="10.9.0.0/30")
    tower.add("/ip/pool", name="few", ranges="10.8.0.9", next_pool="more")
    tower.say("/ppp/profile/set", "=.id=plan", "=remote-address=few")
    addresses = []
    for name in ("u1", "u2", "u3"):
        tower.add("/ppp/secret", name=name, profile="plan")
        addresses.append(tower.router.dial(name, "").address)
    assert addresses == ["10.8.0.9", "10.9.0.1", "10.9.0.2"]
    tower.add("/ppp/secret", name="u4", profile="plan")
    with pytest.raises(DialError):
        tower.router.dial("u4", "")


def test_a_modem_told_to_redial_comes_back_after_its_wait(tower: Console) -> None:
    tower.router.redial("ann", every_s=3)
    tower.say("/ppp/active/remove", "=.id=ann")
    tower.wait_s(2.9)
    assert tower.rows("/ppp/active/print") == []
    tower.wait_s(0.2)
    assert len(tower.rows("/ppp/active/print")) == 1


def test_a_refused_modem_tries_until_it_is_let_in_and_hangup_ends_it(tower: Console) -> None:
    tower.say("/ppp/secret/disable", "=.id=ann")
    tower.router.redial("ann", "pw", every_s=1)
    tower.wait_s(5)
    tower.say("/ppp/secret/enable", "=.id=ann")
    tower.wait_s(1)
    assert tower.router.hangup("ann")
    tower.wait_s(10)
    assert tower.rows("/ppp/active/print") == []
    assert not tower.router.hangup("ann")


def test_uptime_counts_seconds(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.wait_s(3_725.5)
    assert tower.rows("/ppp/active/print")[0]["uptime"] == "1h2m5s"


def test_a_timed_row_tells_what_is_left_and_goes(console: Console) -> None:
    made = console.add("/ip/firewall/address-list", list="w", address="10.0.0.5", timeout="1m")
    console.wait_s(20)
    (row,) = console.rows("/ip/firewall/address-list/print")
    assert (row["dynamic"], row["timeout"]) == ("true", "40s")
    console.say("/ip/firewall/address-list/set", f"=.id={made}", "=timeout=2m")
    console.wait_s(60)
    assert len(console.rows("/ip/firewall/address-list/print")) == 1
    console.wait_s(61)
    assert console.rows("/ip/firewall/address-list/print") == []


def test_a_reboot_keeps_the_config_and_loses_what_lived_in_memory(tower: Console) -> None:
    tower.add("/ip/firewall/address-list", list="mnara-walled", address="100.64.0.5", comment="mnara:1")
    tower.add("/ip/firewall/address-list", list="w", address="10.0.0.5", timeout="1h")
    tower.router.dial("ann", "pw")
    tower.router.connect("ann", "203.0.113.5")
    before = tower.rows("/ppp/secret/print")[0][".id"]
    tower.wait_s(100)
    tower.router.reboot()
    assert tower.rows("/ppp/secret/print")[0][".id"] != before
    assert [row["address"] for row in tower.rows("/ip/firewall/address-list/print")] == ["100.64.0.5"]
    for menu in ("/ppp/active", "/queue/simple", "/ip/firewall/connection", "/interface/pppoe-server"):
        assert tower.rows(f"{menu}/print") == []
    assert tower.rows("/system/resource/print")[0]["uptime"] == "0s"
    assert tower.rows("/ppp/profile/print", "?name=default")[0][".id"] == "*0"


def test_a_power_cut_leaves_no_trace_on_the_secret(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.go_down("")
    with pytest.raises(DialError, match="no PPPoE server"):
        tower.router.dial("ann", "pw")
    tower.router.come_up()
    assert "last-disconnect-reason" not in tower.rows("/ppp/secret/print")[0]
    tower.router.dial("ann", "pw")


def test_traffic_is_counted_on_queue_and_interface(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    assert tower.router.carry("ann", 1_000, 2_000)
    assert tower.rows("/queue/simple/print")[0]["bytes"] == "1000/2000"
    (row,) = tower.rows("/interface/print", "?name=<pppoe-ann>")
    assert (row["rx-byte"], row["tx-byte"]) == ("1000", "2000")


def test_modems_come_back_by_themselves_after_a_reboot(tower: Console) -> None:
    tower.router.redial("ann", every_s=3)
    tower.router.reboot()
    tower.wait_s(3)
    assert len(tower.rows("/ppp/active/print")) == 1


def test_dynamic_rows_of_a_session_can_not_be_taken_apart(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    queue = tower.rows("/queue/simple/print")[0][".id"]
    assert tower.trap("/queue/simple/remove", f"=.id={queue}")[0].startswith("failure:")
    assert tower.trap("/queue/simple/set", f"=.id={queue}", "=max-limit=1M/1M")[0].startswith("failure:")


def test_session_events_carry_wall_clock_microseconds(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.wait_s(2)
    tower.router.hangup("ann")
    online, offline = (tower.router.journal.events_after(0, kind)[0] for kind in ("online", "offline"))
    assert offline.at_us - online.at_us == 2_000_000
    assert online.facts["rate"] == "2M/5M"
    assert offline.facts["reason"] == "peer-request"


def test_a_subscriber_opens_connections_as_soon_as_he_is_online(new_console: Callable[..., Console]) -> None:
    console = new_console(connections_per_session=2)
    console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
    console.router.redial("ann")
    rows = console.rows("/ip/firewall/connection/print")
    assert len(rows) == 2
    assert all(row["src-address"].startswith("100.64.0.5:") for row in rows)
