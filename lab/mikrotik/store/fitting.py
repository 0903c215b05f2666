"""Fits the menus to a version: what `arguments.json` says is taken, described by the Python menus where they do."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from lab.mikrotik.fields.schema import BOARDS, COMMENT, DISABLED, Field, Fitted, Menu, Version
from lab.mikrotik.menus import ALL
from lab.mikrotik.store.arguments import KnownMenu, known_menus

# Arguments that say where a row comes from or goes to; no row keeps them.
ROW_ARGUMENTS = frozenset(("copy-from", "place-before"))
_SECRETS = frozenset(("password", "secret", "otp-secret", "totp-secret", "mac-auth-password"))
# Shown long before anybody could write them: a file had its name and type in every version.
_SHOWN_BEFORE = frozenset((("/file", "name"), ("/file", "type")))
# What `language.py` does for every table that has the verb.
GENERIC_VERBS = frozenset(
    [
        "print", "getall", "get", "find", "listen", "export", "add", "set", "remove", "enable", "disable", "unset",
        "comment", "move", "reset-counters", "reset-counters-all",
        "expire-password", "clear-cache", "reset-html", "reset-freq-drift",
    ]
)  # fmt: skip


@cache
def fitted_menus(version: Version, board: str) -> tuple[Fitted, ...]:
    """Every menu this version has on this board. Shared by all routers of the same make: nothing here changes."""
    if board not in BOARDS:
        raise ValueError(f"no board {board}: take one of {', '.join(BOARDS)}")
    return tuple(_fitted(menu, version) for menu in ALL if menu.known(version) and board in menu.boards)


def _fitted(menu: Menu, version: Version) -> Fitted:
    known = known_menus().get(menu.path)
    fields = {field.name: field for field in menu.fields if field.known(version)}
    if known is None:
        writable = frozenset(name for name, field in fields.items() if not field.read_only and field.live is None)
        return _of(menu, fields, {"add": writable, "set": writable})
    accepts = {verb: known.accepts(verb, version) for verb in ("add", "set")}
    taken = (accepts["add"] | accepts["set"]) - ROW_ARGUMENTS
    fields = {
        name: _required(field, known)
        for name, field in fields.items()
        if name in taken or field.read_only or field.live is not None
    }
    fields |= {
        field.name: replace(field, read_only=True)
        for field in menu.fields
        if field.name not in fields and (menu.path, field.name) in _SHOWN_BEFORE
    }
    ours = [_plain(name, known) for name in sorted(taken - fields.keys())]
    fields = _with(fields, ours)
    verbs = known.verbs(version)
    modelled = (verbs & (GENERIC_VERBS | menu.verbs)) | (menu.verbs & {"getall", "listen"})
    rest = (verbs - modelled) | frozenset(known.tree_only)
    return _of(replace(menu, verbs=modelled), fields, accepts, rest)


def _of(
    menu: Menu, fields: dict[str, Field], accepts: dict[str, frozenset[str]], rest: frozenset[str] = frozenset()
) -> Fitted:
    defaults = {
        name: field.default
        for name, field in fields.items()
        if field.default is not None and field.default not in field.absent_when
    }
    pointing = tuple(field for name, field in fields.items() if field.refers is not None and defaults.get(name))
    return Fitted(menu, fields, accepts, defaults, rest, pointing)


def _required(field: Field, known: KnownMenu) -> Field:
    argument = known.arguments.get(field.name)
    return replace(field, required=True) if argument is not None and argument.required else field


def _plain(name: str, known: KnownMenu) -> Field:
    """A property that only the data knows: stored as its type says, absent until it is set."""
    if name == "disabled":
        return DISABLED
    if name == "comment":
        return COMMENT
    argument = known.arguments[name]
    return Field(name, argument.kind, required=argument.required, sensitive=name in _SECRETS)


def _with(fields: dict[str, Field], more: Iterable[Field]) -> dict[str, Field]:
    """The switch and the comment stay last in a print."""
    everything = fields | {field.name: field for field in more}
    last = {name: everything.pop(name) for name in ("disabled", "comment") if name in everything}
    return everything | last
