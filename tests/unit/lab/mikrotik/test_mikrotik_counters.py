"""Bytes, packets and rates: of sessions, queues, ports and connections; what they follow and when they start anew."""

from collections.abc import Callable

import pytest

from lab.mikrotik.counting.habits import HABITS
from lab.mikrotik.thread import RunningRouter
from tests.unit.lab.mikrotik.conftest import Console, RawClient


@pytest.fixture
def tower(console: Console) -> Console:
    console.add("/ppp/profile", name="plan", rate_limit="2M/5M", local_address="100.64.0.1")
    for at, name in enumerate(("ann", "bob")):
        console.add("/ppp/secret", name=name, password="pw", profile="plan", remote_address=f"100.64.0.{5 + at}")
    return console


def interface(console: Console, name: str) -> dict[str, int]:
    (row,) = console.rows("/interface/print", f"?name={name}", "=.proplist=rx-byte,tx-byte,rx-packet,tx-packet")
    return {key: int(value) for key, value in row.items()}


def queue(console: Console, name: str, what: str = "bytes") -> tuple[int, int]:
    (row,) = console.rows("/queue/simple/print", f"?name={name}")
    up, _, down = row[what].partition("/")
    return int(up), int(down)


# -- what passes where --------------------------------------------------------------------------------------------


