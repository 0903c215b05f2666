"""PPPoE from the first dial to the last reason: who is refused and why, what a session makes, what ends it."""

from collections.abc import Callable

import pytest

from lab.mikrotik.errors import DialError
from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console

MAC = "AA:AA:AA:AA:AA:01"


@pytest.fixture
def tower(console: Console) -> Console:
    return furnish(console)


def furnish(console: Console) -> Console:
    console.add("/ip/pool", name="homes", ranges="100.64.0.10-100.64.0.12")
    console.add("/ppp/profile", name="plan", rate_limit="2M/5M", remote_address="homes", local_address="100.64.0.1")
    console.add("/ppp/secret", name="ann", password="pw", profile="plan")
    return console


def log(console: Console, topics: str = "") -> list[str]:
    rows = console.rows("/log/print", "=.proplist=topics,message")
    return [row["message"] for row in rows if not topics or row["topics"] == topics]


def server(console: Console, *words: str) -> None:
    console.say("/interface/pppoe-server/server/set", "=.id=*1", *words)


def reason(console: Console, user: str = "ann") -> str:
    return console.rows("/ppp/secret/print", f"?name={user}")[0].get("last-disconnect-reason", "")


# -- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "password", "why"),
    [
        ("", "wrong", "bad-secret"),
        ("=disabled=yes", "pw", "disabled"),
        ("=service=l2tp", "pw", "wrong-service"),
        ("=caller-id=AA:AA:AA:AA:AA:99", "pw", "caller-id"),
        ("=name=bob", "pw", "unknown-user"),
    ],
)
def test_every_misfit_of_the_secret_reads_alike_in_the_log_but_is_told_apart(
    tower: Console, change: str, password: str, why: str
) -> None:
    if change:
        tower.say("/ppp/secret/set", "=.id=ann", change)
    with pytest.raises(DialError) as caught:
        tower.router.dial("ann", password, MAC)
    assert caught.value.why == why
    assert log(tower, "pppoe,info") == [f"PPPoE connection established from {MAC}"]
    assert log(tower, "pppoe,ppp,error") == ["<0001>: user ann authentication failed"]


def test_the_right_hardware_address_fits_the_caller_id(tower: Console) -> None:
    tower.say("/ppp/secret/set", "=.id=ann", f"=caller-id={MAC}")
    assert tower.router.dial("ann", "pw", MAC).caller_id == MAC


def test_a_disabled_server_and_a_disabled_interface_answer_nobody(tower: Console) -> None:
    for words, back in ((("=disabled=yes",), ("=disabled=no",)), (("=interface=ether5",), ("=interface=ether2",))):
        tower.say("/interface/set", "=.id=ether5", "=disabled=yes")
        server(tower, *words)
        with pytest.raises(DialError) as caught:
            tower.router.dial("ann", "pw")
        assert caught.value.why == "no-server"
        server(tower, *back)
    assert log(tower, "pppoe,ppp,error") == []
    tower.router.dial("ann", "pw")


def test_a_full_server_makes_no_offer(tower: Console) -> None:
    server(tower, "=max-sessions=1")
    tower.add("/ppp/secret", name="bob", profile="plan")
    first = tower.router.dial("ann", "pw")
    with pytest.raises(DialError) as caught:
        tower.router.dial("bob", "")
    assert caught.value.why == "max-sessions"
    tower.router.sessions.end(first, "peer-request")
    tower.router.dial("bob", "")


def test_an_empty_pool_lets_nobody_in_until_an_address_comes_back(tower: Console) -> None:
    for at in range(3):
        tower.add("/ppp/secret", name=f"u{at}", profile="plan")
        tower.router.dial(f"u{at}", "")
    with pytest.raises(DialError) as caught:
        tower.router.dial("ann", "pw")
    assert caught.value.why == "no-address"
    tower.router.hangup("u1")
    assert tower.router.dial("ann", "pw").address == "100.64.0.11"


