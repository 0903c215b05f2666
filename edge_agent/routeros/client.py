"""One API session: batches of tagged commands in one burst, answers sorted by tag, every value a string.

A subclass of librouteros' Api over its transports. Its own reading is replaced, because it turns `123456` into a
number and `true` into `yes`, knows no tags, drops bytes that are not ASCII, and reads word by word.
"""

import contextlib
import hashlib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import librouteros
from librouteros.api import Api
from librouteros.exceptions import LibRouterosError
from librouteros.protocol import ApiProtocol, encode_length

from edge_agent.errors import RouterRefused, RouterUnreachable

_READ_BYTES: Final = 64 * 1024
_SENTENCE_BYTES_MAX: Final = 1024 * 1024
_COMMANDS_MAX: Final = 400
"""In one burst. Replies to so many fit the kernel's buffers while we are still sending."""

Make = Callable[[dict[str, str]], Any]


class BootClock(Protocol):
    """What a session needs of the clock."""

    def boot_us(self) -> int:
        """Microseconds since boot."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command's words (latin-1 text, byte for byte). `make` turns each row into what is kept of it."""

    words: tuple[str, ...]
    make: Make | None = None
    entitlements: tuple[str, ...] = ()
    """Whom it is about, so that a trap can be blamed."""
    optional: bool = False
    """A menu that not every router has: a trap means that it is empty."""


@dataclass(slots=True)
class Answer:
    """What came back for one command."""

    rows: list[Any] = field(default_factory=list)
    ret: str = ""
    trap: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where the router is and how to log in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool = False
    certificate_sha256: str = ""
    """The router's certificate, pinned when the site was set up; "" only while setting up."""


class Session(Api):  # type: ignore[misc]  # librouteros ships no types
    """A logged-in session. One owner, one batch at a time; anything but a clean trap closes it."""

    def __init__(self, protocol: ApiProtocol) -> None:
        super().__init__(protocol)
        self._buffer = b""
        self._at = 0
        self.waves = 0

    def batch(self, commands: Sequence[Command], *, clock: BootClock, timeout_s: float) -> list[Answer]:
        """Send all commands in one burst and wait for all answers: one wave for each 400 commands."""
        answers: list[Answer] = []
        try:
            for start in range(0, len(commands), _COMMANDS_MAX):
                part = commands[start : start + _COMMANDS_MAX]
                answers.extend(self._burst(part, clock.boot_us, clock.boot_us() + int(timeout_s * 1e6)))
                self.waves += 1
        except (OSError, LibRouterosError, ValueError, LookupError) as error:
            # LookupError: an answer to nobody, or a row without what every row has. In any case of doubt the next
            # answer would be read as another command's.
            self.hang_up()
            raise RouterUnreachable(
                f"the router stopped answering ({type(error).__name__})", "check the link to the router"
            ) from error
        return answers

    def _burst(self, commands: Sequence[Command], now_us: Callable[[], int], deadline_us: int) -> list[Answer]:
        answers = [Answer() for _ in commands]
        self._socket.settimeout(max((deadline_us - now_us()) / 1e6, 0.001))
        self.protocol.transport.write(b"".join(_encode(c.words, tag) for tag, c in enumerate(commands)))
        waiting = len(commands)
        for words in self._sentences(now_us, deadline_us):
            reply, tag, attributes = _sort(words)
            answer, command = answers[tag], commands[tag]
            if reply == "!re":
                answer.rows.append(command.make(attributes) if command.make else attributes)
            elif reply == "!trap":
                answer.trap = answer.trap or attributes.get("message", "no reason given")
            elif reply == "!done":
                answer.ret = attributes.get("ret", "")
                waiting -= 1
                if not waiting:
                    break
        return answers

    @property
    def _socket(self) -> socket.socket:
        found: socket.socket = self.protocol.transport.sock
        return found

    def _sentences(self, now_us: Callable[[], int], deadline_us: int) -> Iterator[list[bytes]]:
        while True:
            parsed = _parse(self._buffer, self._at)
            if parsed is None:
                self._fill(now_us, deadline_us)
                continue
            words, self._at = parsed
            if words:
                yield words

    def _fill(self, now_us: Callable[[], int], deadline_us: int) -> None:
        left_s = (deadline_us - now_us()) / 1e6
        if left_s <= 0:
            raise TimeoutError("the whole answer took too long")
        self._socket.settimeout(left_s)
        got = self._socket.recv(_READ_BYTES)
        if not got:
            raise ConnectionResetError("the router closed the connection")
        self._buffer = self._buffer[self._at :] + got
        self._at = 0
        if len(self._buffer) > _SENTENCE_BYTES_MAX + _READ_BYTES:
            raise ValueError("a sentence without an end")

    def readSentence(self) -> tuple[str, dict[str, Any]]:  # noqa: N802  # librouteros' own name: its login reads by it
        """Read one sentence for librouteros' login."""
        while (parsed := _parse(self._buffer, self._at)) is None:
            got = self._socket.recv(_READ_BYTES)
            if not got:
                raise ConnectionResetError("the router closed the connection")
            self._buffer += got
        words, self._at = parsed
        reply, _, attributes = _sort([*words, b".tag=0"])
        if reply == "!trap":
            attributes = {"message": attributes.get("message", "no reason given")}
        return reply, attributes

    def hang_up(self) -> None:
        """Close without a word; may be called twice."""
        with contextlib.suppress(OSError):
            self.close()


