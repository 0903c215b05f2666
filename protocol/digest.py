"""The digest of a set of entitlements: the sum, modulo 2^256, of the SHA-256 of each row as it travelled.

It does not depend on order and is kept up by adding and subtracting single rows, so a change among 5,000 rows
costs two hashes. It finds drift; the signature, not the digest, is what protects against forgery.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

EMPTY: Final = "0" * 64
_MODULUS: Final = 1 << 256


def row_hash(row: str) -> int:
    """Hash one row's exact text."""
    return int.from_bytes(hashlib.sha256(row.encode()).digest())


def digest_of(rows: Iterable[str]) -> str:
    """Return the digest of a whole set: 64 hex digits."""
    return _spell(sum(map(row_hash, rows)))


def changed(digest: str, *, removed: Iterable[str] = (), added: Iterable[str] = ()) -> str:
    """Return the digest after some rows left and others came."""
    return _spell(int(digest, 16) - sum(map(row_hash, removed)) + sum(map(row_hash, added)))


def _spell(total: int) -> str:
    return f"{total % _MODULUS:064x}"
