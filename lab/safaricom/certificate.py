"""The environment's key: organisations encrypt initiators' passwords with its certificate, the core decrypts them."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

KEY_BITS = 2048  # as the real certificates: a credential is 344 characters of base64
LIFE = timedelta(days=730)  # the real ones last about two years, and are forgotten
CREDENTIAL_MAX = 4_096
CLOCK_SLACK = timedelta(days=1)


class CredentialKey:
    """The key of one environment, made anew by every start: the other environment's certificate does not fit."""

    def __init__(self, environment: str, now_us: int) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
        self.certificate_pem = self._certificate(environment, now_us).public_bytes(serialization.Encoding.PEM)
        """What an organisation downloads from the portal, as PEM."""

    def decrypt(self, credential: str) -> bytes | None:
        """The plaintext of base64(RSA PKCS#1 v1.5); None, or nonsense, when it was not made for this key."""
        if len(credential) > CREDENTIAL_MAX:
            return None
        try:
            return self._key.decrypt(base64.b64decode(credential, validate=True), padding.PKCS1v15())
        except (binascii.Error, ValueError):  # newer OpenSSL answers random bytes instead: a wrong password then
            return None

    def encrypt(self, password: str) -> str:
        """Make a credential, as a client does; different each time."""
        sealed = self._key.public_key().encrypt(password.encode(), padding.PKCS1v15())
        return base64.b64encode(sealed).decode()

    def _certificate(self, environment: str, now_us: int) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{environment}.apicrypt.lab")])
        now = datetime.fromtimestamp(now_us // 1_000_000, UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        builder = builder.public_key(self._key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - CLOCK_SLACK).not_valid_after(now + LIFE)
        return builder.sign(self._key, hashes.SHA256())
