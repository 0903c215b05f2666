"""Reboot and power cut: what goes, what stays, what starts anew; and the figures of /system/resource."""

from collections.abc import Callable

import pytest

from tests.unit.lab.mikrotik.conftest import Console

MEMORY_MENUS = (
    "/ppp/active", "/interface/pppoe-server", "/queue/simple", "/ip/firewall/connection", "/interface/list/member",
    "/ip/address", "/ip/firewall/address-list",
)  # fmt: skip


@pytest.fixture
def tower(console: Console) -> Console:
    console.add("/ppp/profile", name="plan", rate_limit="2M/5M", local_address="100.64.0.1", address_list="online",
                interface_list="LAN")  # fmt: skip
    console.add("/ppp/secret", name="ann", password="pw", profile="plan", remote_address="100.64.0.5")
    return console


def down_and_up(console: Console, *, cut: bool) -> None:
    console.router.go_down("" if cut else "reboot")
    console.router.come_up()


@pytest.mark.parametrize("cut", [True, False])
def test_memory_goes_and_configuration_stays(tower: Console, cut: bool) -> None:
    tower.add("/queue/simple", name="mine", target="10.0.0.9", max_limit="1M/1M")
    before = {path: tower.router.rows(path) for path in ("/ppp/secret", "/ppp/profile", *MEMORY_MENUS)}
    tower.add("/ip/firewall/address-list", list="w", address="10.0.0.5", timeout="1h")
    tower.router.dial("ann", "pw")
    tower.router.connect("ann", "203.0.113.5")
    down_and_up(tower, cut=cut)
    remembers = ("last-logged-out", "last-caller-id", "last-disconnect-reason")
    for path, rows in before.items():
        after = tower.router.rows(path)
        assert [_without(row, ".id", *remembers) for row in after] == [_without(row, ".id", *remembers) for row in rows]
    assert [row[".id"] for row in tower.router.rows("/ppp/secret")] != [row[".id"] for row in before["/ppp/secret"]]
    (secret,) = tower.router.rows("/ppp/secret")
    assert secret.get("last-disconnect-reason") == (None if cut else "reboot")


def _without(row: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("cut", [True, False])
def test_counters_of_ports_and_queues_start_at_nothing(tower: Console, cut: bool) -> None:
    tower.add("/queue/simple", name="broad", target="100.64.0.0/24")
    tower.router.habit("ann", "uploading")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 100, 200)
    tower.say("/interface/reset-counters", "=.id=ether2")
    tower.router.carry("ann", 100, 200)
    down_and_up(tower, cut=cut)
    (port,) = tower.rows("/interface/print", "?name=ether1", "=.proplist=rx-byte,tx-byte")
    assert port == {"rx-byte": "0", "tx-byte": "0"}
    tower.router.habit("ann", "quiet")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 1, 2)
    (port,) = tower.rows("/interface/print", "?name=ether2", "=.proplist=rx-byte,tx-byte")
    assert port == {"rx-byte": "1", "tx-byte": "2"}
    assert tower.rows("/queue/simple/print", "?name=broad")[0]["bytes"] == "1/2"


def test_a_static_queue_placed_first_counts_again_after_the_boot(tower: Console) -> None:
    tower.add("/queue/simple", name="broad", target="100.64.0.0/24")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 5, 5)
    assert tower.rows("/queue/simple/print", "?name=broad")[0]["bytes"] == "5/5"
    tower.router.reboot()
    assert tower.rows("/queue/simple/print", "?name=broad")[0]["bytes"] == "0/0"


@pytest.mark.parametrize("cut", [True, False])
def test_modems_come_back_and_each_session_is_a_new_one(tower: Console, cut: bool) -> None:
    tower.router.redial("ann", every_s=3)
    tower.wait_s(100)
    down_and_up(tower, cut=cut)
    tower.wait_s(3)
    (active,) = tower.rows("/ppp/active/print")
    assert active["uptime"] == "0s"
    tower.wait_s(10_000)
    assert len(tower.rows("/ppp/active/print")) == 1


def test_timers_of_sessions_that_went_down_with_the_router_do_not_hit_new_ones(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=session-timeout=1m")
    tower.router.dial("ann", "pw")
    tower.wait_s(50)
    tower.router.reboot()
    tower.router.dial("ann", "pw")
    tower.wait_s(59)
    assert len(tower.rows("/ppp/active/print")) == 1
    tower.wait_s(1)
    assert tower.rows("/ppp/active/print") == []


@pytest.mark.parametrize(
    ("version", "cut", "topics", "message"),
    [
        ("7.18.2", False, "system,info", "router rebooted"),
        ("7.18.2", True, "system,error,critical", "router rebooted without proper shutdown, probably power outage"),
        ("6.49.18", True, "system,error,critical", "router was rebooted without proper shutdown"),
    ],
)
def test_the_first_line_after_a_boot_tells_how_it_went_down(
    new_console: Callable[..., Console], version: str, cut: bool, topics: str, message: str
) -> None:
    console = new_console(version=version)
    console.router.log("system,info", "forgotten")
    down_and_up(console, cut=cut)
    (line,) = console.rows("/log/print")
    assert (line["topics"], line["message"], line["time"]) == (topics, message, "00:00:00")


# -- /system/resource ---------------------------------------------------------------------------------------------


def resource(console: Console) -> dict[str, str]:
    return console.rows("/system/resource/print")[0]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"version": "7.18.2"}, "7.18.2 (stable)"),
        ({"version": "6.49.18"}, "6.49.18 (long-term)"),
        ({"version": "7.23.7", "channel": "long-term"}, "7.23.7 (long-term)"),
    ],
)
def test_the_version_tells_its_channel(
    new_console: Callable[..., Console], options: dict[str, str], shown: str
) -> None:
    assert resource(new_console(**options))["version"] == shown


def test_writes_make_the_processor_work_for_a_while(console: Console) -> None:
    idle = int(resource(console)["cpu-load"])
    for at in range(100):
        console.add("/ppp/secret", name=f"u{at}")
    assert int(resource(console)["cpu-load"]) > idle + 10
    console.wait_s(60)
    assert int(resource(console)["cpu-load"]) == idle
    console.router.cpu_load = 97
    assert resource(console)["cpu-load"] == "97"
    console.router.cpu_load = None
    assert int(resource(console)["cpu-load"]) == idle


def test_rows_take_memory_and_writes_wear_the_flash(console: Console) -> None:
    before = resource(console)
    for at in range(10):
        console.add("/ppp/secret", name=f"u{at}")
    after = resource(console)
    assert int(after["free-memory"]) < int(before["free-memory"])
    assert int(after["write-sect-since-reboot"]) == int(before["write-sect-since-reboot"]) + 10
    console.router.reboot()
    assert resource(console)["write-sect-since-reboot"] == "0"
    assert resource(console)["write-sect-total"] == after["write-sect-total"]


def test_uptime_reads_in_weeks_and_days_and_starts_with_the_boot(console: Console) -> None:
    console.wait_s(9 * 86_400 + 3_600 * 2 + 5)
    assert resource(console)["uptime"] == "1w2d2h5s"
    console.router.reboot()
    assert resource(console)["uptime"] == "0s"
