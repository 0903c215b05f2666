"""Faults and distance: what goes wrong when it is asked to, and what a round trip costs."""

import time
from collections.abc import Callable

import pytest

from lab.control import ControlError
from lab.mikrotik.thread import RunningRouter
from tests.unit.lab.mikrotik.conftest import RawClient

Connect = Callable[[RunningRouter], RawClient]


def test_refused_connections_are_taken_again_when_it_is_over(live: RunningRouter, connect: Connect) -> None:
    live.fault("refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(live)
    live.clear_faults()
    connect(live).log_in()


def test_a_router_that_hangs_after_login_answers_nothing(live: RunningRouter, connect: Connect) -> None:
    live.fault("hang-after-login")
    client = connect(live).log_in()
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.talk("/system/identity/print")


def test_a_router_that_hangs_comes_back_where_it_was(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("hang")
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.talk("/system/identity/print")
    live.clear_faults()
    client.socket.settimeout(5)
    assert client.talk("/system/identity/print")[0][0] == "!re"


def test_a_reply_is_cut_in_the_middle(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("cut-reply", after_bytes=3)
    with pytest.raises((ConnectionError, EOFError)):
        client.talk("/system/identity/print")
    connect(live).log_in().talk("/system/identity/print")


def test_a_reply_stalls_in_the_middle(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("stall-reply", after_bytes=6)
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.talk("/system/identity/print")


def test_the_nth_write_of_a_menu_is_refused_and_only_that(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("trap-write", nth=2, menu="/ppp/secret", message="failure: no space left")
    client.talk("/ppp/profile/add", "=name=p")
    answers = [client.talk("/ppp/secret/add", f"=name=u{at}")[0] for at in range(3)]
    assert [answer[0] for answer in answers] == ["!done", "!trap", "!done"]
    assert answers[1][1] == "=message=failure: no space left"
    assert [row["name"] for row in live.rows("/ppp/secret")] == ["u0", "u2"]


def test_a_write_is_accepted_and_forgotten(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("lose-write")
    assert client.talk("/ppp/secret/add", "=name=ann")[0][0] == "!done"
    assert live.rows("/ppp/secret") == []
    assert live.writes()[0].outcome == "lost"


def test_a_write_is_refused_and_done_all_the_same(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("trap-applied")
    assert client.talk("/ppp/secret/add", "=name=ann")[0][0] == "!trap"
    assert len(live.rows("/ppp/secret")) == 1


def test_a_trap_may_come_without_a_message(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("bare-trap")
    assert client.talk("/ppp/secret/add", "=name=ann") == [["!trap"], ["!done"]]


def test_the_router_reboots_in_the_middle_of_a_write(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.fault("reboot-on-write")
    with pytest.raises((ConnectionError, EOFError)):
        client.talk("/ppp/secret/add", "=name=ann")
    assert len(live.rows("/ppp/secret")) == 1


def test_a_slow_print_takes_its_time(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    for at in range(100):
        client.talk("/ppp/secret/add", f"=name=u{at}")
    live.fault("slow-print", rows_per_s=1_000)
    started = time.perf_counter()
    client.talk("/ppp/secret/print")
    assert time.perf_counter() - started >= 0.1


def test_an_unknown_fault_is_named_as_such(live: RunningRouter) -> None:
    with pytest.raises(ControlError, match="unknown fault"):
        live.fault("gremlins")


def test_pipelined_commands_share_one_round_trip(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    live.delay(0.1)
    started = time.perf_counter()
    for at in range(20):
        client.send(["/ppp/secret/add", f"=name=u{at}", f".tag={at}"])
    assert [client.read()[0] for _ in range(20)] == ["!done"] * 20
    assert 0.1 <= time.perf_counter() - started < 1.0  # one by one they would take 2 s


def test_waves_count_round_trips_not_commands(live: RunningRouter, connect: Connect) -> None:
    live.delay(0.02)
    client = connect(live).log_in()
    record = live.connections()[-1]
    before = record.waves
    for wave in range(3):
        adds = (["/ppp/secret/add", f"=name=u{wave}-{at}", f".tag={at}"] for at in range(10))
        client.send(*adds, ["/ppp/secret/print", ".tag=p"])
        while client.read() != ["!done", ".tag=p"]:
            pass
    assert live.connections()[-1].waves - before == 3
    assert {write.wave - before for write in live.writes()} == {1, 2, 3}


def test_a_new_connection_pays_for_its_handshake(live: RunningRouter, connect: Connect) -> None:
    live.delay(0.05)
    started = time.perf_counter()
    connect(live).log_in()
    assert time.perf_counter() - started >= 0.1