def test_one_session_per_host_and_only_one_are_two_things(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=only-one=yes")
    tower.router.dial("ann", "pw", MAC)
    tower.router.dial("ann", "pw", MAC)  # the same host takes its own place
    with pytest.raises(DialError) as caught:
        tower.router.dial("ann", "pw", "AA:AA:AA:AA:AA:02")
    assert caught.value.why == "only-one"
    assert log(tower)[-1] == "<pppoe-ann>: terminating... - user ann is already active"
    server(tower, "=one-session-per-host=no")
    with pytest.raises(DialError):
        tower.router.dial("ann", "pw", MAC)


def test_only_one_can_be_switched_to_drop_the_old_session(new_console: Callable[..., Console]) -> None:
    console = furnish(new_console(switches=Switches(only_one_drops_old=True)))
    console.say("/ppp/profile/set", "=.id=plan", "=only-one=yes")
    console.router.dial("ann", "pw", MAC)
    console.router.dial("ann", "pw", "AA:AA:AA:AA:AA:02")
    assert [row["caller-id"] for row in console.rows("/ppp/active/print")] == ["AA:AA:AA:AA:AA:02"]


def test_a_licence_of_level_5_lets_five_hundred_in_if_it_counts_at_all(new_console: Callable[..., Console]) -> None:
    console = new_console(switches=Switches(license_limits_sessions=True))
    console.add("/ip/pool", name="homes", ranges="100.64.0.0/22")
    console.say("/ppp/profile/set", "=.id=default", "=remote-address=homes")
    for at in range(501):
        console.add("/ppp/secret", name=f"u{at}")
    for at in range(500):
        console.router.dial(f"u{at}", "")
    with pytest.raises(DialError) as caught:
        console.router.dial("u500", "")
    assert caught.value.why == "licence"


# -- what a session makes -----------------------------------------------------------------------------------------


def test_the_active_row_tells_all_there_is(tower: Console) -> None:
    tower.say("/ppp/secret/set", "=.id=ann", "=limit-bytes-in=1000", "=limit-bytes-out=2000")
    tower.router.dial("ann", "pw", MAC)
    tower.wait_s(61)
    (row,) = tower.rows("/ppp/active/print")
    assert row.pop(".id")
    assert row == {
        "name": "ann", "service": "pppoe", "caller-id": MAC, "address": "100.64.0.10", "uptime": "1m1s",
        "encoding": "", "session-id": "0x81000001", "limit-bytes-in": "1000", "limit-bytes-out": "2000",
    }  # fmt: skip


def test_the_interface_of_a_session_has_an_address_and_a_place_in_its_list(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=interface-list=LAN")
    tower.router.dial("ann", "pw")
    (address,) = tower.rows("/ip/address/print", "?interface=<pppoe-ann>")
    assert (address["address"], address["network"], address["dynamic"]) == ("100.64.0.1/32", "100.64.0.10", "true")
    assert tower.rows("/interface/list/member/print", "?interface=<pppoe-ann>")[0]["list"] == "LAN"
    tower.router.hangup("ann")
    assert tower.rows("/ip/address/print", "?dynamic=true") == []
    assert tower.rows("/interface/list/member/print", "?dynamic=true") == []


def test_both_ends_of_a_session_may_come_from_one_pool(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=local-address=homes")
    session = tower.router.dial("ann", "pw")
    assert (session.address, session.local_address) == ("100.64.0.10", "100.64.0.11")
    tower.router.hangup("ann")
    assert tower.router.pools.used("homes") == 0


def test_an_ipv6_prefix_comes_from_the_secret_or_else_from_the_profiles_pool(tower: Console) -> None:
    tower.add("/ipv6/pool", name="six", prefix="2001:db8::/62", prefix_length="64")
    tower.say("/ppp/profile/set", "=.id=plan", "=remote-ipv6-prefix-pool=six")
    tower.add("/ppp/secret", name="bob", profile="plan", remote_ipv6_prefix="2001:db8:f::/64")
    assert [tower.router.dial(user, word).prefix for user, word in (("ann", "pw"), ("bob", ""))] == [
        "2001:db8::/64", "2001:db8:f::/64",
    ]  # fmt: skip
    announced = {row["interface"]: row["prefix"] for row in tower.rows("/ipv6/nd/prefix/print", "?dynamic=true")}
    assert announced == {"<pppoe-ann>": "2001:db8::/64", "<pppoe-bob>": "2001:db8:f::/64"}
    assert [row["info"] for row in tower.rows("/ipv6/pool/used/print")] == ["ann"]
    assert tower.router.reach("ann", "2001:db8:9::1").reach
    tower.router.hangup("ann")
    assert tower.rows("/ipv6/pool/used/print") == []
    tower.say("/ppp/profile/set", "=.id=plan", "=use-ipv6=no")
    assert tower.router.dial("ann", "pw").prefix == ""


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("first", ["<pppoe-ann>", "a", "b"]),
        ("bottom", ["a", "b", "<pppoe-ann>"]),
        ("", ["a", "b", "<pppoe-ann>"]),
        ("b", ["a", "<pppoe-ann>", "b"]),
    ],
)
def test_a_sessions_queue_goes_where_the_profile_says(tower: Console, where: str, names: list[str]) -> None:
    tower.add("/queue/simple", name="a", target="10.0.0.1")
    tower.add("/queue/simple", name="b", target="10.0.0.2")
    if where:
        tower.say("/ppp/profile/set", "=.id=plan", f"=insert-queue-before={where}")
    tower.router.dial("ann", "pw")
    assert [row["name"] for row in tower.rows("/queue/simple/print")] == names


def test_a_sessions_queue_has_the_kind_and_the_parent_of_its_profile(tower: Console) -> None:
    tower.add("/queue/simple", name="all", target="ether2", max_limit="50M/50M")
    tower.say("/ppp/profile/set", "=.id=plan", "=parent-queue=all", "=queue-type=default")
    tower.say("/ppp/profile/set", "=.id=plan", "=rate-limit=1M/2M 2M/4M 512k/1M 10/20 3 256k/512k")
    tower.router.dial("ann", "pw")
    (row,) = tower.rows("/queue/simple/print", "?dynamic=true")
    assert {name: row[name] for name in (
        "parent", "queue", "max-limit", "burst-limit", "burst-threshold", "burst-time", "priority", "limit-at",
    )} == {
        "parent": "all", "queue": "default/default", "max-limit": "1000000/2000000",
        "burst-limit": "2000000/4000000", "burst-threshold": "512000/1000000", "burst-time": "10s/20s",
        "priority": "3/3", "limit-at": "256000/512000",
    }  # fmt: skip


def test_scripts_of_the_profile_go_with_the_session(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=on-up=:log info up", "=on-down=:log info down")
    session = tower.router.dial("ann", "pw")
    assert (session.on_up, session.on_down) == (":log info up", ":log info down")


# -- what ends one ------------------------------------------------------------------------------------------------


def test_a_session_timeout_ends_the_session_and_says_so(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=session-timeout=1h")
    tower.router.dial("ann", "pw", MAC)
    tower.wait_s(3_599)
    assert len(tower.rows("/ppp/active/print")) == 1
    tower.wait_s(1)
    assert tower.rows("/ppp/active/print") == []
    assert reason(tower) == "session-timeout"
    assert log(tower)[-3:] == [
        "<pppoe-ann>: terminating... - session timeout",
        f"ann logged out, 3600 0 0 0 0 from {MAC}",
        "<pppoe-ann>: disconnected",
    ]


def test_an_idle_timeout_waits_for_silence(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=idle-timeout=10m")
    tower.router.dial("ann", "pw")
    tower.wait_s(400)
    tower.router.carry("ann", 100, 100)
    tower.wait_s(300)
    assert len(tower.rows("/ppp/active/print")) == 1
    tower.wait_s(301)
    assert reason(tower) == "idle-timeout"


def test_a_streaming_subscriber_is_never_idle(tower: Console) -> None:
    tower.say("/ppp/profile/set", "=.id=plan", "=idle-timeout=1m")
    tower.router.habit("ann", "streaming")
    tower.router.dial("ann", "pw")
    for _ in range(20):
        tower.wait_s(30)
    assert len(tower.rows("/ppp/active/print")) == 1


@pytest.mark.parametrize("way", [("in", 1_000, 0), ("out", 0, 1_000)])
def test_a_byte_limit_ends_the_session_and_the_next_one_starts_anew(tower: Console, way: tuple[str, int, int]) -> None:
    name, up, down = way
    tower.say("/ppp/secret/set", "=.id=ann", f"=limit-bytes-{name}=1000")
    tower.router.dial("ann", "pw")
    tower.router.carry("ann", up - (up > 0), down - (down > 0))
    assert len(tower.rows("/ppp/active/print")) == 1
    tower.router.carry("ann", int(up > 0), int(down > 0))
    assert tower.rows("/ppp/active/print") == []
    assert reason(tower) == "nas-request"
    tower.router.dial("ann", "pw")
    assert tower.router.carry("ann", 500, 500)
    assert len(tower.rows("/ppp/active/print")) == 1


def test_a_habit_runs_into_its_byte_limit_by_itself(tower: Console) -> None:
    tower.say("/ppp/secret/set", "=.id=ann", "=limit-bytes-out=100000000")
    tower.router.habit("ann", "streaming")
    tower.router.dial("ann", "pw")
    waited_s = 0
    while tower.rows("/ppp/active/print") and waited_s < 3_600:
        tower.wait_s(5)
        waited_s += 5
    # 5 Mbit/s for 4 s in 10: 250 kB/s, so 100 MB take some 400 s.
    assert 350 <= waited_s <= 450


def test_a_peer_that_vanished_lingers_until_its_keepalive(tower: Console) -> None:
    server(tower, "=keepalive-timeout=30")
    tower.router.dial("ann", "pw", MAC)
    assert tower.router.vanish("ann")
    tower.wait_s(29)
    assert len(tower.rows("/ppp/active/print")) == 1
    tower.wait_s(1)
    assert reason(tower) == "hung-up"
    assert "<pppoe-ann>: terminating... - peer is not responding" in log(tower)


def test_without_keepalive_the_dead_session_stays_for_ever(tower: Console) -> None:
    server(tower, "=keepalive-timeout=disabled")
    tower.router.dial("ann", "pw")
    tower.router.vanish("ann")
    tower.wait_s(1_000_000)
    assert len(tower.rows("/ppp/active/print")) == 1


def test_a_vanished_modem_with_power_again_meets_its_own_ghost(tower: Console) -> None:
    server(tower, "=one-session-per-host=no", "=keepalive-timeout=30")
    tower.say("/ppp/profile/set", "=.id=plan", "=only-one=yes")
    tower.router.redial("ann", every_s=5)
    tower.router.vanish("ann")
    tower.wait_s(6)
    assert len(tower.router.journal.events_after(0, "denied")) == 0  # it has no power to dial with
    tower.router.redial("ann", "pw", every_s=5)
    assert len(tower.router.journal.events_after(0, "denied")) == 1
    for _ in range(8):
        tower.wait_s(5)
    assert [event.facts["reason"] for event in tower.router.journal.events_after(0, "offline")] == ["hung-up"]
    assert len(tower.rows("/ppp/active/print")) == 1


def test_disabling_the_server_ends_its_sessions_only_if_routers_do_that(
    tower: Console, new_console: Callable[..., Console]
) -> None:
    gentle = furnish(new_console(switches=Switches(disabled_server_ends_sessions=False)))
    for console, left in ((tower, 0), (gentle, 1)):
        console.router.dial("ann", "pw")
        server(console, "=service-name=other")
        assert len(console.rows("/ppp/active/print")) == 1
        server(console, "=disabled=yes")
        assert len(console.rows("/ppp/active/print")) == left


@pytest.mark.parametrize(
    ("version", "never", "seen"),
    [
        ("6.49.18", "jan/01/1970 00:00:00", "jan/02/1970 00:01:40"),
        ("7.18.2", "1970-01-01 00:00:00", "1970-01-02 00:01:40"),
    ],
)
def test_what_a_secret_remembers_of_its_last_session(
    new_console: Callable[..., Console], version: str, never: str, seen: str
) -> None:
    console = furnish(new_console(version=version))
    assert console.rows("/ppp/secret/print")[0]["last-logged-out"] == never
    console.router.dial("ann", "pw", MAC)
    console.wait_s(100)
    console.router.hangup("ann")
    (row,) = console.rows("/ppp/secret/print")
    assert (row["last-logged-out"], row["last-caller-id"]) == (seen, MAC)
    assert row.get("last-disconnect-reason") == (None if version.startswith("6") else "peer-request")
