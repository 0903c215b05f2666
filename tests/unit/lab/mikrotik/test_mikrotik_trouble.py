"""Trouble asked for: what is lost on the way, a busy processor, a boot that is not over, a clock in 1970."""

import random
import time
from collections.abc import Callable

import pytest

from lab.control import ControlError
from lab.mikrotik.faults import KINDS, Fault, make, parse
from lab.mikrotik.network import clerk, delay
from lab.mikrotik.network.delay import HANDSHAKE_RETRANSMIT_S, MAX_LOSSES, RETRANSMIT_S, Link
from lab.mikrotik.thread import RunningRouter
from tests.unit.lab.mikrotik.conftest import RawClient

Connect = Callable[[RunningRouter], RawClient]


def test_every_loss_costs_twice_the_wait_of_the_one_before() -> None:
    link = Link(0.02, 0.5, random.Random(7))
    waits = [round(link.one_way_s() - 0.01, 6) for _ in range(4_000)]
    after = {count: round(RETRANSMIT_S * (2**count - 1), 6) for count in range(MAX_LOSSES + 1)}
    assert set(waits) == set(after.values())
    for count in range(4):
        assert waits.count(after[count]) / 4_000 == pytest.approx(0.5 ** (count + 1), abs=0.03)


def test_a_seed_replays_what_was_lost_and_no_loss_asks_no_chance() -> None:
    first, again = Link.of(0.0, 0.3, seed=5), Link.of(0.0, 0.3, seed=5)
    assert [first.one_way_s() for _ in range(50)] == [again.one_way_s() for _ in range(50)]
    sure = Link(0.02, 0.0)
    before = sure.chance.getstate()
    assert (sure.one_way_s(), sure.handshakes_s(tls=False), sure.handshakes_s(tls=True)) == (0.01, 0.03, 0.07)
    assert sure.chance.getstate() == before


def test_a_lost_handshake_waits_a_second() -> None:
    link = Link(0.0, 0.5, random.Random(1))
    waits = {link.handshakes_s(tls=False) for _ in range(200)}
    assert {0.0, HANDSHAKE_RETRANSMIT_S, 3 * HANDSHAKE_RETRANSMIT_S} <= waits


def test_what_is_lost_comes_later_and_in_order(
    live: RunningRouter, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delay, "RETRANSMIT_S", 0.002)
    client = connect(live).log_in()
    live.delay(0.0, loss=0.5)
    started = time.perf_counter()
    for at in range(12):
        assert client.talk("/ppp/secret/add", f"=name=u{at}") == [["!done", f"=ret=*{at + 1:X}"]]
    assert time.perf_counter() - started > 0.006  # of 24 bursts some were lost, by any seed


def test_a_full_print_takes_as_long_as_on_a_small_router(live: RunningRouter, connect: Connect) -> None:
    """1,500 rows a second by default; a filtered print looks through all rows, ten times as fast."""
    live.script("/ppp secret\n" + "".join(f"add name=u{at}\n" for at in range(300)))
    client = connect(live).log_in()
    live.fault("slow-print")
    started = time.perf_counter()
    assert len(client.talk("/ppp/secret/print", "=.proplist=name")) == 301
    full_s = time.perf_counter() - started
    started = time.perf_counter()
    assert len(client.talk("/ppp/secret/print", "?name=u7")) == 2
    one_s = time.perf_counter() - started
    assert full_s >= 0.2
    assert 0.02 <= one_s < full_s


def test_slow_answers_of_many_tags_wait_in_one_line(live: RunningRouter, connect: Connect) -> None:
    live.script("/ppp secret\n" + "".join(f"add name=u{at}\n" for at in range(64)))
    client = connect(live).log_in()
    live.fault("slow-print", rows_per_s=1_280)
    started = time.perf_counter()
    client.send(*(["/ppp/secret/print", "=.proplist=name", f".tag={at}"] for at in range(4)))
    ends = 0
    while ends < 4:
        ends += client.read()[0] == "!done"
    assert time.perf_counter() - started >= 0.2  # 50 ms each, whatever the parallelism


def test_a_busy_processor_shows_and_slows(
    live: RunningRouter, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "COMMAND_S", 0.001)
    client = connect(live).log_in()
    live.fault("cpu-load", percent=95)
    started = time.perf_counter()
    (resource, _) = client.talk("/system/resource/print")
    assert "=cpu-load=95" in resource
    assert time.perf_counter() - started >= 0.02
    client.send(["/ppp/secret/add", "=name=b", ".tag=1"], ["/cancel", "=tag=1", ".tag=2"])
    assert [client.read()[0] for _ in range(3)] == ["!trap", "!done", "!done"]
    live.clear_faults("cpu-load")
    assert "=cpu-load=95" not in client.talk("/system/resource/print")[0]
    assert live.rows("/ppp/secret") == []


def test_after_a_boot_login_works_before_the_menus_have_rows(live: RunningRouter, connect: Connect) -> None:
    live.script("/ppp secret add name=ann")
    live.fault("boot-race", seconds=0.4)
    live.reboot(down_s=0.01)
    client = connect(live).log_in()
    assert client.talk("/ppp/secret/print") == [["!empty"], ["!done"]]
    assert client.talk("/ppp/secret/set", "=.id=ann", "=comment=x")[0] == [
        "!trap",
        "=category=0",
        "=message=no such item",
    ]
    assert client.talk("/system/identity/print")[0][0] == "!re"
    deadline = time.monotonic() + 5
    while client.talk("/ppp/secret/print")[0][0] != "!re":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_clock_that_lost_its_battery_and_its_ntp(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    client.talk("/system/ntp/client/set", "=enabled=yes", "=servers=192.0.2.1")
    assert "=date=1970-01-02" not in client.talk("/system/clock/print")[0]
    live.fault("clock-1970")
    assert "=date=1970-01-02" in client.talk("/system/clock/print")[0]
    live.clear_faults("clock-1970")
    assert "=date=1970-01-02" not in client.talk("/system/clock/print")[0]


def test_the_session_limit_is_reached(live: RunningRouter, connect: Connect) -> None:
    connect(live).log_in()
    live.fault("session-limit", limit=1)
    with pytest.raises(EOFError):
        connect(live).read()
    live.clear_faults()
    connect(live).log_in()


@pytest.mark.parametrize("times", [1, 2])
def test_login_then_silence_as_often_as_asked(live: RunningRouter, connect: Connect, times: int) -> None:
    live.fault("hang-after-login", times=times)
    for _ in range(times):
        client = connect(live).log_in()
        client.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.talk("/system/identity/print")
    assert connect(live).log_in().talk("/system/identity/print")[0][0] == "!re"


def test_faults_as_the_command_line_has_them() -> None:
    assert parse("trap-write,menu=/ppp/secret,nth=3") == Fault("trap-write", menu="/ppp/secret", nth=3)
    assert parse("boot-race,seconds=2.5") == Fault("boot-race", seconds=2.5)
    assert parse("refuse") == Fault("refuse")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_says_what_it_does_and_takes_only_what_means_something(kind: str) -> None:
    assert KINDS[kind].does
    options = {name: getattr(Fault(kind), name) for name in KINDS[kind].options}
    assert make(kind, **options) == Fault(kind, **options)
    with pytest.raises(ControlError, match="does not take"):
        make(kind, colour="red")
