"""Random bytes and random sentences on the socket: answered or closed cleanly, and others go on being served."""

import asyncio
import random
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.mikrotik.router import Setup
from lab.mikrotik.thread import RunningRouter, running_router
from lab.mikrotik.wire import SentenceReader, encode_sentence

PASSWORD = "pw"
LOGIN = encode_sentence(["/login", "=name=admin", f"=password={PASSWORD}"])
_PATHS = (
    "/ppp/secret", "/ppp/profile", "/ppp/active", "/ip/pool", "/ip/firewall/filter", "/ip/firewall/address-list",
    "/queue/simple", "/system/clock", "/system/identity", "/ip/hotspot/user", "/log", "/interface", "", "/no/such", "/",
)  # fmt: skip
_VERBS = (
    "print", "getall", "get", "add", "set", "remove", "enable", "disable", "move", "unset", "comment", "listen", "find",
    "export", "cancel", "monitor-traffic", "reset-counters", "login", "nonsense", "",
)  # fmt: skip
_text = st.text(st.characters(max_codepoint=255), max_size=12)
_name = st.sampled_from([
    "name", ".id", "numbers", "comment", "disabled", "list", "address", "target", "chain", "action", "profile",
    "destination", "place-before", "copy-from", ".proplist", "count-only", "follow", "follow-only", "from",
    "value-name", "!comment", "interface", "duration", "once", "tag", "",
])  # fmt: skip
_value = st.one_of(
    _text, st.sampled_from(["*1", "*0", "*FFFFFFFFFFFFFFFFF", "0", "-1", "yes", "1ms", "192.0.2.1", ","])
)
_word = st.one_of(
    st.builds("={}={}".format, _name, _value),
    st.builds("?{}{}={}".format, st.sampled_from(["", "=", "<", ">", "-"]), _name, _value),
    st.builds("?#{}".format, st.text("!&|.0123456789", max_size=6)),
    st.builds(".tag={}".format, st.sampled_from(["1", "2", ""])),
    _text,
)
_sentence = st.builds(
    lambda path, verb, words: encode_sentence([f"{path}/{verb}", *filter(None, words)]),
    st.sampled_from(_PATHS), st.sampled_from(_VERBS), st.lists(_word, max_size=5),
)  # fmt: skip
_stream = st.lists(st.one_of(_sentence, _sentence, st.binary(max_size=40)), max_size=12).map(b"".join)


class Watched:
    """A router whose every unhandled exception is kept, and a witness who asks on."""

    def __init__(self, running: RunningRouter) -> None:
        self.running = running
        self.troubles: list[str] = []
        running.on_router(lambda _: asyncio.get_running_loop().set_exception_handler(self._keep))
        self.witness = socket.create_connection((running.host, running.port), timeout=5)
        self.witness.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.witness.sendall(LOGIN)
        self.witness.recv(100)

    def _keep(self, _loop: object, context: dict[str, object]) -> None:
        self.troubles.append(repr(context.get("exception") or context.get("message")))

    def assert_serves(self) -> None:
        self.witness.sendall(encode_sentence(["/system/resource/print"]))
        heard = b""
        while not heard.endswith(b"\x05!done\x00"):
            more = self.witness.recv(65_536)
            assert more, "the witness was hung up on"
            heard += more
        assert self.troubles == []

    def throw(self, stream: bytes, seed: int) -> None:
        """Send it in pieces, hang up, and read what comes to the end."""
        chance = random.Random(seed)
        with socket.create_connection((self.running.host, self.running.port), timeout=5) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while stream:
                    size = chance.choice([1, 2, 7, 1_000])
                    sock.sendall(stream[:size])
                    stream = stream[size:]
                sock.shutdown(socket.SHUT_WR)
                heard = b""
                while more := sock.recv(65_536):
                    heard += more
            except TimeoutError:
                raise  # neither answered nor closed
            except OSError:
                return  # cut, which is clean
        for sentence in SentenceReader().feed(heard):
            assert sentence[0] in ("!re", "!done", "!trap", "!fatal", "!empty"), sentence


@pytest.fixture(scope="module", params=["7.18.2", "6.49.18"])
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    with running_router(Setup(version=request.param, password=PASSWORD)) as running:
        watched = Watched(running)
        yield watched
        watched.witness.close()


def throw_and_ask(watched: Watched, stream: bytes, seed: int) -> None:
    watched.throw(stream, seed)
    watched.assert_serves()


@given(stream=st.binary(max_size=200), seed=st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bytes_before_login(watched: Watched, stream: bytes, seed: int) -> None:
    throw_and_ask(watched, stream, seed)


@given(stream=_stream, seed=st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_bytes_and_sentences_after_login(watched: Watched, stream: bytes, seed: int) -> None:
    throw_and_ask(watched, LOGIN + stream, seed)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@given(stream=_stream, seed=st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20_000)
def test_bytes_and_sentences_after_login_for_long(watched: Watched, stream: bytes, seed: int) -> None:
    throw_and_ask(watched, LOGIN + stream, seed)
