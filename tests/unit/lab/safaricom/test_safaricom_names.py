"""Callbacks to names that no DNS knows go where they were told to, and still carry the name."""

import httpx
import pytest

from lab.safaricom.names import Resolving, places_of


async def test_a_known_name_goes_elsewhere_and_others_go_their_way() -> None:
    seen: list[tuple[str, str, object]] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers["host"], request.extensions.get("sni_hostname")))
        return httpx.Response(200)

    places = places_of(["hooks.isp.example=127.0.0.1:9443"])
    async with httpx.AsyncClient(transport=Resolving(httpx.MockTransport(take), places)) as client:
        await client.post("https://hooks.isp.example/c?x=1")
        await client.post("https://other.example/c")
    assert seen == [
        ("https://127.0.0.1:9443/c?x=1", "hooks.isp.example", "hooks.isp.example"),
        ("https://other.example/c", "other.example", None),
    ]


@pytest.mark.parametrize("word", ["", "a", "a=b", "a=b:c", "=b:1", "a=:1"])
def test_a_place_is_name_host_and_port(word: str) -> None:
    with pytest.raises(ValueError, match="is not NAME=HOST:PORT"):
        places_of([word])
