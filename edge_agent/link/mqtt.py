"""The MQTT connection: one thread that does all network work, and tells the agent's loop by messages.

paho's callbacks only hand over: an exception in one would kill its thread while `is_connected()` stays true. Its own
loop threads are not used, so that everything touching the TLS socket happens in this one thread.
"""

import contextlib
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from protocol.limits import KEEPALIVE_S, MESSAGE_BYTES_MAX

CONNECT_TIMEOUT_S: Final = 5.0
EARLY_CAP_S: Final = 5.0
LATE_CAP_S: Final = 300.0
EARLY_US: Final = 180_000_000
"""Reconnects are at most EARLY_CAP_S apart for the first three minutes of an outage."""
STABLE_US: Final = 60_000_000
"""A connection that lived shorter than this does not begin the backoff anew."""
GOODBYE_US: Final = 2_000_000
"""So long a stop waits for the broker to acknowledge what was said last."""
OUTGOING_MAX: Final = 1_000
SELECT_S: Final = 1.0


class LinkClock(Protocol):
    """What the link needs of the clock."""

    random: Any

    def boot_us(self) -> int:
        """Microseconds since boot."""


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Connected and subscribed."""

    connection: str


@dataclass(frozen=True, slots=True)
class LinkDown:
    """Not connected (any more)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as it came."""

    payload: bytes
    boot_us: int


LinkSaid = LinkUp | LinkDown | Inbound


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files of the mutual TLS, and where the broker is."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Topics:
    """The agent's three topics."""

    down: str
    up: str
    will: str


class MqttLink:
    """Connects, and connects again for ever. `publish` and `stop` may be called from any thread."""

    def __init__(
        self,
        agent: str,
        credentials: Credentials,
        topics: Topics,
        clock: LinkClock,
        tell: Callable[[LinkSaid], bool],
        make_will: Callable[[], tuple[str, bytes]],
    ) -> None:
        self._agent = agent
        self._credentials = credentials
        self._topics = topics
        self._clock = clock
        self._tell = tell
        """Returns False when the inbox is full: the message is dropped, and the cloud sends again."""
        self._make_will = make_will
        """Makes a connection id and the signed goodbye that the broker says for us."""
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=OUTGOING_MAX)
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.settimeout(0.0)
        self._wake_w.settimeout(0.0)
        self._stopping = threading.Event()
        self._up = False
        self._stop_us = 0
        self._last: MQTTMessageInfo | None = None
        self.beat_us = clock.boot_us()
        """When the thread last went round: a watchdog looks at it."""
        self.thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def up(self) -> bool:
        """Whether the broker has accepted us and our subscription."""
        return self._up

    def publish(self, payload: bytes) -> bool:
        """Say something on our topic; False when there is no connection (nothing is kept for later)."""
        if not self._up:
            return False
        self._outgoing.append((self._topics.up, payload))
        self._wake()
        return True

    def stop(self, goodbye: bytes | None = None) -> None:
        """Say goodbye if there is time, disconnect and end the thread."""
        if self._up and goodbye is not None:
            self._outgoing.append((self._topics.will, goodbye))
        self._stop_us = self._clock.boot_us()
        self._stopping.set()
        self._wake()
        if self.thread.is_alive():
            self.thread.join(CONNECT_TIMEOUT_S + SELECT_S)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # enough wakings are waiting already
            self._wake_w.send(b"\0")

    def _run(self) -> None:
        failures, down_since_us = 0, self._clock.boot_us()
        while not self._stopping.is_set():
            began_us = self._clock.boot_us()
            reason = self._one_connection()
            now_us = self._clock.boot_us()
            if self._up:
                self._up = False
                down_since_us = now_us
                if now_us - began_us > STABLE_US:
                    failures = 0
            self._tell(LinkDown(reason))
            failures += 1
            cap_s = EARLY_CAP_S if now_us - down_since_us < EARLY_US else LATE_CAP_S
            pause_s = self._clock.random.uniform(0.0, min(cap_s, 0.2 * 2 ** min(failures, 12)))
            self.beat_us = now_us + int(pause_s * 1e6)
            self._stopping.wait(pause_s)

    def _one_connection(self) -> str:
        """Connect and work until the connection ends; returns why it ended."""
        client = None
        try:
            client, connection = self._make_client()
            client.connect(self._credentials.host, self._credentials.port, keepalive=KEEPALIVE_S)
            self._outgoing.clear()
            self._last = None
            self._serve(client, connection)
        except (OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            if client is not None and (sock := client.socket()) is not None:
                sock.close()
        return "the broker closed the connection"

    def _make_client(self) -> tuple[Client, str]:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._agent,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        files = self._credentials
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.ca))
        context.load_cert_chain(str(files.certificate), str(files.key))
        client.tls_set_context(context)
        client.connect_timeout = CONNECT_TIMEOUT_S
        connection, will = self._make_will()
        client.will_set(self._topics.will, will, qos=1)
        # Only by registering this does paho leave all writing to the loop below.
        client.on_socket_register_write = lambda *_: None
        client.on_socket_unregister_write = lambda *_: None
        client.on_socket_open = _without_delay
        client.on_message = self._on_message
        return client, connection

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if len(message.payload) <= MESSAGE_BYTES_MAX:
            self._tell(Inbound(bytes(message.payload), self._clock.boot_us()))

    def _serve(self, client: Client, connection: str) -> None:
        state = _Handshake(self._topics.down)
        client.on_connect = state.connected
        client.on_subscribe = state.subscribed
        deadline_us = self._clock.boot_us() + int(CONNECT_TIMEOUT_S * 1e6)
        while self._turn(client):
            if state.refused:
                raise ConnectionRefusedError(state.refused)
            if not self._up and state.done:
                self._up = True
                self._tell(LinkUp(connection))
            if not self._up and self._clock.boot_us() > deadline_us:
                raise TimeoutError("the broker does not finish the handshake")
            if self._stopping.is_set() and self._all_heard(client):
                client.disconnect()
                client.loop_write()
                return

    def _all_heard(self, client: Client) -> bool:
        """Whether the broker has what was said last: closing earlier may reset the connection under it."""
        if self._outgoing or client.want_write():
            return False
        waited_us = self._clock.boot_us() - self._stop_us
        return self._last is None or self._last.is_published() or waited_us > GOODBYE_US

    def _turn(self, client: Client) -> bool:
        """Wait for something to do, and do it; False when the connection ended."""
        self.beat_us = self._clock.boot_us()
        sock = client.socket()
        if sock is None:
            return False
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        writers = [sock] if client.want_write() else []
        readable, _, _ = select.select([sock, self._wake_r], writers, [], 0 if pending else SELECT_S)
        if self._wake_r in readable:
            self._wake_r.recv(4096)
        if (sock in readable or pending) and client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        while self._outgoing and client.socket() is not None:
            topic, payload = self._outgoing.popleft()
            self._last = client.publish(topic, payload, qos=1)
        if client.want_write() and client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        return client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS


class _Handshake:
    """CONNACK, then SUBACK: only then may anything be said."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.done = False
        self.refused = ""

    def connected(self, client: Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            self.refused = f"the broker refuses the connection: {reason}"
        else:
            client.subscribe(self._topic, qos=1)

    def subscribed(self, _client: Client, _data: object, _mid: int, reasons: Any, _properties: object) -> None:
        if any(reason.is_failure for reason in reasons):
            self.refused = "the broker refuses the subscription"
        self.done = not self.refused


def _without_delay(_client: Client, _data: object, sock: Any) -> None:
    # paho leaves Nagle on: 27/79 ms were measured instead of 1.3/5 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
