"""Fixed addresses out of a site's pool."""

from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

_RESERVED_AT_START = 2
"""The network's own address, and the first one, which is the router's."""

LARGEST_POOL_BITS = 16
"""A /16 holds 65,533 subscribers: more than one site may have entitlements."""


def check_pool(text: str) -> IPv4Network:
    """Read a pool, or raise ValueError with a sentence for staff."""
    try:
        pool = IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no IPv4 network. Write it like 100.64.0.0/22.") from error
    if not LARGEST_POOL_BITS <= pool.prefixlen <= 29:
        raise ValueError("The pool must be a /16 to a /29. Use a smaller or a larger network.")
    return pool


def free_addresses(pool: IPv4Network, used: AbstractSet[IPv4Address], count: int) -> list[IPv4Address]:
    """Return up to `count` free addresses, lowest first; never the network's, the router's or the broadcast one."""
    first, last = int(pool.network_address) + _RESERVED_AT_START, int(pool.broadcast_address)
    taken = {int(address) for address in used}
    return [IPv4Address(number) for number in islice((n for n in range(first, last) if n not in taken), count)]
