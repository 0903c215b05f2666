"""Credentials that only one agent can read: X25519, HKDF-SHA256, ChaCha20-Poly1305.

A sealed box is `ephemeral public key (32) ‖ ciphertext and tag`. The nonce may be constant because every
box has its own ephemeral key. The context (agent, entitlement) is authenticated, so that a box cannot be moved
from one subscriber's row to another's.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import SealBroken

_NONCE = bytes(12)
SECRET_BYTES_MAX = 256


def new_sealing_key() -> bytes:
    """Make the 32 raw private bytes of a sealing key."""
    return X25519PrivateKey.generate().private_bytes_raw()


def sealing_public(private: bytes) -> bytes:
    """Return the 32 raw public bytes that others seal to."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def context(agent: str, entitlement: str) -> str:
    """Name what a credential belongs to; it is authenticated with the box."""
    return f"mnara1/{agent}/{entitlement}"


def seal(secret: str, *, to_public: bytes, bound_to: str) -> str:
    """Seal `secret` (at most SECRET_BYTES_MAX bytes of UTF-8) to a public key; text for JSON."""
    plain = secret.encode()
    if len(plain) > SECRET_BYTES_MAX:
        raise ValueError("secret is too long to seal")
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(to_public))
    box = _cipher(shared, public, to_public).encrypt(_NONCE, plain, bound_to.encode())
    return base64.b64encode(public + box).decode()


def unseal(sealed: str, *, private: bytes, bound_to: str) -> str:
    """Open a box, or raise SealBroken: wrong key, wrong row, or damaged."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        own = X25519PrivateKey.from_private_bytes(private)
        shared = own.exchange(X25519PublicKey.from_public_bytes(raw[:32]))
        cipher = _cipher(shared, raw[:32], own.public_key().public_bytes_raw())
        return cipher.decrypt(_NONCE, raw[32:], bound_to.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken("this agent's key does not open the credential") from error


def _cipher(shared: bytes, ephemeral: bytes, recipient: bytes) -> ChaCha20Poly1305:
    derived = HKDF(algorithm=SHA256(), length=32, salt=ephemeral + recipient, info=b"mnara1 credential").derive(shared)
    return ChaCha20Poly1305(derived)
