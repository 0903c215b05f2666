"""The cloud's only source of randomness: ids that sort by their birth, and secrets."""

import secrets
import time
import uuid


def new_id() -> uuid.UUID:
    """Make a UUID version 7: 48 bits of milliseconds, then random, so that indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return uuid.UUID(int=value)


def new_secret_hex(size_bytes: int = 24) -> str:
    """Make an unguessable hex string: its letters a-f can spell none of the words that webhook URLs must not hold."""
    return secrets.token_hex(size_bytes)


def random_below(limit: int) -> int:
    """Return a random integer in [0, limit)."""
    return secrets.randbelow(limit)
