"""A data folder as enrolment leaves it, with certificates made by the test."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.link.enrol import make_or_load_keys
from edge_agent.store.identity import DataFolder, RouterFile
from tests.scenarios.edge_agent.rig import AGENT, FakeCloud, RunningRouter


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(thing: x509.Certificate) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """A certificate authority for one test."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("test ca", self.key.public_key(), "test ca", is_ca=True)

    def _sign(
        self,
        subject: str,
        key: ec.EllipticCurvePublicKey,
        issuer: str,
        *,
        is_ca: bool = False,
        ended: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=-1 if ended else 90))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key() if is_ca else key), critical=False
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if is_ca:
            builder = builder.add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
        else:
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, subject: str, key: ec.EllipticCurvePublicKey, *, ended: bool = False) -> x509.Certificate:
        return self._sign(subject, key, "test ca", ended=ended)


def enrolled_folder(
    path: Path,
    cloud: FakeCloud,
    router: RunningRouter,
    authority: Authority,
    *,
    broker_port: int = 1,
    ended: bool = False,
) -> DataFolder:
    """Make the folder of an enrolled agent; the cloud of the test takes over the agent's own keys."""
    folder = DataFolder(path)
    keys = make_or_load_keys(folder)
    cloud.agent_signer, cloud.sealing = keys.signer, keys.sealing
    certificate = authority.issue(AGENT, keys.certificate.public_key(), ended=ended)
    identity = cloud.identity()
    broker = identity.broker.model_copy(update={"port": broker_port})
    folder.save_identity(
        identity.model_copy(
            update={"certificate_pem": pem(certificate), "ca_pem": pem(authority.certificate), "broker": broker}
        )
    )
    folder.save_router(RouterFile(router.host, router.port, "agent", "pw"))
    return folder
