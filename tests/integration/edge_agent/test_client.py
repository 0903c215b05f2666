"""The API session on a raw socket: bytes, tags, traps, and that doubt closes the connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from librouteros.protocol import encode_sentence

from edge_agent.clock import Clock
from edge_agent.errors import RouterRefused, RouterUnreachable
from edge_agent.routeros.client import Address, Command, Session, open_session
from tests.support.lengths import SENDABLE, Vector

CLOCK = Clock()


def sentence(*words: str) -> bytes:
    return bytes(encode_sentence(*words, encoding="latin-1"))


LOGIN = sentence("!done")


@contextmanager
def peer(*replies: bytes, hold: Callable[[socket.socket], None] = lambda _: None) -> Iterator[Address]:
    """A router that answers each burst with the next of these bytes, whatever was asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        live, _ = listener.accept()
        with live:
            for reply in replies:
                if not live.recv(65536):
                    return
                live.sendall(reply)
            hold(live)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield Address("127.0.0.1", listener.getsockname()[1], "agent", "pw")
    listener.close()
    thread.join(5)


def ask(session: Session, *commands: Command, timeout_s: float = 2.0) -> list[tuple[list[object], str, str | None]]:
    answers = session.batch(commands, clock=CLOCK, timeout_s=timeout_s)
    return [(answer.rows, answer.ret, answer.trap) for answer in answers]


@contextmanager
def session_with(*replies: bytes, hold: Callable[[socket.socket], None] = lambda _: None) -> Iterator[Session]:
    with peer(LOGIN, *replies, hold=hold) as address:
        session = open_session(address, timeout_s=2.0)
        yield session
        session.hang_up()


PRINT = Command(("/ppp/secret/print",))


def test_values_stay_the_text_they_were() -> None:
    words = ["=name=00123", "=password=123456", "=comment=true", "=profile=", "=odd", "=a=b=c", "=city=caf\xe9\xff"]
    with session_with(sentence("!re", ".tag=0", *words) + sentence("!done", ".tag=0")) as session:
        rows, _, _ = ask(session, PRINT)[0]
    assert rows == [
        {
            "name": "00123",
            "password": "123456",
            "comment": "true",
            "profile": "",
            "odd": "",
            "a": "b=c",
            "city": "caf\xe9\xff",
        }
    ]


def test_answers_are_sorted_by_tag_however_they_are_mixed() -> None:
    mixed = (
        sentence("!re", ".tag=1", "=name=b")
        + sentence("!empty", ".tag=2")
        + sentence("!done", ".tag=2")
        + sentence("!re", ".tag=0", "=name=a")
        + sentence("!done", ".tag=1")
        + sentence("!done", "=ret=*1A", ".tag=0")
    )
    with session_with(mixed) as session:
        answers = ask(session, PRINT, PRINT, PRINT)
    assert answers == [([{"name": "a"}], "*1A", None), ([{"name": "b"}], "", None), ([], "", None)]


def test_a_clean_trap_is_an_answer_and_the_session_goes_on() -> None:
    trap = sentence("!trap", ".tag=0", "=category=0", "=message=no such item") + sentence("!done", ".tag=0")
    bare = sentence("!trap", ".tag=0") + sentence("!done", ".tag=0")
    with session_with(trap, bare) as session:
        assert ask(session, PRINT)[0][2] == "no such item"
        assert ask(session, PRINT)[0][2] == "no reason given"


@pytest.mark.parametrize("vector", SENDABLE, ids=str)
def test_the_published_length_codings_are_spoken_and_understood(vector: Vector) -> None:
    """Against bytes written down by others: the sentence() above would only agree with itself."""
    word = b"=n=" + b"x" * (vector.length - 3)
    if len(word) != vector.length:
        return  # shorter than an attribute can be
    reply = b"\x03!re\x06.tag=0" + vector.coded + word + b"\x00"
    heard: list[bytes] = []

    def listen(live: socket.socket) -> None:
        while not b"".join(heard).endswith(b"\x06.tag=0\x00"):
            heard.append(live.recv(1 << 20))
        live.sendall(reply + b"\x05!done\x06.tag=0\x00")

    with session_with(hold=listen) as session:
        answers = ask(session, Command(("/x", word.decode())))
    assert answers[0][0] == [{"n": "x" * (vector.length - 3)}]
    assert b"".join(heard) == b"\x02/x" + vector.coded + word + b"\x06.tag=0\x00"


@pytest.mark.parametrize("size", [0x7F, 0x80, 0x3FFF, 0x4000, 0x10000, 0x1FFFFF - 20])
def test_words_of_every_length_form_are_read(size: int) -> None:
    text = "x" * size
    if size > 0x100000:
        with session_with(sentence("!re", ".tag=0", "=n=" + text)) as session, pytest.raises(RouterUnreachable):
            ask(session, PRINT)
        return
    with session_with(sentence("!re", ".tag=0", "=n=" + text) + sentence("!done", ".tag=0")) as session:
        assert ask(session, PRINT)[0][0] == [{"n": text}]


def test_a_sentence_cut_anywhere_between_two_packets_is_read() -> None:
    whole = sentence("!re", ".tag=0", "=name=" + "y" * 300) + sentence("!done", ".tag=0")
    for cut in range(1, len(whole), 37):
        with session_with(whole[:cut], hold=lambda live, rest=whole[cut:]: live.sendall(rest)) as session:
            assert ask(session, PRINT)[0][0] == [{"name": "y" * 300}]


@pytest.mark.parametrize(
    "reply",
    [
        sentence("!re", ".tag=0", "=name=a"),
        sentence("!re", ".tag=0", "=name=a")[:-4],
        sentence("!re", "=name=a"),
        sentence("!fatal", "session terminated"),
        sentence("!done", ".tag=7"),
        b"\xf8garbage",
    ],
    ids=["no end", "half a sentence", "no tag", "fatal", "another's tag", "reserved length"],
)
def test_anything_but_a_clean_answer_closes_the_connection(reply: bytes) -> None:
    with session_with(reply) as session:
        with pytest.raises(RouterUnreachable):
            ask(session, PRINT, timeout_s=0.3)
        with pytest.raises(RouterUnreachable):
            ask(session, PRINT, timeout_s=0.3)


def test_a_silent_router_is_given_up_in_time() -> None:
    with session_with(b"", hold=lambda live: live.recv(1) and None) as session:
        began = CLOCK.boot_us()
        with pytest.raises(RouterUnreachable):
            ask(session, PRINT, timeout_s=0.2)
        assert CLOCK.boot_us() - began < 1_000_000


def test_a_refused_login_is_a_refusal_and_not_an_outage() -> None:
    trap = sentence("!trap", "=message=invalid user name or password (6)") + sentence("!done")
    with peer(trap) as address, pytest.raises(RouterRefused, match="refuses the login of user agent"):
        open_session(address, timeout_s=1.0)


def test_the_password_is_in_no_text_of_the_address() -> None:
    assert "pw" not in repr(Address("h", 1, "u", "pw"))
