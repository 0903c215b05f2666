"""A broker for one agent: enough of MQTT 3.1.1 over mutual TLS to test the link, and to fall silent at will."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class TinyBroker:
    """What the agent did, and doors to say something to it."""

    port: int
    context: ssl.SSLContext
    listener: socket.socket
    on_publish: Callable[[str, bytes], None] = lambda _topic, _payload: None
    client_ids: list[str] = field(default_factory=list)
    wills: list[tuple[str, bytes]] = field(default_factory=list)
    keepalives: list[int] = field(default_factory=list)
    subscriptions: list[str] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    silent: bool = False
    _live: ssl.SSLSocket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: int = 0

    def say(self, topic: str, payload: bytes) -> None:
        self._number += 1
        name = topic.encode()
        self._send(0x32, struct.pack("!H", len(name)) + name + struct.pack("!H", self._number) + payload)

    def drop(self) -> None:
        """Reset the connection."""
        if self._live is not None:
            with suppress(OSError):
                # SSLSocket's own shutdown would let the reading thread go on without TLS.
                socket.socket.shutdown(self._live, socket.SHUT_RDWR)

    def _send(self, kind: int, body: bytes) -> None:
        size, length = b"", len(body)
        while True:
            size += bytes([length % 128 | (0x80 if length >= 128 else 0)])
            length //= 128
            if not length:
                break
        with self._lock:
            if self._live is not None and not self.silent:
                self._live.sendall(bytes([kind]) + size + body)

    def serve(self) -> None:
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            with suppress(OSError):
                self._one(raw)

    def _one(self, raw: socket.socket) -> None:
        with self.context.wrap_socket(raw, server_side=True) as live:
            self._live = live
            while (packet := self._packet(live)) is not None:
                if not self.silent:
                    self._handle(*packet)

    def _packet(self, live: ssl.SSLSocket) -> tuple[int, bytes] | None:
        first = live.recv(1)
        if not first:
            return None
        size = shift = 0
        while True:
            byte = live.recv(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        body = b""
        while len(body) < size:
            got = live.recv(size - len(body))
            if not got:
                return None
            body += got
        return first[0], body

    def _handle(self, kind: int, body: bytes) -> None:
        match kind >> 4:
            case 1:
                self._connect(body)
                self._send(0x20, b"\0\0")
            case 8:
                length = struct.unpack("!H", body[2:4])[0]
                self.subscriptions.append(body[4 : 4 + length].decode())
                self._send(0x90, body[:2] + b"\x01")
            case 3:
                length = struct.unpack("!H", body[:2])[0]
                topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
                self._send(0x40, rest[:2])
                self.on_publish(topic, rest[2:])
            case 4:
                self.acked.append(struct.unpack("!H", body[:2])[0])
            case 12:
                self._send(0xD0, b"")
            case _:
                pass

    def _connect(self, body: bytes) -> None:
        assert body[:7] == b"\x00\x04MQTT\x04", "MQTT 3.1.1"
        assert body[7] & 0x02, "clean session"
        self.keepalives.append(struct.unpack("!H", body[8:10])[0])
        fields, at = [], 10
        for _ in range(3):
            length = struct.unpack("!H", body[at : at + 2])[0]
            fields.append(body[at + 2 : at + 2 + length])
            at += 2 + length
        self.client_ids.append(fields[0].decode())
        self.wills.append((fields[1].decode(), fields[2]))


@contextmanager
def tiny_broker(certificate: Path, key: Path, ca: Path, port: int = 0) -> Iterator[TinyBroker]:
    """Listen on a free port for as long as the block lasts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", port))
    broker = TinyBroker(listener.getsockname()[1], context, listener)
    thread = threading.Thread(target=broker.serve, daemon=True)
    thread.start()
    try:
        yield broker
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        broker.drop()
        thread.join(5)