def test_what_a_subscriber_sends_comes_in_at_his_port_and_leaves_at_the_uplink(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.dial("bob", "pw")
    tower.router.carry("ann", 3_000, 9_000)
    tower.router.carry("bob", 1_500, 1_500)
    assert interface(tower, "<pppoe-ann>") == {"rx-byte": 3_000, "tx-byte": 9_000, "rx-packet": 2, "tx-packet": 6}
    assert interface(tower, "ether2") == {"rx-byte": 4_500, "tx-byte": 10_500, "rx-packet": 3, "tx-packet": 7}
    assert interface(tower, "ether1") == {"rx-byte": 10_500, "tx-byte": 4_500, "rx-packet": 7, "tx-packet": 3}
    assert interface(tower, "ether3") == {"rx-byte": 0, "tx-byte": 0, "rx-packet": 0, "tx-packet": 0}
    assert queue(tower, "<pppoe-ann>", "packets") == (2, 6)


def test_an_interface_tells_since_when_and_that_nothing_was_lost(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 10, 20)
    (row,) = tower.rows("/interface/print", "?name=<pppoe-ann>", "=stats=")
    assert row["last-link-up-time"] == "1970-01-02 00:00:00"
    assert (row["fp-rx-byte"], row["fp-tx-byte"], row["rx-error"], row["tx-queue-drop"]) == ("10", "20", "0", "0")


def test_a_port_remembers_what_a_session_that_ended_had_used(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 100, 200)
    tower.router.hangup("ann")
    assert interface(tower, "ether2")["rx-byte"] == 100


def test_a_new_session_counts_from_nothing(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 100, 200)
    tower.router.dial("ann", "pw")  # the same host again: a new session
    assert interface(tower, "<pppoe-ann>")["rx-byte"] == 0
    assert queue(tower, "<pppoe-ann>") == (0, 0)


def test_nobody_uses_anything_unless_a_test_says_so(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.wait_s(86_400)
    assert interface(tower, "ether1") == {"rx-byte": 0, "tx-byte": 0, "rx-packet": 0, "tx-packet": 0}


# -- habits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("habit", [name for name in HABITS if name != "quiet"])
def test_every_habit_stays_within_the_speed_bought_and_only_grows(tower: Console, habit: str) -> None:
    tower.router.habit("ann", habit)
    tower.router.dial("ann", "pw")
    before = (0, 0)
    for _ in range(60):
        tower.wait_s(1)
        now = queue(tower, "<pppoe-ann>")
        assert 0 <= now[0] - before[0] <= 2_000_000 // 8
        assert 0 <= now[1] - before[1] <= 5_000_000 // 8
        before = now
    assert before[1] > 0
    assert interface(tower, "<pppoe-ann>")["tx-byte"] == before[1] == interface(tower, "ether1")["rx-byte"]


def test_reading_often_and_reading_once_find_the_same(new_console: Callable[..., Console]) -> None:
    found = []
    for steps in (1, 200):
        console = new_console(habit="browsing", seed=7)
        console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
        console.router.dial("ann", "")
        for _ in range(steps):
            console.wait_s(1_000 / steps)
            interface(console, "<pppoe-ann>")
        found.append(interface(console, "<pppoe-ann>"))
    assert found[0] == found[1]


def test_the_seed_alone_decides_where_in_his_day_somebody_is(new_console: Callable[..., Console]) -> None:
    found = []
    for seed in (1, 1, 2):
        console = new_console(habit="streaming", seed=seed)
        console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
        console.router.dial("ann", "")
        console.wait_s(3.3)
        found.append(interface(console, "<pppoe-ann>"))
    assert found[0] == found[1] != found[2]


def test_a_habit_may_change_on_the_live_session_and_carry_adds_on_top(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.habit("ann", "uploading")
    tower.wait_s(70)
    tower.router.habit("ann", "quiet")
    used = queue(tower, "<pppoe-ann>")
    assert used[0] > used[1] > 0
    tower.wait_s(1_000)
    tower.router.carry("ann", 10, 20)
    assert queue(tower, "<pppoe-ann>") == (used[0] + 10, used[1] + 20)


def test_a_queue_shows_the_rate_of_this_moment(tower: Console) -> None:
    tower.router.habit("ann", "streaming")
    tower.router.dial("ann", "pw")
    rates = set()
    for _ in range(20):
        tower.wait_s(0.5)
        rates.add((queue(tower, "<pppoe-ann>", "rate"), queue(tower, "<pppoe-ann>", "packet-rate")))
    # 12 Mbit/s wanted for a while, 5 sold; 1,200 bytes a packet down, 200 up.
    assert rates == {((150_000, 5_000_000), (94, 521)), ((10_000, 20_000), (7, 3))}


# -- static queues ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["100.64.0.5", "100.64.0.0/24", "ether2", "0.0.0.0/0"])
def test_a_broad_queue_above_shadows_the_sessions_own(tower: Console, target: str) -> None:
    tower.add("/queue/simple", name="broad", target=target, max_limit="1M/1M")
    tower.router.habit("ann", "uploading")
    tower.router.dial("ann", "pw")
    tower.wait_s(60)
    assert queue(tower, "<pppoe-ann>") == (0, 0)
    up, down = queue(tower, "broad")
    assert 0 < up <= 60 * 1_000_000 // 8
    assert interface(tower, "<pppoe-ann>")["rx-byte"] == up
    assert interface(tower, "<pppoe-ann>")["tx-byte"] == down


def test_the_first_match_takes_the_packets_and_moving_it_away_gives_them_back(tower: Console) -> None:
    broad = tower.add("/queue/simple", name="broad", target="100.64.0.0/24")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 1, 1)
    tower.say("/queue/simple/move", f"=.id={broad}")
    tower.router.carry("ann", 10, 10)
    tower.say("/queue/simple/move", f"=.id={broad}", "=destination=<pppoe-ann>")
    tower.router.carry("ann", 100, 100)
    tower.say("/queue/simple/disable", f"=.id={broad}")
    tower.router.carry("ann", 1_000, 1_000)
    assert queue(tower, "broad") == (101, 101)
    assert queue(tower, "<pppoe-ann>") == (1_010, 1_010)


def test_what_passed_before_a_queue_changed_went_the_old_way(tower: Console) -> None:
    tower.router.habit("ann", "uploading")
    tower.router.dial("ann", "pw")
    tower.wait_s(100)
    tower.add("/queue/simple", name="broad", target="100.64.0.5")
    tower.say("/queue/simple/move", "=.id=broad", "=destination=<pppoe-ann>")
    tower.wait_s(100)
    own, broad = queue(tower, "<pppoe-ann>")[0], queue(tower, "broad")[0]
    assert own > 10_000_000
    assert broad > own  # nothing limits it any more
    assert own + broad == interface(tower, "<pppoe-ann>")["rx-byte"]


def test_a_parent_counts_its_children_and_the_narrowest_of_both_limits(tower: Console) -> None:
    tower.add("/queue/simple", name="all", target="ether5", max_limit="1M/0")
    tower.say("/ppp/profile/set", "=.id=plan", "=parent-queue=all")
    tower.router.habit("ann", "uploading")
    tower.router.dial("ann", "pw")
    tower.router.dial("bob", "pw")
    tower.router.carry("bob", 7, 7)
    tower.wait_s(35)
    assert queue(tower, "all")[0] == queue(tower, "<pppoe-ann>")[0] + queue(tower, "<pppoe-bob>")[0]
    assert queue(tower, "<pppoe-ann>")[0] <= 35 * 1_000_000 // 8


def test_a_queue_changed_while_in_use_keeps_its_counters(tower: Console) -> None:
    tower.add("/queue/simple", name="broad", target="100.64.0.0/24")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 5, 6)
    tower.say("/queue/simple/set", "=.id=broad", "=max-limit=9M/9M", "=comment=faster")
    tower.router.carry("ann", 5, 6)
    assert queue(tower, "broad") == (10, 12)


def test_fasttrack_takes_a_subscriber_past_his_queue(tower: Console) -> None:
    tower.router.habit("ann", "uploading")
    tower.router.dial("ann", "pw")
    tower.router.connect("ann", "203.0.113.1")  # the rules as delivered fasttrack it
    tower.wait_s(35)
    assert queue(tower, "<pppoe-ann>") == (0, 0)
    assert interface(tower, "<pppoe-ann>")["rx-byte"] > 35 * 2_000_000 // 8
    tower.say("/ip/firewall/connection/remove", f"=.id={tower.rows('/ip/firewall/connection/print')[0]['.id']}")
    tower.wait_s(35)
    assert 0 < queue(tower, "<pppoe-ann>")[0] <= 35 * 2_000_000 // 8


# -- anew ---------------------------------------------------------------------------------------------------------


def test_counters_of_a_queue_and_of_an_interface_are_reset_apart(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 1_000, 2_000)
    tower.say("/queue/simple/reset-counters", "=.id=<pppoe-ann>")
    assert queue(tower, "<pppoe-ann>") == (0, 0)
    assert interface(tower, "<pppoe-ann>")["rx-byte"] == 1_000
    tower.say("/interface/reset-counters", "=.id=<pppoe-ann>,ether2")
    tower.router.carry("ann", 1, 2)
    assert queue(tower, "<pppoe-ann>") == (1, 2)
    assert interface(tower, "<pppoe-ann>") == {"rx-byte": 1, "tx-byte": 2, "rx-packet": 1, "tx-packet": 1}
    assert interface(tower, "ether2")["tx-byte"] == 2
    assert interface(tower, "ether1")["rx-byte"] == 2_002
    assert tower.trap("/interface/reset-counters", "=.id=nothing") == ("no such item", 0)


def test_all_queues_may_be_reset_at_once(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.dial("bob", "pw")
    tower.router.carry("ann", 1, 1)
    tower.router.carry("bob", 1, 1)
    tower.say("/queue/simple/reset-counters-all")
    assert queue(tower, "<pppoe-ann>") == queue(tower, "<pppoe-bob>") == (0, 0)


def test_the_oldest_open_connection_carries_what_its_user_uses(tower: Console) -> None:
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", 1, 1)
    tower.router.connect("ann", "203.0.113.1")
    tower.router.connect("ann", "203.0.113.2")
    tower.router.carry("ann", 10, 20)
    first, second = tower.rows("/ip/firewall/connection/print")
    assert (first["orig-bytes"], first["repl-bytes"], second["orig-bytes"]) == ("10", "20", "0")
    tower.say("/ip/firewall/connection/remove", f"=.id={first['.id']}")
    tower.router.carry("ann", 5, 5)
    (second,) = tower.rows("/ip/firewall/connection/print")
    assert (second["orig-bytes"], second["repl-bytes"]) == ("5", "5")


# -- watched ------------------------------------------------------------------------------------------------------


@pytest.fixture
def streaming(live: RunningRouter) -> RunningRouter:
    live.script(
        "/ppp profile add name=plan rate-limit=2M/5M\n/ppp secret add name=ann profile=plan remote-address=100.64.0.5"
    )
    live.on_router(lambda router: router.habit("ann", "uploading"))
    live.dial("ann", "")
    return live


def test_traffic_is_monitored_once_or_for_a_while(
    streaming: RunningRouter, connect: Callable[[RunningRouter], RawClient]
) -> None:
    client = connect(streaming).log_in()
    once = client.talk("/interface/monitor-traffic", "=interface=ether2", "=once=", ".tag=5")
    assert [sentence[:2] for sentence in once] == [["!re", ".tag=5"], ["!done", ".tag=5"]]
    said = dict(word[1:].split("=", 1) for word in once[0][2:])
    assert said["name"] == "ether2"
    assert int(said["rx-bits-per-second"]) in (2_000_000, 50_000)
    assert ".section" not in said
    several = client.talk(
        "/interface/monitor-traffic", "=interface=ether1,<pppoe-ann>", "=duration=30ms", "=interval=10ms",
        "=.proplist=name,tx-bits-per-second,.section",
    )  # fmt: skip
    records = [dict(word[1:].split("=", 1) for word in sentence[1:]) for sentence in several[:-1]]
    assert [(record["name"], record[".section"]) for record in records] == [
        (name, str(section)) for section in range(3) for name in ("ether1", "<pppoe-ann>")
    ]
    assert client.talk("/interface/monitor-traffic", "=interface=nothing", "=once=")[0] == [
        "!trap", "=category=1", "=message=input does not match any value of interface",
    ]  # fmt: skip


def test_a_monitor_runs_until_it_is_cancelled(
    streaming: RunningRouter, connect: Callable[[RunningRouter], RawClient]
) -> None:
    client = connect(streaming).log_in()
    client.send(["/interface/monitor-traffic", "=interface=ether2", "=interval=10ms", ".tag=m"])
    assert [client.read()[0] for _ in range(3)] == ["!re", "!re", "!re"]
    client.send(["/cancel", "=tag=m", ".tag=c"])
    last = client.read()
    while last[0] == "!re":
        last = client.read()
    assert last == ["!trap", ".tag=m", "=category=2", "=message=interrupted"]
    assert [client.read(), client.read()] == [["!done", ".tag=c"], ["!done", ".tag=m"]]
    assert client.talk("/system/identity/print")[-1] == ["!done"]
