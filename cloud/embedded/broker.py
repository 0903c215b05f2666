"""The MQTT broker inside the cloud's process: amqtt with its gaps closed, for trying out and for a handful of sites.

What amqtt 0.12.1 does that ours must not: it accepts connections without a certificate, publishes wills and deletes
sessions before anybody is authenticated, leaves an old connection of the same client open, never enforces keepalive,
reads packets of any size, retains without limit, and compares each message with every subscription. Each override
below closes one of these.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.adapters import ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import AMQTTError, BrokerError, MQTTError
from amqtt.mqtt.connack import IDENTIFIER_REJECTED, NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.session import Session

from cloud.embedded.access import Peer, may_publish, may_subscribe
from cloud.embedded.errors import EmbeddedError
from protocol.limits import MESSAGE_BYTES_MAX

_log = logging.getLogger(__name__)

_PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + 1024
"""A payload and its topic."""
_CONNECT_TIMEOUT_S = 10.0
_CONNECTIONS_MAX = 1000
_KEEPALIVE_MAX_S = 120
_UNDELIVERED_MAX = 256
"""Messages on their way to one client; what is beyond is dropped, and the resend loop of the cloud closes the gap."""
_CLOSE_TIMEOUT_S = 2.0
_PEER = "mnara.peer"

Refused = Callable[[Peer], bool]


class BrokerRefusal(MQTTError):  # type: ignore[misc]  # amqtt ships no types
    """A connection turned away: logged and counted, never an error of ours."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """All there is to configure."""

    host: str
    port: int
    certificate_file: Path
    key_file: Path
    authorities_pem: str
    """The issuers of agents' and of cloud processes' certificates."""
    agents_issuer: str
    """CN of the issuer of agents' certificates."""
    cloud_issuer: str


class _Reader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Refuses to read more than a packet may have."""

    async def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= _PACKET_BYTES_MAX:
            raise ConnectionAbortedError("packet is over the size limit")
        return bytes(await super().read(n))


class _Writer(StreamWriterAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Closes without waiting for a peer that may be gone: amqtt's own would hold up a take-over for 30 s."""

    is_closed: bool

    async def close(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._writer.close()
        asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_S, self._writer.transport.abort)


class _Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types
    """One connection."""

    route: Callable[[Session, str, bytes], None]

    def handle_read_timeout(self) -> None:
        """Silence beyond the keepalive ends the connection (amqtt ignores it)."""
        if self._disconnect_waiter is not None and not self._disconnect_waiter.done():
            self._disconnect_waiter.set_result(None)

    async def handle_publish(self, packet: PublishPacket) -> None:
        """Route at once, then acknowledge: no queue in between, so the order is that of arrival."""
        if packet.qos > 1 or packet.topic_name is None:
            self.handle_read_timeout()  # QoS 2 is not spoken here: the connection ends
            return
        self.route(self.session, packet.topic_name, packet.data or b"")
        if packet.qos == 1:
            await self._send_packet(PubackPacket.build(packet.packet_id))


