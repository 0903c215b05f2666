"""A router with held clock hands to command in-process, and a raw socket client for the one on the network."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lab.mikrotik.errors import Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.speech.commands import Access, Done, Listing, everything, parse
from lab.mikrotik.speech.language import Language
from lab.mikrotik.thread import RunningRouter, running_router
from lab.mikrotik.wire import SentenceReader, encode_sentence

PASSWORD = "s3cret"


class HeldClock:
    """A clock whose hands only the test moves."""

    def __init__(self) -> None:
        self.wall_us = 1_780_000_000_000_000
        self.run_us = 5_000_000

    def now_us(self) -> int:
        return self.wall_us

    def monotonic_us(self) -> int:
        return self.run_us

    def pass_s(self, seconds: float) -> None:
        self.wall_us += int(seconds * 1_000_000)
        self.run_us += int(seconds * 1_000_000)


@dataclass
class Console:
    """Runs sentences against a router in this process and gives back plain Python."""

    router: Router
    clock: HeldClock
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        self.access = everything(ConnectionRecord(0, 0))

    def say(self, *words: str) -> list[dict[str, str]] | str | None:
        """Rows of a print, or the `ret` of anything else."""
        outcome = Language(self.router).run(parse(list(words)), self.access)
        if isinstance(outcome, Listing):
            reader = SentenceReader()
            sentences = reader.feed(b"".join(outcome.columns.encode(row, b"\x03!re") for row in outcome.rows))
            return [dict(word[1:].split("=", 1) for word in sentence[1:]) for sentence in sentences]
        assert isinstance(outcome, Done)
        return outcome.ret

    def rows(self, *words: str) -> list[dict[str, str]]:
        found = self.say(*words)
        assert isinstance(found, list)
        return found

    def add(self, menu: str, **values: str) -> str:
        words = [f"={name.replace('_', '-')}={value}" for name, value in values.items()]
        made = self.say(f"{menu}/add", *words)
        assert isinstance(made, str)
        return made

    def trap(self, *words: str) -> tuple[str, int | None]:
        """The message and category of the trap these words must earn."""
        with pytest.raises(Trap) as caught:
            self.say(*words)
        return caught.value.message, caught.value.category

    def wait_s(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        self.router.run_timers()


@pytest.fixture
def new_console() -> Callable[..., Console]:
    def make(**options: object) -> Console:
        clock = HeldClock()
        return Console(Router(Setup(**options), clock), clock)  # type: ignore[arg-type]  # options of Setup, as the test names them

    return make


@pytest.fixture
def console(new_console: Callable[..., Console]) -> Console:
    return new_console()


class RawClient:
    """Words in, words out, over a plain socket."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=5)
        # Without it Nagle holds a second burst back until the first is acknowledged: 40 ms on loopback.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = SentenceReader()
        self._ready: list[list[str]] = []

    def send(self, *sentences: list[str]) -> None:
        self.socket.sendall(b"".join(map(encode_sentence, sentences)))

    def read(self) -> list[str]:
        """The next sentence; EOFError when the router hung up."""
        while not self._ready:
            data = self.socket.recv(65_536)
            if not data:
                raise EOFError
            self._ready += self._reader.feed(data)
        return self._ready.pop(0)

    def talk(self, *words: str) -> list[list[str]]:
        """Say one untagged sentence and read to its `!done`."""
        self.send(list(words))
        answer = [self.read()]
        while answer[-1][0] not in ("!done", "!fatal"):
            answer.append(self.read())
        return answer

    def log_in(self, user: str = "admin", password: str = PASSWORD) -> "RawClient":
        assert self.talk("/login", f"=name={user}", f"=password={password}") == [["!done"]]
        return self


@pytest.fixture
def live() -> Iterator[RunningRouter]:
    with running_router(Setup(password=PASSWORD)) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[[RunningRouter], RawClient]]:
    made: list[RawClient] = []

    def make(running: RunningRouter) -> RawClient:
        made.append(RawClient(running.host, running.port))
        return made[-1]

    yield make
    for client in made:
        client.socket.close()
