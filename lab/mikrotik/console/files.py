"""`/file`: what is on the flash, what fits on it, and the verbs that read and write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.console.live import MAX_INLINE_BYTES
from lab.mikrotik.errors import Trap, no_permission, no_such_item
from lab.mikrotik.fields.schema import Fitted, Menu, read_only
from lab.mikrotik.speech.commands import Access, Command, Done, Listing, Outcome, Verb
from lab.mikrotik.speech.edit import rows_meant
from lab.mikrotik.speech.printing import View
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# What a small board's flash leaves for files; what no longer fits is refused.
FLASH_BYTES = 16 * 1024 * 1024
MAX_FILES = 1_000
MAX_NAME_CHARACTERS = 255
MAX_CHUNK_BYTES = 32_768
_CHUNKS = Menu(path="/file/read", singleton=True, fields=read_only("data"))
_TYPES = {".rsc": "script", ".backup": "backup", ".txt": ".txt file", ".crt": ".crt file", ".key": ".key file"}


class Files:
    """Files by name; a directory is a file with no contents."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._table = router.tables.get("/file")
        if "add" in self._table.menu.verbs:
            router.verbs[("/file", "add")] = Verb(self._add, policy="ftp")
        router.verbs[("/file", "set")] = Verb(self._set, policy="ftp")
        if router.version >= (7, 13):
            router.verbs[("/file", "read")] = Verb(self._read, policy="read", writes=False)

    def find(self, name: str) -> Row | None:
        return self._table.find(name.removeprefix("/"))

    def read(self, name: str) -> str | None:
        """The contents of a file, one character per byte."""
        row = self.find(name)
        return None if row is None else row.get("contents")

    def write_as(self, access: Access, name: str, contents: str, suffix: str) -> Row:
        """Write a file for somebody, who must be allowed to; the name gets its suffix if it has none."""
        if "ftp" not in access.policies:
            raise no_permission()
        return self.write(name if name.endswith(suffix) else name + suffix, contents)

    def write(self, name: str, contents: str) -> Row:
        """Make or overwrite a file."""
        name = name.removeprefix("/")
        row = self._table.find(name)
        self._make_room(name, len(contents) - (0 if row is None else len(row.get("contents"))), new=row is None)
        values = {"contents": contents, "size": str(len(contents)), self._dated(): self._router.stamp()}
        if row is not None:
            self._table.change(row, values)
            return row
        ending = name[name.rfind(".") :] if "." in name else ""
        return self._table.insert({"name": name, "type": _TYPES.get(ending, f"{ending} file".strip()), **values})

    def _dated(self) -> str:
        return "last-modified" if self._router.version >= (7, 10) else "creation-time"

    def _make_room(self, name: str, more: int, *, new: bool) -> None:
        if not name or len(name) > MAX_NAME_CHARACTERS or name.startswith("*"):
            raise Trap("invalid value for argument name", 1)
        used = sum(len(row.get("contents")) for row in self._table)
        if used + more > FLASH_BYTES or (new and len(self._table) >= MAX_FILES):
            raise Trap("failure: not enough space on disk")

    # -- verbs --------------------------------------------------------------------------------------------------

    def _add(self, command: Command, _access: Access) -> Outcome:
        attributes = command.attributes
        self._check("add", attributes)
        name = attributes.get("name", "")
        if not name:
            raise Trap("missing value(s) of argument(s) name")
        if self.find(name) is not None:
            raise Trap("failure: file already exists")
        row = self.write(name, attributes.get("contents", ""))
        if attributes.get("type") == "directory":
            self._table.change(row, {"type": "directory"})
        return Done(row.id)

    def _set(self, command: Command, _access: Access) -> Outcome:
        attributes = command.attributes
        self._check("set", attributes)
        for row in rows_meant(self._table, attributes.get(".id", attributes.get("numbers"))):
            if "contents" in attributes:
                self.write(row.get("name"), attributes["contents"])
            if "name" in attributes:
                self._rename(row, attributes["name"])
        return Done()

    def _rename(self, row: Row, name: str) -> None:
        other = self.find(name)
        if other is not None and other is not row:
            raise Trap("failure: file already exists")
        self._make_room(name, 0, new=False)
        self._table.change(row, {"name": name.removeprefix("/")})

    def _check(self, verb: str, attributes: dict[str, str]) -> None:
        rows = (".id", "numbers") if verb == "set" else ()
        for name in attributes:
            if name not in rows and name not in self._table.fitted.accepts[verb]:
                raise self._router.editor.unknown(name)
        if len(attributes.get("contents", "")) > MAX_INLINE_BYTES:
            raise Trap("failure: contents too long")

    def _read(self, command: Command, access: Access) -> Outcome:
        """`/file/read file= offset= chunk-size=`: one piece of a file of any length."""
        attributes = command.attributes
        contents = self.read(attributes.get("file", ""))
        if contents is None:
            raise no_such_item()
        offset = _number(attributes, "offset", "0", len(contents))
        size = _number(attributes, "chunk-size", str(MAX_CHUNK_BYTES), MAX_CHUNK_BYTES)
        fields = {field.name: field for field in _CHUNKS.fields}
        table = Table(Fitted(_CHUNKS, fields, {}, {}))
        row = table.insert({"data": contents[offset : offset + size]}, number=0)
        view = View(self._router, table, sensitive="sensitive" in access.policies)
        return Listing(table, [row], view.columns(None))


def _number(attributes: dict[str, str], name: str, default: str, high: int) -> int:
    text = attributes.get(name, default)
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Trap(f"invalid value for argument {name}", 1)
    if int(text) > high:
        raise Trap(f"value of {name} out of range (0..{high})", 1)
    return int(text)
