"""The cloud's own certificate authority: one root that agents pin, and a second for the cloud's own MQTT clients.

Two issuers, because the broker tells agents from cloud processes by who signed them: no name an agent may get can
make it pass for the cloud. Nothing of a certificate request is copied but its key.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AGENTS_ISSUER = "Mnara agents"
CLOUD_ISSUER = "Mnara cloud processes"

AGENT_DAYS = 90
_ROOT_DAYS = 20 * 365
_SERVER_DAYS = 397
_CLOUD_DAYS = 397
_CRL_DAYS = 365
"""An expired list locks every agent out of mosquitto: long-lived, and written anew at every start and daily."""
_BACKDATED = timedelta(days=1)
"""Sites' clocks are late more often than right."""
_CSR_BYTES_MAX = 4096


class CsrRefused(Exception):
    """A certificate request that proves nothing, or whose key we do not take."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and, when we made it, its private key."""

    certificate_pem: str
    serial: str
    """Lower-case hex."""
    until: datetime
    key_pem: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One self-signed certificate and its key."""

    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, name: str, now: datetime) -> "Issuer":
        """Make a new root."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = _usage(key_cert_sign=True, crl_sign=True)
        builder = (
            _builder(_name(name), key.public_key(), now, _ROOT_DAYS)
            .issuer_name(_name(name))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, stored: dict[str, str]) -> "Issuer":
        """Read what `dump` wrote."""
        key = load_pem_private_key(stored["key"].encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(stored["certificate"].encode()), key)

    def dump(self) -> dict[str, str]:
        """Return certificate and key, to be sealed by whoever stores them."""
        return {"certificate": self.pem, "key": _key_pem(self._key)}

    @property
    def pem(self) -> str:
        """Return the certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name: str,
        public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
        *,
        now: datetime,
        days: int,
        server_names: Sequence[str] = (),
    ) -> Issued:
        """Sign a leaf certificate: for a TLS server if it has names, otherwise for a client."""
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server_names else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(_name(name), public, now, days)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if server_names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(list(map(_general, server_names))), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        text = certificate.public_bytes(Encoding.PEM).decode()
        return Issued(text, f"{certificate.serial_number:x}", certificate.not_valid_after_utc)

    def issue_with_key(self, name: str, *, now: datetime, days: int, server_names: Sequence[str] = ()) -> Issued:
        """Make a key and sign its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self.issue(name, key.public_key(), now=now, days=days, server_names=server_names)
        return Issued(issued.certificate_pem, issued.serial, issued.until, _key_pem(key))

    def revocation_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime) -> str:
        """Write the CRL of (serial, when) for brokers that read files."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - _BACKDATED).next_update(now + timedelta(days=_CRL_DAYS))
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Authority:
    """Both issuers of one cloud."""

    agents: Issuer
    cloud: Issuer

    @classmethod
    def create(cls, now: datetime) -> "Authority":
        """Make both roots."""
        return cls(Issuer.create(AGENTS_ISSUER, now), Issuer.create(CLOUD_ISSUER, now))

    @classmethod
    def load(cls, stored: bytes) -> "Authority":
        """Read what `dump` wrote."""
        both = json.loads(stored)
        return cls(Issuer.load(both["agents"]), Issuer.load(both["cloud"]))

    def dump(self) -> bytes:
        """Return everything, keys included: to be sealed by whoever stores it."""
        return json.dumps({"agents": self.agents.dump(), "cloud": self.cloud.dump()}).encode()

    @property
    def pin(self) -> str:
        """Return what installers carry: `sha256:` and the hex SHA-256 of the agents' root in DER."""
        return "sha256:" + self.agents.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def clients_pem(self) -> str:
        """Return both roots: whom the broker's listener trusts."""
        return self.agents.pem + self.cloud.pem

    def issue_agent(self, name: str, csr_pem: str, now: datetime) -> Issued:
        """Sign an agent's key under a name of our choice, or raise CsrRefused."""
        return self.agents.issue(name, _key_of_csr(csr_pem), now=now, days=AGENT_DAYS)

    def issue_server(self, server_names: Sequence[str], now: datetime) -> Issued:
        """Make the certificate of broker and enrolment door."""
        return self.agents.issue_with_key("Mnara cloud", now=now, days=_SERVER_DAYS, server_names=server_names)

    def issue_cloud_client(self, name: str, now: datetime) -> Issued:
        """Make the certificate of one cloud process."""
        return self.cloud.issue_with_key(name, now=now, days=_CLOUD_DAYS)


def _key_of_csr(csr_pem: str) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    if len(csr_pem) > _CSR_BYTES_MAX:
        raise CsrRefused("the certificate request is too large")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        valid, key = csr.is_signature_valid, csr.public_key()
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise CsrRefused("the certificate request does not parse") from error
    if not valid:
        raise CsrRefused("the certificate request is not signed by its own key")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    raise CsrRefused("the key must be P-256, P-384 or Ed25519")


def csr_matches(csr_pem: str, certificate_pem: str) -> bool:
    """Tell whether a request is for the very key that a certificate holds."""
    try:
        return _key_of_csr(csr_pem) == x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    except CsrRefused:
        return False


def _builder(
    subject: x509.Name, public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder().subject_name(subject).public_key(public).serial_number(x509.random_serial_number())
    )
    return builder.not_valid_before(now - _BACKDATED).not_valid_after(now + timedelta(days=days))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