class AgentBroker(Broker):  # type: ignore[misc]  # amqtt ships no types
    """The broker. `refused` is asked at every connection; `throw_out` ends one that is open."""

    def __init__(self, settings: BrokerSettings, refused: Refused) -> None:
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._settings = settings
        self._refused = refused
        self._deliveries: set[asyncio.Task[None]] = set()
        super().__init__(_configuration(settings))

    async def start(self) -> None:
        """Listen, or raise EmbeddedError with a sentence."""
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            await super().start()
        except BrokerError as error:
            raise EmbeddedError(
                f"The broker cannot listen on {where}: {error.__cause__ or error}. "
                "Stop what listens there, or set MNARA_CLOUD_BROKER_PORT."
            ) from error

    async def throw_out(self, name: str) -> bool:
        """End the connection of this client now; tell whether there was one."""
        session, handler = self._sessions.get(name, (None, None))
        if handler is None or session.transitions.state != "connected":
            return False
        await self._delete_session(name)
        return True

    @property
    def connected(self) -> int:
        """Return how many clients are connected."""
        return sum(session.transitions.state == "connected" for session, _ in self._sessions.values())

    # Connections

    def _create_ssl_context(self, _listener: ListenerConfig) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._settings.certificate_file, self._settings.key_file)
        context.load_verify_locations(cadata=self._settings.authorities_pem)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        # asyncio and uvloop set TCP_NODELAY on every stream themselves.
        try:
            await self._client_connected(listener_name, _Reader(reader), _Writer(writer))
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _log.info("broker connection ended: %s", error)
            writer.transport.abort()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Read CONNECT, decide by the certificate alone, and only then let go of an older connection."""
        try:
            first = _Handler.init_from_connect(reader, writer, self.plugins_manager)
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                handler, session = await first
            peer = self._peer_of(writer)
            self._check(peer, session)
        except BrokerRefusal as refusal:
            code = IDENTIFIER_REJECTED if "client id" in str(refusal) else NOT_AUTHORIZED
            await ConnackPacket.build(0, code).to_stream(writer)
            await writer.close()
            _log.warning("broker refused %s:%s: %s", remote_address, remote_port, refusal)
            raise
        except (AMQTTError, MQTTError, TimeoutError) as error:
            await writer.close()
            raise MQTTError("no proper CONNECT") from error
        handler.route = self._route
        session.username = peer.name
        session.clean_session = True  # nothing may rest on the broker's memory
        session.keep_alive = round(session.keep_alive * 1.5)
        session.will_retain = False
        session.attributes[_PEER] = peer
        session.parent = 0
        await self._delete_session(session.client_id)
        return handler, session

    def _peer_of(self, writer: WriterAdapter) -> Peer:
        certificate = writer.get_ssl_info().getpeercert() or {}
        name, issuer = _common_name(certificate.get("subject", ())), _common_name(certificate.get("issuer", ()))
        serial = str(certificate.get("serialNumber", "")).lower().lstrip("0")
        if not name or not serial:
            raise BrokerRefusal("certificate names nobody")
        if issuer == self._settings.cloud_issuer:
            return Peer("cloud", name, serial)
        if issuer == self._settings.agents_issuer:
            return Peer("agent", name, serial)
        raise BrokerRefusal("certificate is of an unknown issuer")

    def _check(self, peer: Peer, session: Session) -> None:
        if session.client_id != peer.name:
            raise BrokerRefusal(f"client id {str(session.client_id)[:64]!r} is not the certificate's {peer.name!r}")
        if self._refused(peer):
            raise BrokerRefusal(f"certificate {peer.serial} of {peer.name} is revoked")
        if not 1 <= session.keep_alive <= _KEEPALIVE_MAX_S:
            raise BrokerRefusal("keepalive must be set")
        if session.will_flag and not may_publish(peer, session.will_topic or ""):
            raise BrokerRefusal("will on a foreign topic")

    async def _authenticate(self, _session: Session, _listener: ListenerConfig) -> bool:
        return True  # `_initialize_client_session` turned everybody else away

    async def _delete_session(self, client_id: str) -> None:
        session, handler = self._sessions.get(client_id, (None, None))
        if handler is not None and session.transitions.state == "connected":
            await handler.handle_connection_closed()
            await self._stop_handler(handler)
        await super()._delete_session(client_id)

    # Messages

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        peer: Peer = session.attributes[_PEER]
        if action == Action.SUBSCRIBE:
            return may_subscribe(peer, topic)
        return may_publish(peer, topic) if action == Action.PUBLISH else True

    async def retain_message(self, *_: Any) -> None:
        """Retain nothing."""

    async def _publish_retained_messages_for_subscription(self, *_: Any) -> None:
        """Nothing is retained."""

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, data: bytes | None, _force_qos: int | None = None
    ) -> None:
        if session is not None and topic:
            self._route(session, topic, bytes(data or b""))

    def _route(self, source: Session, topic: str, data: bytes) -> None:
        """Hand a message to whoever subscribed: exact filters by look-up, and only the cloud's few wildcards are
        compared."""
        if not may_publish(source.attributes[_PEER], topic):
            _log.warning("broker dropped a message of %s to a foreign topic", source.client_id)
            return
        for target, qos in self._subscriptions.get(topic, ()):
            self._deliver(target, topic, data, qos)
        for pattern, targets in self._subscriptions.items() if source.attributes[_PEER].kind == "agent" else ():
            if "+" in pattern and self._matches(topic, pattern):
                for target, qos in targets:
                    self._deliver(target, topic, data, qos)

    def _deliver(self, target: Session, topic: str, data: bytes, qos: int) -> None:
        handler = self._get_handler(target)
        if handler is None or target.transitions.state != "connected":
            return
        if len(target.inflight_out) >= _UNDELIVERED_MAX:
            _log.warning("broker dropped a message to %s, which does not keep up", target.client_id)
            return
        task = asyncio.get_running_loop().create_task(_publish(handler, topic, data, min(qos, 1)))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)


async def _publish(handler: _Handler, topic: str, data: bytes, qos: int) -> None:
    # A client that does not acknowledge in time, or leaves meanwhile, costs this one message and nothing else.
    with contextlib.suppress(AMQTTError, TimeoutError, OSError, asyncio.CancelledError):
        await handler.mqtt_publish(topic, data, qos, retain=False)


def _common_name(name: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    found = [value for part in name for key, value in part if key == "commonName"]
    return found[0] if len(found) == 1 else ""


def _configuration(settings: BrokerSettings) -> BrokerConfig:
    """Write out the whole configuration: amqtt's defaults bind all addresses and let anonymous clients in."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    listener = ListenerConfig(
        type=ListenerType.TCP,
        bind=f"{host}:{settings.port}",
        max_connections=_CONNECTIONS_MAX,
        ssl=True,
        certfile=settings.certificate_file,
        keyfile=settings.key_file,
    )
    return BrokerConfig(
        listeners={"default": listener}, session_expiry_interval=None, timeout_disconnect_delay=0, plugins={}
    )
