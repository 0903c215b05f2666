"""Real keys and certificates for the simulated router's store."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.mikrotik.errors import Trap

SUBJECT_NAMES = {
    "common-name": NameOID.COMMON_NAME, "country": NameOID.COUNTRY_NAME, "state": NameOID.STATE_OR_PROVINCE_NAME,
    "locality": NameOID.LOCALITY_NAME, "organization": NameOID.ORGANIZATION_NAME,
    "unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
}  # fmt: skip
_CURVES: dict[str, ec.EllipticCurve] = {
    "prime256v1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1(),
}  # fmt: skip
# Longer keys take tens of seconds to make, and the router has one thread.
_RSA_BITS = ("1024", "1536", "2048", "4096")
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
)  # fmt: skip
_EXTENDED = {
    "tls-server": ExtendedKeyUsageOID.SERVER_AUTH, "tls-client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code-sign": ExtendedKeyUsageOID.CODE_SIGNING, "email-protect": ExtendedKeyUsageOID.EMAIL_PROTECTION,
}  # fmt: skip
# What `add` grants when nothing is said (the manual).
_DEFAULT_USAGE = (
    "digital-signature", "key-encipherment", "data-encipherment", "key-cert-sign", "crl-sign", "tls-server",
    "tls-client",
)  # fmt: skip
_PEM = serialization.Encoding.PEM
_PKCS8 = serialization.PrivateFormat.PKCS8
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Wish:
    """A certificate as `/certificate add` describes it."""

    subject: dict[str, str]
    alternative_names: tuple[str, ...]
    key_usage: tuple[str, ...]
    key_size: str
    days: int


@dataclass(frozen=True, slots=True)
class Made:
    """A signed certificate with its key, and what a print shows of it."""

    pem: str
    key_pem: str
    begins: datetime
    ends: datetime
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a file held: certificates with their facts, and keys."""

    certificates: list[tuple[str, dict[str, str]]]
    keys: list[str]


def signed(wish: Wish, ca: tuple[str, str] | None, now: datetime) -> Made:
    """Sign by this authority (certificate, key), or by itself."""
    key = _new_key(wish.key_size)
    subject = _name(wish.subject)
    issuer, by = subject, key
    if ca is not None:
        issuer, by = x509.load_pem_x509_certificate(ca[0].encode()).subject, _load_key(ca[1].encode(), None)
    ends = now + timedelta(days=wish.days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(ends)
    )
    certificate = _extended(builder, wish, own=ca is None).sign(by, hashes.SHA256())
    key_pem = key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption()).decode()
    return Made(certificate.public_bytes(_PEM).decode(), key_pem, now, ends, facts_of(certificate))


def facts_of(certificate: x509.Certificate) -> dict[str, str]:
    """What a print shows."""
    facts = {
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
        "issuer": ",".join(_shown(certificate.issuer)),
    }
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return facts | ({"common-name": str(names[0].value)} if names else {})


def _shown(name: x509.Name) -> list[str]:
    return [attribute.rfc4514_string() for attribute in name]


def _new_key(size: str) -> Key:
    if size in _CURVES:
        return ec.generate_private_key(_CURVES[size])
    if size not in _RSA_BITS:
        raise Trap("invalid value for argument key-size", 1)
    return rsa.generate_private_key(65_537, int(size))


def _name(subject: dict[str, str]) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(SUBJECT_NAMES[name], value) for name, value in subject.items()])
    except ValueError as error:
        raise Trap("failure: wrong subject name") from error


def _extended(builder: x509.CertificateBuilder, wish: Wish, *, own: bool) -> x509.CertificateBuilder:
    usage = wish.key_usage or _DEFAULT_USAGE
    bits = {name: name.replace("_", "-") in usage for name in _USAGES}
    authority = own or bits["key_cert_sign"]
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if any(bits.values()):
        builder = builder.add_extension(x509.KeyUsage(**bits, encipher_only=False, decipher_only=False), critical=True)
    purposes = [_EXTENDED[name] for name in usage if name in _EXTENDED]
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    names = [_alternative(name) for name in wish.alternative_names]
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False) if names else builder


def _alternative(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    try:
        match kind.upper():
            case "IP":
                return x509.IPAddress(ipaddress.ip_address(value))
            case "DNS":
                return x509.DNSName(value)
            case "EMAIL":
                return x509.RFC822Name(value)
            case _:
                raise Trap("invalid value for argument subject-alt-name", 1)
    except ValueError as error:
        raise Trap("invalid value for argument subject-alt-name", 1) from error


def _load_key(pem: bytes, passphrase: bytes | None) -> Key:
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError) as error:
        raise Trap("failure: wrong passphrase or key") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Trap("failure: unsupported key")
    return key


def locked(key_pem: str, passphrase: str) -> str:
    """The key under a passphrase."""
    key = _load_key(key_pem.encode(), None)
    return key.private_bytes(_PEM, _PKCS8, serialization.BestAvailableEncryption(passphrase.encode("latin-1"))).decode()


def read(contents: str, passphrase: str) -> Found:
    """Everything in a PEM file."""
    raw = contents.encode("latin-1")
    try:
        loaded = x509.load_pem_x509_certificates(raw) if b"BEGIN CERTIFICATE" in raw else []
    except ValueError as error:
        raise Trap("failure: not a certificate") from error
    certificates = [(one.public_bytes(_PEM).decode(), facts_of(one)) for one in loaded]
    keys: list[str] = []
    if b"PRIVATE KEY" in raw:
        key = _load_key(raw, passphrase.encode("latin-1") or None)
        keys.append(key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption()).decode())
    if not certificates and not keys:
        raise Trap("failure: not a certificate")
    return Found(certificates, keys)


def belongs(pem: str, key_pem: str) -> bool:
    """Whether the key is the certificate's."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    mine = certificate.public_key().public_bytes(_PEM, form)
    return mine == _load_key(key_pem.encode(), None).public_key().public_bytes(_PEM, form)
