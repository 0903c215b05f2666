"""Whose address a request comes from: only a proxy of ours is believed."""

import pytest

from cloud.api.client import ClientAddress

PROXIED = ClientAddress(["10.0.0.0/8", "fd00::/8"])


def _scope(peer: str | None, *forwarded: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["1.1.1.1"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [", " * 500], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["\xff\x00"], "fd00::1"),
        (None, ["1.1.1.1"], None),
        ("unix", ["1.1.1.1"], None),
    ],
)
def test_only_hops_behind_our_proxies_are_believed(peer: str | None, forwarded: list[str], found: str | None) -> None:
    assert PROXIED.of(_scope(peer, *forwarded)) == found


def test_without_proxies_nothing_in_a_header_counts() -> None:
    assert ClientAddress().of(_scope("127.0.0.1", "1.1.1.1")) == "127.0.0.1"
