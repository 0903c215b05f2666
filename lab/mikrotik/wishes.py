"""Faults and switches as the command line has them: read, and listed with what each does."""

import ast
import inspect
import re
from collections.abc import Iterable
from dataclasses import fields
from itertools import pairwise
from typing import Any

from lab.errors import LabError
from lab.mikrotik.faults import KINDS, Fault
from lab.mikrotik.switches import CHOICES, Switches

MAX_PORT = 65_535
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


class WishError(LabError):
    """Something on the command line makes no sense."""


def fault_lines() -> Iterable[str]:
    """Every kind of fault with its options and what they are without saying."""
    told = {one.name: one.default for one in fields(Fault)}
    for kind, known in KINDS.items():
        options = ", ".join(f"{name}={told[name]}" for name in known.options if name != "times")
        yield f"{kind:17} {known.does}{f' ({options})' if options else ''}"


def switch_lines() -> Iterable[str]:
    """Every switch with its default, and the belief behind it."""
    beliefs = _beliefs()
    for one in fields(Switches):
        yield f"{one.name}={str(one.default).lower()}\n    {beliefs.get(one.name, '')}"


def switches_of(texts: Iterable[str]) -> Switches:
    """A set of switches out of `NAME=VALUE` texts; WishError says what is wrong."""
    known: dict[str, Any] = {one.name: one.default for one in fields(Switches)}
    turned: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise WishError(f"{text!r} is no switch; `--switch list` shows what can be turned.")
        if isinstance(known[name], bool):
            if value not in _TRUTHS:
                raise WishError(f"the switch {name} is true or false, not {value!r}.")
            turned[name] = _TRUTHS[value]
        elif name in CHOICES and value not in CHOICES[name]:
            raise WishError(f"the switch {name} is one of {', '.join(CHOICES[name])}, not {value!r}.")
        else:
            turned[name] = value
    return Switches(**turned)


def version_of(text: str) -> str:
    """The same text, if it names a version."""
    if not re.fullmatch(r"\d+(\.\d+){1,2}", text):
        raise WishError(f"{text!r} is no RouterOS version; say 6.49.18 or 7.18.2.")
    return text


def address_of(text: str) -> tuple[str, int]:
    """HOST:PORT as both; a missing host is this machine."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > MAX_PORT:
        raise WishError(f"{text!r} is no HOST:PORT; say 127.0.0.1:7000.")
    return host or "127.0.0.1", int(port)


def _beliefs() -> dict[str, str]:
    """What is written under each switch in its source."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(Switches)).body if isinstance(node, ast.ClassDef))
    said: dict[str, str] = {}
    for before, after in pairwise(body):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            said[before.target.id] = " ".join(str(after.value.value).split())
    return said
