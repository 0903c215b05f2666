"""The cloud's connection to the broker: paho on asyncio's own loop, so that a message needs no change of threads.

A connection attempt blocks (names, TCP, TLS) and so runs in a thread; from then on the socket is read and written by
the loop. paho's own loop is not used: it waits with select(), which fails above file descriptor 1023, and an
exception in a callback ends its thread in silence.
"""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from protocol.limits import KEEPALIVE_S

log = structlog.get_logger(__name__)

_CONNECT_TIMEOUT_S = 5.0
_SUBACK_TIMEOUT_S = 5.0
_SILENCE_MAX_S = KEEPALIVE_S * 2.5
"""Nothing heard, not even an answer to a ping, for so long: the link is dead, whatever paho says of it."""
_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 5.0
_INBOX_MAX = 10_000
"""Messages waiting to be taken in; beyond it they are dropped, and agents say again what was not acknowledged."""
_UNSENT_MAX = 2_000


class LinkDown(Exception):
    """Nothing can be sent now; whoever wants to will be told by `on_connected`."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where to, as whom, and what to hear."""

    host: str
    port: int
    client_id: str
    tls: ssl.SSLContext
    filters: Sequence[str]


class Ticking(Protocol):
    """The part of the clock the link needs."""

    def monotonic_s(self) -> float:
        """Return seconds that never go back."""
        ...


class Link:
    """One connection, kept up for ever. `inbox` holds what arrived; `publish` sends at once or raises LinkDown."""

    def __init__(self, settings: LinkSettings, clock: Ticking, jitter: random.Random) -> None:
        self.inbox: asyncio.Queue[Arrived] = asyncio.Queue(_INBOX_MAX)
        self.dropped = 0
        self.on_connected: Callable[[], None] = lambda: None
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._client: mqtt.Client | None = None
        self._socket: ssl.SSLSocket | None = None
        self._fd = -1
        self._subscribed: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._up = False
        self._heard_s = 0.0

    @property
    def up(self) -> bool:
        """Tell whether messages can be sent."""
        return self._up

    def publish(self, topic: str, payload: bytes) -> None:
        """Write a message to the socket (QoS 1). An arrival is proven only by the other side's own answer."""
        if self._client is None or not self._up:
            raise LinkDown
        if len(self._client._out_messages) > _UNSENT_MAX:  # noqa: SLF001  # paho has no public count
            raise LinkDown("the broker does not take what it is sent")
        sent = self._client.publish(topic, payload, qos=1)
        self._write()
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not self._up:
            raise LinkDown

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        failures = 0
        while True:
            try:
                await self._connect()
                failures = 0
                await self._stay()
                log.warning("broker_connection_lost")
            except (OSError, ssl.SSLError, TimeoutError, mqtt.WebsocketConnectionError) as error:
                failures += 1
                if failures in {1, 10} or failures % 100 == 0:
                    log.warning("broker_unreachable", host=self._settings.host, error=str(error), attempts=failures)
            finally:
                self._drop()
            # Full jitter: a thousand clients that lost one broker must not return as one.
            await asyncio.sleep(self._jitter.uniform(0, min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2 ** min(failures, 10))))

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._lost.clear()
        self._subscribed = loop.create_future()
        client = self._make_client()
        await loop.run_in_executor(None, lambda: client.connect(self._settings.host, self._settings.port, KEEPALIVE_S))
        raw = client.socket()
        if not isinstance(raw, ssl.SSLSocket):
            raise ConnectionError("the broker closed the connection")
        # paho leaves Nagle on: 27/79 ms instead of 1.3/5 ms at the 50th/99th percentile.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(0)
        self._client, self._socket = client, raw
        self._heard_s = self._clock.monotonic_s()
        self._fd = raw.fileno()
        loop.add_reader(self._fd, self._read)
        self._read()
        async with asyncio.timeout(_SUBACK_TIMEOUT_S):
            await self._subscribed
        self._up = True
        log.info("broker_connected", host=self._settings.host, port=self._settings.port)
        self.on_connected()

    async def _stay(self) -> None:
        """Ping when due, until the connection is lost or silent."""
        while not self._lost.is_set():
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that meets the event, and a link that was
            # told to end would connect again instead.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._lost.wait()
            if self._client is not None and not self._lost.is_set():
                self._guard(self._client.loop_misc())
                self._write()
            if self._clock.monotonic_s() - self._heard_s > _SILENCE_MAX_S:
                log.warning("broker_silent", seconds=_SILENCE_MAX_S)
                return

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(_UNSENT_MAX)
        client.max_queued_messages_set(_UNSENT_MAX)
        client.tls_set_context(self._settings.tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._forget_socket
        return client

    # Callbacks of paho, called from `_read` on the loop

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._fail(ConnectionRefusedError(f"the broker refused us: {reason}"))
            return
        client.subscribe([(name, 1) for name in self._settings.filters])

    def _on_subscribe(self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._fail(ConnectionRefusedError("the broker refused our subscription"))
        elif self._subscribed is not None and not self._subscribed.done():
            self._subscribed.set_result(None)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            self.inbox.put_nowait(Arrived(message.topic, bytes(message.payload)))
        except asyncio.QueueFull:
            self.dropped += 1

    def _on_disconnect(self, *_: Any) -> None:
        self._fail(ConnectionError("the broker closed the connection"))

    # The socket

    def _read(self) -> None:
        if self._client is None or self._socket is None:
            return
        self._heard_s = self._clock.monotonic_s()
        try:
            self._guard(self._client.loop_read())
            # TLS may hold messages that the socket no longer announces.
            while not self._lost.is_set() and self._socket.pending() > 0:
                self._guard(self._client.loop_read())
        except (OSError, ValueError) as error:
            self._fail(ConnectionError(str(error)))
        self._write()

    def _write(self) -> None:
        if self._client is None or self._fd < 0 or self._lost.is_set():
            return
        if self._client.want_write():
            self._guard(self._client.loop_write())
        loop = asyncio.get_running_loop()
        if self._client.want_write():
            loop.add_writer(self._fd, self._write)
        elif not self._lost.is_set():
            loop.remove_writer(self._fd)

    def _guard(self, code: MQTTErrorCode) -> None:
        if code not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN}:
            self._fail(ConnectionError(mqtt.error_string(code)))

    def _fail(self, error: Exception) -> None:
        self._up = False
        self._lost.set()
        if self._subscribed is not None and not self._subscribed.done():
            self._subscribed.set_exception(error)

    def _drop(self) -> None:
        self._up = False
        if self._subscribed is not None and self._subscribed.done() and not self._subscribed.cancelled():
            self._subscribed.exception()  # it was logged by whoever waited, or nobody waits any more
        self._forget_socket()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._client = self._socket = None

    def _forget_socket(self, *_: Any) -> None:
        """Take the descriptor off the loop: paho calls this just before it closes the socket."""
        if self._fd >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            self._fd = -1
