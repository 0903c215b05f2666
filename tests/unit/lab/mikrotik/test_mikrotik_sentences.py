"""Sentence by sentence over a raw socket: what the manual says of the wire, and what happens at its bounds."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from lab.mikrotik.network import connection as connection_module
from lab.mikrotik.network import outlet as outlet_module
from lab.mikrotik.router import Setup
from lab.mikrotik.switches import Switches
from lab.mikrotik.thread import RunningRouter, running_router
from lab.mikrotik.wire import MAX_BYTES_BEFORE_LOGIN, MAX_SENTENCE_WORDS, encode_sentence
from tests.unit.lab.mikrotik.conftest import PASSWORD, RawClient

Connect = Callable[[RunningRouter], RawClient]
GONE = (ConnectionError, EOFError)


def long_form(word: str, extra_bytes: int) -> bytes:
    """A word whose length takes more bytes than it needs."""
    raw = word.encode("latin-1")
    mark = (0x00, 0x80, 0xC0, 0xE0, 0xF0)[extra_bytes]
    if extra_bytes == 4:
        return b"\xf0" + len(raw).to_bytes(4, "big") + raw
    return ((mark << 8 * extra_bytes) | len(raw)).to_bytes(1 + extra_bytes, "big") + raw


def fill(running: RunningRouter, count: int, comment: str = "") -> None:
    add = running.on_router(lambda router: router.editor.add)
    running.on_router(lambda router: [
        add(router.tables.get("/ppp/secret"), {"name": f"c{at}", "comment": comment}) for at in range(count)
    ])  # fmt: skip


@pytest.mark.parametrize("extra_bytes", range(5))
def test_a_length_may_be_said_longer_than_it_needs(live: RunningRouter, connect: Connect, extra_bytes: int) -> None:
    client = connect(live)
    words = ["/login", "=name=admin", f"=password={PASSWORD}"]
    client.socket.sendall(b"".join(long_form(word, extra_bytes) for word in words) + b"\x00")
    assert client.read() == ["!done"]


@pytest.mark.parametrize("first", range(0xF8, 0x100))
def test_a_control_byte_ends_that_connection_and_no_other(live: RunningRouter, connect: Connect, first: int) -> None:
    client, other = connect(live).log_in(), connect(live).log_in()
    client.socket.sendall(bytes((first,)))
    with pytest.raises(GONE):
        client.read()
    assert other.talk("/system/identity/print")[0][0] == "!re"


@pytest.mark.parametrize(
    "sent",
    [
        b"\xe0\x50\x00\x00",  # a word of 5 MiB
        b"\xf0\x10\x00\x00\x80",  # the five-byte form for what needs it
        b"\x01x" * (MAX_SENTENCE_WORDS + 1),
        (b"\xe0\x30\x00\x00" + bytes(0x300000)) * 3,  # three words of 3 MiB
    ],
)
def test_what_is_too_long_ends_the_connection(live: RunningRouter, connect: Connect, sent: bytes) -> None:
    client = connect(live).log_in()
    with suppress(ConnectionError):  # it may be cut before the last byte is sent
        client.socket.sendall(sent)
    with pytest.raises(GONE):
        client.read()
    connect(live).log_in()


def test_before_login_only_short_sentences_are_taken(live: RunningRouter, connect: Connect) -> None:
    client = connect(live)
    client.send(["/login", "=name=admin", "=password=" + "x" * MAX_BYTES_BEFORE_LOGIN])
    with pytest.raises(GONE):
        client.read()
    client = connect(live).log_in()
    assert client.talk("/system/identity/set", "=name=" + "x" * MAX_BYTES_BEFORE_LOGIN) == [["!done"]]


def test_empty_sentences_are_passed_over(live: RunningRouter, connect: Connect) -> None:
    client = connect(live)
    client.socket.sendall(b"\x00\x00")
    client.log_in()
    client.socket.sendall(b"\x00" * 1_000 + encode_sentence(["/system/identity/print"]))
    assert client.read()[0] == "!re"


def test_the_tag_may_stand_anywhere_and_comes_back_with_the_last_word_too(
    live: RunningRouter, connect: Connect
) -> None:
    client = connect(live)
    client.send([".tag=early"])
    assert client.read() == ["!fatal", "not logged in"]
    client = connect(live).log_in()
    client.send(["/ppp/secret/add", ".tag=3", "=name=ann", "=disabled"])
    assert client.read() == ["!trap", ".tag=3", "=category=1", "=message=invalid value for argument disabled"]
    assert client.read() == ["!done", ".tag=3"]
    client.send(["/quit", ".tag=4"])
    assert client.read() == ["!fatal", ".tag=4", "session terminated on request"]
    with pytest.raises(EOFError):
        client.read()


def test_a_property_nobody_has_leaves_an_empty_record_for_every_row(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    fill(live, 3)
    assert client.talk("/ppp/secret/print", "=.proplist=colour") == [["!re"]] * 3 + [["!done"]]


def test_cancel_without_a_tag_ends_everything_but_itself(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    client.send(["/ppp/secret/listen", ".tag=a"], ["/ppp/profile/listen", ".tag=b"], ["/cancel", ".tag=c"])
    assert [client.read()[:2] for _ in range(5)] == [
        ["!trap", ".tag=a"],
        ["!trap", ".tag=b"],
        ["!done", ".tag=c"],
        ["!done", ".tag=a"],
        ["!done", ".tag=b"],
    ]
    assert client.talk("/cancel", "=tag=nothing") == [["!done"]]


def test_cancel_reaches_what_still_waits_for_its_turn(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    client.send(["/ppp/secret/listen"], ["/ppp/secret/add", "=name=never"], ["/cancel", ".tag=c"])
    assert [client.read()[0] for _ in range(5)] == ["!trap", "!trap", "!done", "!done", "!done"]
    assert live.rows("/ppp/secret") == []


def test_follow_begins_with_what_is_there_and_follow_only_does_not(live: RunningRouter, connect: Connect) -> None:
    fill(live, 1)
    client, writer = connect(live).log_in(), connect(live).log_in()
    for tag, switch in (("f", "=follow="), ("o", "=follow-only=")):
        client.send(["/ppp/secret/print", switch, "=.proplist=.id,name", f".tag={tag}"])
    assert client.read() == ["!re", ".tag=f", "=.id=*1", "=name=c0"]
    client.send(["/system/identity/print", ".tag=ready"])
    while client.read() != ["!done", ".tag=ready"]:
        pass
    writer.talk("/ppp/secret/remove", "=.id=*1")
    assert sorted(client.read() for _ in range(2)) == [
        ["!re", ".tag=f", "=.id=*1", "=.dead=true"],
        ["!re", ".tag=o", "=.id=*1", "=.dead=true"],
    ]


def test_the_manual_s_word_for_a_row_that_is_gone(connect: Connect) -> None:
    with running_router(Setup(password=PASSWORD, switches=Switches(dead_reads="yes"))) as running:
        fill(running, 1)
        client = connect(running).log_in()
        client.send(["/ppp/secret/listen", ".tag=1"], ["/ppp/secret/remove", "=.id=*1", ".tag=2"])
        assert ["!re", ".tag=1", "=.id=*1", "=.dead=yes"] in [client.read() for _ in range(2)]


def test_a_second_login_on_the_same_connection_takes_the_place_of_the_first(
    live: RunningRouter, connect: Connect
) -> None:
    live.script("/user add name=reader group=read password=x\n/user add name=off group=full password=x disabled=yes")
    client = connect(live).log_in().log_in(user="reader", password="x")
    assert [row["name"] for row in live.rows("/user/active")] == ["reader"]
    assert client.talk("/ppp/secret/add", "=name=a")[0] == ["!trap", "=message=not enough permissions (9)"]
    assert client.talk("/login", "=name=off", "=password=x")[0][0] == "!trap"
    assert client.talk("/system/identity/print")[0][0] == "!re"


def test_each_service_counts_its_own_sessions(live: RunningRouter, connect: Connect) -> None:
    live.script("/ip service set api max-sessions=1")
    first = connect(live).log_in()
    with pytest.raises(EOFError):
        connect(live).read()
    first.talk("/quit")
    with pytest.raises(EOFError):
        first.read()
    connect(live).log_in()


@pytest.mark.parametrize(("how", "error"), [("close", EOFError), ("reset", ConnectionError), ("fatal", None)])
def test_what_a_connection_too_many_meets_can_be_chosen(
    connect: Connect, how: str, error: type[Exception] | None
) -> None:
    with running_router(Setup(password=PASSWORD, switches=Switches(beyond_sessions=how))) as running:
        running.fault("session-limit", limit=1)
        connect(running).log_in()
        if error is None:
            assert connect(running).read() == ["!fatal", "too many sessions"]
        else:
            with pytest.raises(error):
                connect(running).read()


def test_before_7_16_there_is_no_such_knob(connect: Connect) -> None:
    with running_router(Setup(version="7.15.3", password=PASSWORD)) as running:
        clients = [connect(running).log_in() for _ in range(25)]
        answer = clients[0].talk("/ip/service/set", "=.id=api", "=max-sessions=2")
        assert answer[0] == ["!trap", "=message=unknown parameter max-sessions"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_service_moves_to_another_port_and_cuts_whom_it_had(live: RunningRouter, connect: Connect) -> None:
    client, port, old_port = connect(live).log_in(), free_port(), live.port
    assert client.talk("/ip/service/set", "=.id=api", f"=port={port}") == [["!done"]]
    with pytest.raises(GONE):
        client.read()
    RawClient(live.host, port).log_in().socket.close()
    assert not is_open(old_port)
    live.reboot(down_s=0.01)
    RawClient(live.host, port).log_in().socket.close()


def test_a_disabled_service_refuses_until_it_is_enabled(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    assert client.talk("/ip/service/disable", "=.id=api") == [["!done"]]
    with pytest.raises(GONE):
        client.read()
    with pytest.raises(ConnectionRefusedError):
        connect(live)
    live.script("/ip service enable api")
    wait_until(lambda: is_open(live.port))
    connect(live).log_in()


def test_a_port_that_is_taken_leaves_the_service_invalid(live: RunningRouter, connect: Connect) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        live.script(f"/ip service set api port={holder.getsockname()[1]}")
        wait_until(lambda: any(row.get("invalid") == "true" for row in live.rows("/ip/service")))
    live.script(f"/ip service set api port={free_port()}")
    wait_until(lambda: not any(row.get("invalid") == "true" for row in live.rows("/ip/service")))


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_answers_are_sent_without_waiting_for_more(live: RunningRouter, connect: Connect) -> None:
    connect(live).log_in()
    sockets = live.on_router(lambda _: [one._transport.get_extra_info("socket") for one in live._server._connections])
    assert [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in sockets] == [1]


def unsent(running: RunningRouter) -> int:
    return running.on_router(lambda _: max((one._out.unsent_bytes for one in running._server._connections), default=0))


@pytest.mark.parametrize("round_trip_s", [0.0, 0.01])
def test_a_client_that_does_not_read_takes_no_memory(
    live: RunningRouter, connect: Connect, round_trip_s: float
) -> None:
    fill(live, 3_000, "x" * 1_000)
    client = connect(live).log_in()
    live.delay(round_trip_s)
    client.send(*(["/ppp/secret/print", f".tag={at}"] for at in range(8)))  # 24 MB of answers
    time.sleep(0.3)
    assert 0 < unsent(live) < 2 * outlet_module.HIGH_WATER_BYTES
    assert connect(live).log_in().talk("/system/identity/print")[0][0] == "!re"
    ends = 0
    while ends < 8:
        ends += client.read()[0] == "!done"


def test_a_listener_that_does_not_read_is_cut(
    live: RunningRouter, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet_module, "MAX_UNSENT_BYTES", 1024 * 1024)
    fill(live, 1)
    client, writer = connect(live).log_in(), connect(live).log_in()
    client.send(["/ppp/secret/listen", ".tag=1"])
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    for at in range(200):
        writer.talk("/ppp/secret/set", "=.id=*1", f"=comment={at}" + "x" * 100_000)
    wait_until(lambda: sum(record.closed_at_us is None for record in live.connections()) == 1)


@pytest.mark.parametrize("bound", [("MAX_WAITING", 10), ("MAX_WAITING_BYTES", 500)])
def test_commands_that_wait_are_counted(
    live: RunningRouter, connect: Connect, monkeypatch: pytest.MonkeyPatch, bound: tuple[str, int]
) -> None:
    monkeypatch.setattr(connection_module, *bound)
    client = connect(live).log_in()
    client.send(
        ["/ppp/secret/listen"], *(["/ppp/secret/add", f"=name={at}", "=comment=" + "x" * 50] for at in range(9))
    )
    if bound[0] == "MAX_WAITING":
        client.send(["/cancel", ".tag=c"])
        assert [client.read()[0] for _ in range(21)] == ["!trap"] * 10 + ["!done"] * 11
        client.send(["/ppp/secret/listen"], *(["/ppp/secret/add", f"=name={at}"] for at in range(12)))
    with pytest.raises(GONE):
        client.read()
