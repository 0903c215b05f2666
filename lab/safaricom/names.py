"""Names of receivers that no DNS knows: callbacks to them go to an address of one's own choice."""

from collections.abc import Iterable, Mapping
from typing import Self

import httpx


class Resolving(httpx.AsyncBaseTransport):
    """Sends requests for a known name elsewhere; the certificate is still asked for by the name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, places: Mapping[str, tuple[str, int]]) -> None:
        self._inner = inner
        self._places = places

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        name = request.url.host
        if name in self._places:
            host, port = self._places[name]
            request.extensions |= {"sni_hostname": name}  # the Host header was written from the name already
            request.url = request.url.copy_with(host=host, port=port)
        return await self._inner.handle_async_request(request)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._inner.aclose()


def places_of(words: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Read `NAME=HOST:PORT`, as often as wanted. ValueError for anything else."""
    places = {}
    for word in words:
        name, _, place = word.partition("=")
        host, _, port = place.rpartition(":")
        if not name or not host or not port.isdecimal():
            raise ValueError(f"{word!r} is not NAME=HOST:PORT")
        places[name.lower()] = (host, int(port))
    return places
