"""How RouterOS spells things, and the pay page."""

import pytest

from edge_agent.domain.wanted import Target
from edge_agent.portal.app import PayPage
from edge_agent.portal.page import find_visitor, render
from edge_agent.routeros.fields import rate_of, seconds_of, source_of, user_of_queue, version_of
from tests.unit.edge_agent.test_access import right


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1w2d3h4m5s", 788_645), ("24m26s", 1_466), ("0s", 0), ("1w2d03:04:05", 788_645), ("01:22:53", 4_973),
     ("never", None), ("", None)],
)  # fmt: skip
def test_both_spellings_of_a_duration_are_read(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [("2000000/5000000", (2_000_000, 5_000_000)), ("2M/5M", (2_000_000, 5_000_000)), ("512k/1G", (512_000, 10**9)),
     ("3M", (3_000_000, 3_000_000)), ("", None), ("x/y", None)],
)  # fmt: skip
def test_rates_are_compared_as_numbers(text: str, rate: tuple[int, int] | None) -> None:
    assert rate_of(text) == rate


def test_versions_ports_and_queue_names_are_read() -> None:
    assert [version_of(text) for text in ("7.18.2 (stable)", "6.49.10", "")] == [(7, 18), (6, 49), (0, 0)]
    sources = ("100.64.0.5:4021", "100.64.0.5", "[2001:db8::1]:80", "2001:db8::1")
    assert [source_of(text) for text in sources] == ["100.64.0.5", "100.64.0.5", "2001:db8::1", "2001:db8::1"]
    assert [user_of_queue(text) for text in ("<pppoe-bob>", "office", "<l2tp-x>")] == ["bob", "", ""]


async def fetch(page: PayPage, address: str) -> tuple[dict[str, object], bytes]:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {}

    await page({"type": "http", "method": "GET", "path": "/anything", "client": (address, 5)}, receive, send)
    body = sent[1]["body"]
    assert isinstance(body, bytes)
    return sent[0], body


async def test_a_walled_visitor_learns_who_he_is_until_when_he_paid_and_how_to_pay_in_two_languages() -> None:
    target = Target("s1", right(username="<b>ann", valid_until=1_795_000_000_000_000), "walled", "expired")
    _, body = await fetch(PayPage({"s1": target}, "Kitui & sons", "Paybill 600638"), "100.64.0.2")
    text = body.decode()
    assert "&lt;b&gt;ann" in text
    assert "<b>ann" not in text
    assert "Kitui &amp; sons" in text
    assert "18 Nov 2026" in text
    assert text.count("Paybill 600638") == 2
    assert "Akaunti" in text
    assert "<script" not in text
    assert len(body) < 10_000


async def test_a_stranger_learns_nothing() -> None:
    _, body = await fetch(PayPage({"s1": Target("s1", right(), "walled")}, "Kitui", ""), "10.9.9.9")
    assert b"not known" in body
    assert b"100.64" not in body


def test_the_page_differs_by_level() -> None:
    texts = []
    for level in ("full", "walled", "off"):
        visitor = find_visitor([Target("s1", right(), level)], "100.64.0.2", lambda _: "then")  # type: ignore[arg-type]  # the three levels
        texts.append(render(visitor, "x", ""))
    assert len(set(texts)) == 3
