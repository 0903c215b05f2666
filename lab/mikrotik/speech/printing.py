"""What a client may see of a row, and how it looks on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lab.mikrotik.speech.query import Node
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.wire import END, SHORT, encode_length, encode_word

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# The placeholder a masked secret reads as: five characters, as measured.
MASK = "*****"
Show = Callable[[Row], str | None]


class View:
    """One table as one client sees it: live values computed, secrets masked without the policy `sensitive`."""

    def __init__(self, router: Router, table: Table, *, sensitive: bool) -> None:
        self._router = router
        self._table = table
        self._shown: dict[str, Show] = {}
        if not table.menu.singleton:
            self._shown[".id"] = _row_id
        for field in table.fields.values():
            if field.write_only:
                self._shown[field.name] = _nothing
            elif field.live is not None:
                self._shown[field.name] = self._live(field.live)
            elif field.sensitive and not sensitive:
                self._shown[field.name] = _masked(field.name)

    def _live(self, live: Callable[[Router, Row], str | None]) -> Show:
        return lambda row: live(self._router, row)

    def look(self, row: Row, name: str) -> str | None:
        """One property as this client sees it."""
        if name not in self._table.fields and name != ".id":
            return None  # a property that this version has not, whatever the row keeps
        show = self._shown.get(name)
        return row.values.get(name) if show is None else show(row)

    def select(self, query: Node | None) -> list[Row]:
        """The rows that pass, in the table's order."""
        if query is None:
            return list(self._table)
        narrowed = None if self._table.menu.ordered else query.candidates(self._table)
        rows: Iterable[Row] = self._table
        if narrowed is not None:
            rows = [narrowed[number] for number in sorted(narrowed)]
        return [row for row in rows if query.passes(row, self.look)]

    def names(self) -> list[str]:
        """Everything a row can show, in the order of a print."""
        return [*([] if self._table.menu.singleton else [".id"]), *self._table.fields]

    def columns(self, names: Iterable[str] | None) -> Columns:
        """The properties to print: those asked for, or all."""
        if names is None:
            names = self.names()
        known = self._table.fields
        return Columns([(f"={name}=", name, self._shown.get(name)) for name in names if name in known or name == ".id"])


class Columns:
    """A fixed choice of properties, encoded row by row."""

    def __init__(self, columns: list[tuple[str, str, Show | None]]) -> None:
        self._columns = columns

    def encode(self, row: Row, head: bytes) -> bytes:
        """One `!re` sentence; what a row has not is left out."""
        parts = [head]
        values = row.values
        for prefix, name, show in self._columns:
            value = values.get(name) if show is None else show(row)
            if value is None:
                continue
            raw = (prefix + value).encode("latin-1")
            length = len(raw)
            parts.append(SHORT[length] if length < 0x80 else encode_length(length))
            parts.append(raw)
        parts.append(END)
        return b"".join(parts)


def _row_id(row: Row) -> str:
    return row.id


def _nothing(_row: Row) -> None:
    return None


def _masked(name: str) -> Show:
    return lambda row: MASK if row.values.get(name) else row.values.get(name)


class Replies:
    """Sentences of one command's answer, each with its tag right after the reply word."""

    def __init__(self, tag: str | None) -> None:
        self._tail = b"" if tag is None else encode_word(f".tag={tag}")
        self.row_head = encode_word("!re") + self._tail

    def _sentence(self, word: str, *attributes: str) -> bytes:
        return encode_word(word) + self._tail + b"".join(map(encode_word, attributes)) + END

    def done(self, ret: str | None = None) -> bytes:
        return self._sentence("!done", *(() if ret is None else (f"=ret={ret}",)))

    def empty(self) -> bytes:
        return self._sentence("!empty")

    def record(self, values: dict[str, str]) -> bytes:
        return self._sentence("!re", *(f"={name}={value}" for name, value in values.items()))

    def trap(self, message: str, category: int | None) -> bytes:
        """`=category=` comes first when there is one; an empty message is the fault "trap without message"."""
        words = [] if category is None else [f"=category={category}"]
        if message:
            words.append(f"=message={message}")
        return self._sentence("!trap", *words)

    def fatal(self, reason: str) -> bytes:
        return self._sentence("!fatal", reason)
