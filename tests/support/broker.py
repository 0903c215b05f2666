"""An embedded broker for tests, and agents that speak the protocol over it."""

import asyncio
import base64
import contextlib
import random
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cloud.clock import SystemClock, micros
from cloud.embedded.access import Peer
from cloud.embedded.broker import AgentBroker, BrokerSettings
from cloud.fleet.ca import AGENTS_ISSUER, CLOUD_ISSUER, Authority, Issued
from cloud.fleet.ca_store import tls_context
from cloud.fleet.link import Link, LinkSettings
from protocol.codec import Message, decode, encode
from protocol.enrolment import EnrolAnswer, EnrolRequest, prove
from protocol.envelope import Envelope
from protocol.keylist import open_key_list
from protocol.messages import Body, Chunk, Manifest
from protocol.sealing import new_sealing_key, sealing_public
from protocol.signing import Signer, Verifier, from_text, to_text
from protocol.snapshot import Assembly

CLOCK = SystemClock()
B = TypeVar("B", bound=Body)


def now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class TestBroker:
    """A running broker, its authority, and whom it refuses."""

    __test__ = False

    authority: Authority
    port: int
    revoked: set[str] = field(default_factory=set)
    broker: AgentBroker | None = None

    def link(self, issued: Issued, name: str, filters: list[str]) -> Link:
        tls = tls_context(issued, server=False, trusted_pem=self.authority.agents.pem)
        return Link(LinkSettings("127.0.0.1", self.port, name, tls, filters), CLOCK, random.Random(1))


@asynccontextmanager
async def running_broker() -> AsyncIterator[TestBroker]:
    """Run a broker on a free port of loopback."""
    test = TestBroker(Authority.create(now()), free_port())
    with tempfile.TemporaryDirectory() as folder:
        issued = test.authority.issue_server(["127.0.0.1"], now())
        certificate, key = Path(folder) / "server.pem", Path(folder) / "server.key"
        certificate.write_text(issued.certificate_pem)
        key.write_text(issued.key_pem)
        settings = BrokerSettings(
            "127.0.0.1", test.port, certificate, key, test.authority.clients_pem, AGENTS_ISSUER, CLOUD_ISSUER
        )

        def refused(peer: Peer) -> bool:
            return peer.name in test.revoked

        test.broker = AgentBroker(settings, refused)
        await test.broker.start()
        try:
            yield test
        finally:
            await test.broker.shutdown()


@asynccontextmanager
async def connected(link: Link) -> AsyncIterator[Link]:
    """Keep a link up for the length of the block."""
    task = asyncio.create_task(link.run())
    try:
        await until_up(link)
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(seen: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait until something is so; raises TimeoutError."""
    for _ in range(int(timeout_s / 0.005)):
        if seen():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def until_up(link: Link, timeout_s: float = 20.0) -> None:
    await until(lambda: link.up, timeout_s)


class AgentKeys:
    """What an agent makes on its own machine."""

    def __init__(self) -> None:
        self.signer = Signer.generate()
        self.sealing = new_sealing_key()
        self.tls = ec.generate_private_key(ec.SECP256R1())

    def request(self, claim: str, *, common_name: str = "whatever") -> EnrolRequest:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.tls, hashes.SHA256())
        pem = csr.public_bytes(Encoding.PEM).decode()
        sealing = to_text(sealing_public(self.sealing))
        proof = prove(self.signer, claim=claim, csr_pem=pem, sealing_key=sealing)
        return EnrolRequest(
            claim=claim, csr_pem=pem, signing_key=to_text(self.signer.public), sealing_key=sealing, proof=proof
        )

    def issued(self, certificate_pem: str) -> Issued:
        key = self.tls.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return Issued(certificate_pem, "", now(), key)


class SpeakingAgent:
    """An enrolled agent that says what a test tells it to say."""

    def __init__(self, link: Link, keys: AgentKeys, answer: EnrolAnswer) -> None:
        self.keys, self.answer = keys, answer
        self.up = f"mnara1/{answer.shard:02d}/{answer.agent}/up"
        self.will = f"mnara1/{answer.shard:02d}/{answer.agent}/lw"
        self.link = link
        root = Verifier(from_text(answer.root_key, 32))
        self.key_list = open_key_list(base64.b64decode(answer.key_list), root=root, tenant=answer.tenant)
        self.sequence = micros(now())

    def frame(self, body: Body, *, signer: Signer | None = None, **changes: object) -> bytes:
        self.sequence += 1
        envelope = Envelope(
            kind=body.kind,
            id=f"m-{self.sequence}",
            agent=self.answer.agent,
            installation=self.answer.installation,
            sequence=self.sequence,
            sent_at=micros(now()),
            body=body.model_dump(mode="json"),
        ).model_copy(update=changes)
        return encode("up", envelope, signer or self.keys.signer)

    def say(self, body: Body, **changes: object) -> None:
        self.link.publish(self.up, self.frame(body, **changes))

    async def hear(self, timeout_s: float = 3.0) -> Message:
        arrived = await asyncio.wait_for(self.link.inbox.get(), timeout_s)
        return decode(
            "down",
            arrived.payload,
            agent=self.answer.agent,
            installation=self.answer.installation,
            find_verifier=self.key_list.verifier,
        )

    async def expect(self, kind: type[B], timeout_s: float = 3.0) -> B:
        """Skip whatever else comes first."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.hear(timeout_s)
                if isinstance(message.body, kind):
                    return message.body

    async def expect_snapshot(self) -> tuple[Manifest, list[str]]:
        manifest = await self.expect(Manifest)
        assembly = Assembly(manifest)
        while not assembly.complete:
            message = await self.hear()
            if isinstance(message.body, Chunk):
                assembly.add(message.body, message.attachment)
        return manifest, assembly.rows()

    async def hears_nothing(self, for_s: float = 0.3) -> bool:
        with contextlib.suppress(TimeoutError):
            await self.hear(for_s)
            return False
        return True
