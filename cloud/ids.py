"""The cloud's only source of randomness: ids that sort by their birth, and secrets."""

import secrets
import time
import uuid

_newest = 0
"""The last id's 122 bits; two threads that meet here get different ids all the same, by chance."""


def new_id() -> uuid.UUID:
    """Make a UUID version 7: 48 bits of milliseconds, then random, so that indexes grow at one end.

    Within this process every id is greater than the one before, also in the same millisecond.
    """
    global _newest  # noqa: PLW0603 - one order of birth for the whole process is the point
    bits = (time.time_ns() // 1_000_000 & ((1 << 48) - 1)) << 74 | secrets.randbits(74)
    _newest = bits = bits if bits > _newest else _newest + 1 + secrets.randbits(32)
    value = bits >> 74 << 80 | 0x7 << 76 | (bits >> 62 & 0xFFF) << 64 | 0b10 << 62 | bits & ((1 << 62) - 1)
    return uuid.UUID(int=value)


def new_secret_hex(size_bytes: int = 24) -> str:
    """Make an unguessable hex string: its letters a-f can spell none of the words that webhook URLs must not hold."""
    return secrets.token_hex(size_bytes)


def random_below(limit: int) -> int:
    """Return a random integer in [0, limit)."""
    return secrets.randbelow(limit)
