"""Whose address a request comes from: the peer's, or what a proxy that we were told to trust says."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

_HEADER = b"x-forwarded-for"
_HOPS_MAX = 20


class ClientAddress:
    """Walks X-Forwarded-For from the right, as long as the hops are proxies of ours: what stands further left is
    whatever the client typed."""

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted_proxies)

    def of(self, scope: Scope) -> str | None:
        """Return the client's address in its canonical text, or None (a Unix socket without a proxy's word)."""
        peer = _find(scope["client"][0]) if scope.get("client") else None
        if peer is None or not self._is_ours(peer):
            return str(peer) if peer else None
        for typed in reversed(_forwarded(scope)):
            hop = _find(typed)
            if hop is None:
                break
            peer = hop
            if not self._is_ours(hop):
                break
        return str(peer)

    def _is_ours(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    return ",".join(values).split(",")[-_HOPS_MAX:]


def _find(typed: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(typed.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
