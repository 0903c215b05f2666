"""The pay page: who you are by your address, until when you are paid, and that payment connects you again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from edge_agent.domain.wanted import Target


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the page may say of who opened it."""

    username: str
    level: str
    until: str
    """Local date and time, or "" when there is none."""


def find_visitor(targets: Iterable[Target], address: str, spell: Callable[[int], str]) -> Visitor | None:
    """Look a source address up; `spell` writes an instant (microseconds) for people."""
    for target in targets:
        right = target.right
        if right is not None and right.address == address:
            until = spell(right.valid_until) if right.valid_until is not None else ""
            return Visitor(right.username, target.level, until)
    return None


_STYLE = (
    "body{font:18px/1.5 sans-serif;max-width:32em;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.4em}b{white-space:nowrap}hr{border:0;border-top:1px solid #ccc}"
)


def render(visitor: Visitor | None, site_name: str, pay_hint: str) -> bytes:
    """Write the page, in English and Swahili; it needs no script."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{escape(site_name)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(site_name)}</h1>",
        _english(visitor),
        f"<p>{escape(pay_hint)}</p>" if pay_hint else "",
        "<hr><div lang=sw>",
        _swahili(visitor),
        f"<p>{escape(pay_hint)}</p>" if pay_hint else "",
        "</div>",
    ]
    return "".join(parts).encode()


def _english(visitor: Visitor | None) -> str:
    if visitor is None:
        return "<p>This device's connection is not known here.</p>"
    name = f"<p>Account <b>{escape(visitor.username)}</b></p>"
    if visitor.level == "full":
        until = f" until <b>{escape(visitor.until)}</b>" if visitor.until else ""
        return f"{name}<p>You are connected{until}.</p>"
    if visitor.level == "off":
        return f"{name}<p>This connection is suspended. Please call your provider.</p>"
    until = f" on <b>{escape(visitor.until)}</b>" if visitor.until else ""
    return f"{name}<p>Your internet time ended{until}. It comes back by itself seconds after you have paid.</p>"


def _swahili(visitor: Visitor | None) -> str:
    if visitor is None:
        return "<p>Muunganisho wa kifaa hiki haujulikani hapa.</p>"
    name = f"<p>Akaunti <b>{escape(visitor.username)}</b></p>"
    if visitor.level == "full":
        until = f" hadi <b>{escape(visitor.until)}</b>" if visitor.until else ""
        return f"{name}<p>Umeunganishwa{until}.</p>"
    if visitor.level == "off":
        return f"{name}<p>Muunganisho huu umesimamishwa. Tafadhali mpigie mtoa huduma wako.</p>"
    until = f" <b>{escape(visitor.until)}</b>" if visitor.until else ""
    return f"{name}<p>Muda wako wa intaneti uliisha{until}. Utarudi wenyewe sekunde chache baada ya kulipa.</p>"
