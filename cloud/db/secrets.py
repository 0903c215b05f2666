"""Secrets at rest: AES-256-GCM with a key from the environment, named so that it can be rotated.

A box is `key id (4 bytes) ‖ nonce (12) ‖ ciphertext and tag`. The context (what the secret belongs to)
is authenticated, so a box copied to another row does not open.
"""

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32


class SecretUnreadable(Exception):
    """A sealed secret that no configured key opens: the key was lost, or the row was tampered with."""


class SecretBox:
    """Seals with the first key, opens with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("the secret key must be 32 bytes")
        self._ciphers = {hashlib.sha256(b"mnara key id" + key).digest()[:4]: AESGCM(key) for key in keys}
        self._newest = next(iter(self._ciphers))

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt for storage."""
        nonce = os.urandom(12)
        return self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, plain, context.encode())

    def open(self, box: bytes, context: str) -> bytes:
        """Decrypt, or raise SecretUnreadable."""
        cipher = self._ciphers.get(box[:4])
        if cipher is None:
            raise SecretUnreadable("no configured key opens this secret; restore the key it was sealed with")
        try:
            return cipher.decrypt(box[4:16], box[16:], context.encode())
        except InvalidTag as error:
            raise SecretUnreadable("a stored secret was changed or moved; restore it from a backup") from error
