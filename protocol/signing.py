"""Ed25519 over the exact bytes that travel, framed as DSSE's pre-authentication encoding."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.errors import Forged, Malformed


def pae(kind: str, body: bytes) -> bytes:
    """Bind the content's type to its bytes (DSSE v1), so that neither can be reinterpreted."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(body), body)


def key_id(public: bytes) -> str:
    """Name a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that checks signatures."""

    public: bytes
    """32 raw bytes."""

    @property
    def kid(self) -> str:
        """Return the key's name on the wire."""
        return key_id(self.public)

    def verify(self, kind: str, body: bytes, signature: bytes) -> None:
        """Raise Forged unless `signature` is this key's over exactly these bytes and type."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, pae(kind, body))
        except (InvalidSignature, ValueError) as error:
            raise Forged(f"signature does not hold for key {self.kid}") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs; it never prints itself."""

    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "Signer":
        """Make a new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Signer":
        """Load 32 raw private bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """Return the 32 raw private bytes, for whoever must store them sealed."""
        return self._private.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """Return the 32 raw public bytes."""
        return self._private.public_key().public_bytes_raw()

    @property
    def kid(self) -> str:
        """Return the key's name on the wire."""
        return key_id(self.public)

    def sign(self, kind: str, body: bytes) -> bytes:
        """Return 64 bytes over the type and the exact body."""
        return self._private.sign(pae(kind, body))


def to_text(raw: bytes) -> str:
    """Spell key or signature bytes for JSON and headers."""
    return base64.b64encode(raw).decode()


def from_text(text: str, length: int) -> bytes:
    """Read bytes spelled by `to_text`, refusing any other length."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("not base64") from error
    if len(raw) != length:
        raise Malformed(f"expected {length} bytes, got {len(raw)}")
    if to_text(raw) != text:
        # Unused bits in the last digit: a second spelling of the same bytes would be a second valid message.
        raise Malformed("base64 is not in its one canonical spelling")
    return raw
