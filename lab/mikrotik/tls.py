"""TLS for the API: a certificate made on the spot, one from files, or none at all (anonymous, as RouterOS does)."""

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.clock import Clock

_DAYS = 3_650
# A group made for this file, short so that handshakes are quick: an anonymous session protects nothing anyway.
_DH_GROUP = b"""-----BEGIN DH PARAMETERS-----
MIGHAoGBAItat5R3Zbd0nXjmfIom9Z0u1LMkNhIW0t3pQIrcrV6vwOrAug/8RKDF
l9FThk270xQIo/DfqbYT2MZgTIGnMkwO8CO51wv1MejxbqZLCp7iDvxzORxdTYuz
QscRzb3D4L4Gc9MP06jmvAtZ5BFn2h4tVIMtTRaQT9Mg0VkM8wPvAgEC
-----END DH PARAMETERS-----
"""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """What the listener uses, and the certificate a client must trust to know the router (empty: anonymous)."""

    context: ssl.SSLContext
    certificate_pem: str


def from_files(certificate: Path, key: Path) -> TlsIdentity:
    """An identity somebody made beforehand."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return TlsIdentity(context, certificate.read_text())


def from_pem(certificate_pem: str, key_pem: str) -> TlsIdentity:
    """An identity out of the router's own certificate store."""
    return TlsIdentity(_context(certificate_pem.encode(), key_pem.encode()), certificate_pem)


def anonymous() -> TlsIdentity:
    """`api-ssl` without a certificate: encrypted, authenticating nobody. Clients need the same cipher string."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ADH:@SECLEVEL=0")
    _through_a_file(_DH_GROUP, context.load_dh_params)
    return TlsIdentity(context, "")


def self_made(clock: Clock, host: str = "127.0.0.1") -> TlsIdentity:
    """A self-signed certificate for this address, valid from a day ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.fromtimestamp(clock.now_us() // 1_000_000, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return TlsIdentity(_context(pem, key_pem), pem.decode())


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _context(certificate_pem: bytes, key_pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _through_a_file(certificate_pem + key_pem, context.load_cert_chain)
    return context


def _through_a_file(pem: bytes, load: Callable[[str], None]) -> None:
    """OpenSSL takes keys from files only: one that nobody else can read, gone at once."""
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        load(path)
    finally:
        Path(path).unlink()