def _parse(buffer: bytes, at: int) -> tuple[list[bytes], int] | None:
    """Cut one sentence out; None: it is not whole yet."""
    words: list[bytes] = []
    end = len(buffer)
    while at < end:
        size = buffer[at]
        at += 1
        if size == 0:
            return words, at
        if size >= 0x80:
            more = 1 if size < 0xC0 else 2 if size < 0xE0 else 3 if size < 0xF0 else 4
            if size > 0xF0:
                raise ValueError("reserved control byte")
            if at + more > end:
                return None
            size = int.from_bytes(buffer[at - 1 : at + more]) & ((1 << (7 * more + 7)) - 1 if more < 4 else 0xFFFFFFFF)
            at += more
        if at + size > end:
            return None
        words.append(buffer[at : at + size])
        at += size
    return None


def _sort(words: list[bytes]) -> tuple[str, int, dict[str, str]]:
    """Return reply word, tag and attributes. `=name` without a second `=` is an empty value."""
    reply = words[0].decode("latin-1")
    if reply == "!fatal":
        raise ConnectionResetError("the router ended the session")
    tag = -1
    attributes: dict[str, str] = {}
    for word in words[1:]:
        text = word.decode("latin-1")
        if text[0] == "=":
            name, _, value = text[1:].partition("=")
            attributes[name] = value
        elif text.startswith(".tag="):
            tag = int(text[5:])
    if tag < 0:
        raise ValueError("an answer without a tag")
    return reply, tag, attributes


def _encode(words: Iterable[str], tag: int) -> bytes:
    parts: list[bytes] = []
    for word in (*words, f".tag={tag}"):
        raw = word.encode("latin-1")
        parts += (encode_length(len(raw)), raw)
    return b"".join((*parts, b"\0"))


def open_session(address: Address, *, timeout_s: float) -> Session:
    """Connect and log in; raises RouterUnreachable or RouterRefused."""
    try:
        session: Session = librouteros.connect(
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password.encode().decode("latin-1"),
            timeout=timeout_s,
            subclass=Session,
            encoding="latin-1",
            ssl_wrapper=(lambda sock: _wrap(sock, address)) if address.tls else None,
        )
    except librouteros.exceptions.TrapError as error:
        raise RouterRefused(
            f"the router refuses the login of user {address.user} ({error})",
            "check the user name and password that `mnara-agent enrol` was given",
        ) from error
    except (OSError, LibRouterosError, ValueError) as error:
        raise RouterUnreachable(
            f"the router at {address.host}:{address.port} does not answer ({type(error).__name__}: {error})",
            "check address and cable, and that the service api is enabled for this machine's address",
        ) from error
    sock = session.protocol.transport.sock
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return session


def _wrap(sock: socket.socket, address: Address) -> ssl.SSLSocket:
    """TLS with the certificate pinned by its hash: routers sign their own, with any name in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    wrapped = context.wrap_socket(sock)
    seen = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
    if address.certificate_sha256 and seen != address.certificate_sha256:
        wrapped.close()
        raise ConnectionError("the router shows another certificate than the pinned one")
    return wrapped


def certificate_of(address: Address, *, timeout_s: float) -> str:
    """Return the SHA-256 of the certificate the router shows, to be pinned."""
    with socket.create_connection((address.host, address.port), timeout_s) as sock, _wrap(sock, address) as wrapped:
        return hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
