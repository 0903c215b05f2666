"""What a client may say and what may come of it: a command, who says it, the outcomes, the verbs of single parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.mikrotik.fields.policy import POLICIES, POLICIES_6
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.speech.query import Node
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.speech.printing import Columns, View


@dataclass(frozen=True, slots=True)
class Command:
    """One sentence taken apart. `words` are the query words, in order."""

    path: str
    verb: str
    attributes: dict[str, str]
    queries: tuple[str, ...] = ()
    tag: str | None = None


@dataclass(slots=True)
class Access:
    """Who is asking. `record` ties writes to their connection in the journal."""

    user: str
    policies: frozenset[str]
    record: ConnectionRecord
    address: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A bare `!done`, or one with a value."""

    ret: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows to send."""

    table: Table
    rows: list[Row]
    columns: Columns


@dataclass(frozen=True, slots=True)
class Listening:
    """Changes to send until cancelled, after the rows of `first`."""

    table: Table
    query: Node | None
    view: View
    columns: Columns
    first: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Closing:
    """The router ends the connection with this word."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rebooting:
    """The router goes down now."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """Records to send as they come, until they end or the client cancels; the iterator does the waiting."""

    records: AsyncIterator[dict[str, str]]


Outcome = Done | Listing | Listening | Streaming | Closing | Rebooting


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that one part of the router brings for one menu (or for a path without a table).

    `policy` is what the caller must hold. A verb that `writes` goes through the faults and into the journal.
    """

    run: Callable[[Command, Access], Outcome]
    policy: str = "write"
    writes: bool = True


Verbs = dict[tuple[str, str], Verb]
"""(menu path, verb) → what it does."""


def parse(words: list[str]) -> Command:
    """A sentence as a command. `=name` without a second `=` is an empty value."""
    path, _, verb = words[0].rpartition("/")
    attributes: dict[str, str] = {}
    queries: list[str] = []
    tag: str | None = None
    for word in words[1:]:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            attributes[name] = value
        elif word.startswith("?"):
            queries.append(word)
        elif word.startswith(".tag="):
            tag = word[5:]
        elif word.startswith(".proplist="):
            attributes[".proplist"] = word[10:]
    return Command(path, verb, attributes, tuple(queries), tag)


def everything(record: ConnectionRecord, user: str = "script") -> Access:
    """Access of somebody at the console."""
    return Access(user, frozenset((*POLICIES, *POLICIES_6)), record)
