"""Which arguments and verbs each menu has in which version: facts of real command trees, read from one data file.

`menus/arguments.json` was written from the command trees of RouterOS 7.9.2, 7.12.2, 7.15.3, 7.18.2, 7.20.8 and 7.24
and the manual's reference of 2026. An argument without `since` is in all of them. `since` and `until` (exclusive) are
minor versions: a version between two samples has what the newest sample not later than it had, unless somebody
saw the exact release (7.5, 7.8, 7.16, 7.17, 7.19.6, 7.21); 7.18 and 7.18.1 count as the sample 7.18.2. Types, ranges
and what is required come from the reference of 2026 alone.

RouterOS 6 was not sampled. It is believed to have what every 7.x has, without what is marked `since: 7`, and with what
is marked `until: 7`; only the names in `v6_known` are backed by a source, the others count as unverified.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lab.mikrotik.fields import values
from lab.mikrotik.fields.schema import ALWAYS, NEVER, Version
from lab.mikrotik.fields.values import Kind

# What a console can do beside what the tree lists: the API's own names for reading.
_API_VERBS = ("getall", "listen")
_BOTH = ("add", "set")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of `add` or `set`. `verbs` are those that take it; `set_since` when set came later than add."""

    name: str
    kind: Kind
    required: bool
    since: Version
    until: Version
    verbs: tuple[str, ...]
    set_since: Version

    def taken(self, verb: str, version: Version) -> bool:
        late = verb == "set" and version < self.set_since
        return verb in self.verbs and self.since <= version < self.until and not late


@dataclass(frozen=True, slots=True)
class KnownMenu:
    """What is known of one menu. `tree_only` verbs stand in the command tree but the manual calls their rows live."""

    path: str
    arguments: Mapping[str, Argument]
    tree_verbs: tuple[str, ...]
    tree_only: tuple[str, ...]
    verbs_since: Mapping[str, Version]
    read_only: frozenset[str]
    since: Version
    known_in_6: frozenset[str]

    def accepts(self, verb: str, version: Version) -> frozenset[str]:
        """Names that this verb takes in this version."""
        return frozenset(name for name, known in self.arguments.items() if known.taken(verb, version))

    def verbs(self, version: Version) -> frozenset[str]:
        """Verbs of this version, those of the API included."""
        found = {verb for verb in self.tree_verbs if self.verbs_since.get(verb, ALWAYS) <= version}
        return frozenset(found | {*_API_VERBS} if "print" in found else found)


@cache
def known_menus() -> Mapping[str, KnownMenu]:
    """Every menu of the data file, by path."""
    text = resources.files("lab.mikrotik.menus").joinpath("arguments.json").read_text(encoding="utf-8")
    return {path: _menu(path, entry) for path, entry in json.loads(text)["menus"].items()}


@cache
def sampled() -> tuple[str, ...]:
    """The versions whose command trees the data file rests on, oldest first."""
    text = resources.files("lab.mikrotik.menus").joinpath("arguments.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["sampled"])


def version_of(text: str) -> Version:
    """`7.18.2` as numbers."""
    return tuple(int(part) for part in text.split("."))


def unverified_in_6() -> list[tuple[str, str]]:
    """(menu, argument) of everything that RouterOS 6 is only believed to have, or not to have."""
    return [
        (menu.path, name)
        for menu in known_menus().values()
        for name, known in menu.arguments.items()
        if name not in menu.known_in_6 and (known.since == ALWAYS or known.since == (7,) or known.until == (7,))
    ]


def _menu(path: str, entry: Mapping[str, Any]) -> KnownMenu:
    return KnownMenu(
        path=path,
        arguments={name: _argument(name, given) for name, given in entry["arguments"].items()},
        tree_verbs=tuple(entry["verbs"].split()),
        tree_only=tuple(entry.get("tree_only", "").split()),
        verbs_since={verb: version_of(since) for verb, since in entry.get("verbs_since", {}).items()},
        read_only=frozenset(entry["read_only"].split()),
        since=version_of(entry["since"]) if "since" in entry else ALWAYS,
        known_in_6=frozenset(entry.get("v6_known", "").split()),
    )


def _argument(name: str, given: str | Mapping[str, Any]) -> Argument:
    entry: Mapping[str, Any] = {"is": given} if isinstance(given, str) else given
    return Argument(
        name=name,
        kind=_kind(entry),
        required=entry.get("required", False),
        since=version_of(entry["since"]) if "since" in entry else ALWAYS,
        until=version_of(entry["until"]) if "until" in entry else NEVER,
        verbs=(entry["on"],) if "on" in entry else _BOTH,
        set_since=version_of(entry["set_since"]) if "set_since" in entry else ALWAYS,
    )


_ADDRESS = values.first_of(values.ip4, values.ip6)
_PLAIN: Mapping[str, Kind] = {
    "text": values.text,
    "row": values.text,
    "bool": values.boolean,
    "ip4": values.ip4,
    "ip4s": values.several(values.ip4),
    "ip": _ADDRESS,
    "block": values.ip4_block,
    "prefix6": values.ip6_prefix,
    "mac": values.mac,
    "ports": values.ports,
    "rate": values.rate,
    "size": values.size,
}


def _kind(entry: Mapping[str, Any]) -> Kind:
    """The kind a type stands for; words beside a number or a time are values of their own."""
    words = entry.get("words", ())
    match entry["is"]:
        case "number":
            plain = values.number(*entry.get("range", ()))
            kind = values.first_of(values.enum(*words), plain) if words else plain
        case "time":
            kind = values.duration(*words)
        case "enum":
            kind = values.enum(*words)
        case "words":
            kind = values.several(values.enum(*words))
        case name:
            kind = _PLAIN[name]
    return values.negatable(kind) if entry.get("negated") else kind
