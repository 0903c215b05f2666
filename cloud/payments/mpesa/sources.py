"""Where Safaricom says its callbacks come from: published, incomplete, and so a setting that is off by default."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

Networks = tuple[IPv4Network | IPv6Network, ...]

PUBLISHED_SOURCES: Final = (
    "196.201.214.200",
    "196.201.214.206",
    "196.201.213.114",
    "196.201.214.207",
    "196.201.214.208",
    "196.201.213.44",
    "196.201.212.127",
    "196.201.212.138",
    "196.201.212.129",
    "196.201.212.136",
    "196.201.212.74",
    "196.201.212.69",
)
"""As of the going-live page; callbacks from 196.201.212.128 and .132 were reported too. What comes from elsewhere is
quarantined, never dropped, because this list has been wrong before."""


def parse_sources(addresses: Iterable[str]) -> Networks:
    """Read addresses and networks of the setting; raise ValueError naming the one that is neither."""
    return tuple(ip_network(address.strip()) for address in addresses)
