"""What must survive a power cut, in one database: desired rows, outbox, time, and what is open.

Keys: `row/<id>`, `desired`, `pending/<id>`, `applied`, `event/<number>`, `outbox`, `time`, `keys`, `commands`.
Every value is JSON text; a row is the exact text that the cloud wrote.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from diskcache import Timeout

from edge_agent.domain.right import Right, right_of
from edge_agent.domain.site import Pending, digest_of_rights
from edge_agent.errors import StoreTrouble
from edge_agent.store.cache import TextCache, is_sound
from edge_agent.store.files import sync_folder
from protocol.errors import ProtocolError
from protocol.messages import Held

ROW, PENDING, EVENT = "row/", "pending/", "event/"
_SET_ASIDE_MAX: Final = 1_000


@dataclass(slots=True)
class Loaded:
    """What the store held when it was opened. `held` is None when no desired state was ever received."""

    held: Held | None = None
    rights: list[Right] = field(default_factory=list)
    pending: dict[str, Pending] = field(default_factory=dict)
    applied: int = 0
    time: dict[str, Any] = field(default_factory=dict)
    key_list: str = ""
    commands: list[str] = field(default_factory=list)
    outbox_low: int = 1
    outbox_next: int = 1
    set_aside: str = ""
    """Where a store that was torn or corrupt was moved to; "" normally."""


class Store:
    """Owned by the agent's loop."""

    def __init__(self, folder: Path, *, start: int) -> None:
        self._folder = folder
        self._start = start
        self._cache: TextCache

    def open(self) -> Loaded:
        """Open the store and read it; one that does not hold together is set aside and begun anew."""
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            loaded = self._open_whole()
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, ProtocolError, Timeout):
            return self._begin_anew()
        return loaded if loaded is not None else self._begin_anew()

    def _open_whole(self) -> Loaded | None:
        if not is_sound(self._folder):
            return None
        self._cache = TextCache(self._folder)
        loaded = self._load()
        if loaded.held is not None and digest_of_rights(loaded.rights) != loaded.held.digest:
            self._cache.close()
            return None
        return loaded

    def _begin_anew(self) -> Loaded:
        aside = self._free_name()
        self._folder.rename(aside)
        sync_folder(self._folder.parent)
        self._cache = TextCache(self._folder)
        # Numbers must not come again: the cloud drops what it has seen.
        first = self._start << 32
        self._cache.set("outbox", json.dumps({"next": first}))
        return Loaded(set_aside=aside.name, outbox_low=first, outbox_next=first)

    def _free_name(self) -> Path:
        for number in range(1, _SET_ASIDE_MAX):
            aside = self._folder.with_name(f"{self._folder.name}.corrupt-{number}")
            if not aside.exists():
                return aside
        raise StoreTrouble(
            "a thousand broken stores are set aside", "replace the disk, then delete the *.corrupt-* folders"
        )

    def _load(self) -> Loaded:
        loaded = Loaded()
        numbers: list[int] = []
        for key in self._cache.list_keys():
            value = self._cache.find(key)
            if value is None:
                continue
            if key.startswith(ROW):
                # Made small at once: the texts of thousands of rows would stay in memory as holes.
                loaded.rights.append(right_of(value))
            elif key.startswith(EVENT):
                numbers.append(int(key[len(EVENT) :]))
            elif key.startswith(PENDING):
                loaded.pending[key[len(PENDING) :]] = Pending(**json.loads(value))
            else:
                _load_single(loaded, key, json.loads(value))
        loaded.outbox_low = min(numbers, default=loaded.outbox_next)
        return loaded

    def save_desired(
        self,
        held: Held,
        *,
        upserts: Mapping[str, str],
        removals: Iterable[str],
        pending: Mapping[str, Pending],
    ) -> None:
        """Commit changed rows, their marks as pending, and the new generation together: one fsync."""
        with self._guarded():
            for id_, row in upserts.items():
                self._cache.set(ROW + id_, row)
            for id_ in removals:
                self._cache.delete(ROW + id_)
            for id_, change in pending.items():
                self._cache.set(PENDING + id_, _text(asdict(change)))
            self._cache.set("desired", _text(held.model_dump()))

    def save_events(
        self, events: Mapping[int, str], *, settled: Iterable[str] = (), applied: int | None = None
    ) -> None:
        """Commit events to the outbox, with what they put an end to."""
        with self._guarded():
            for number, event in events.items():
                self._cache.set(EVENT + str(number), event)
            if events:
                self._cache.set("outbox", _text({"next": max(events) + 1}))
            for id_ in settled:
                self._cache.delete(PENDING + id_)
            if applied is not None:
                self._cache.set("applied", _text(applied))

    def find_event(self, number: int) -> str | None:
        """Return an event of the outbox."""
        return self._cache.find(EVENT + str(number))

    def settle_events(self, upto: range, refused: Iterable[int]) -> None:
        """Delete what the cloud committed; what it will never take is kept under another name, for a look."""
        with self._guarded():
            for number in refused:
                if (event := self._cache.find(EVENT + str(number))) is not None:
                    self._cache.set(f"refused/{number}", event)
            for number in upto:
                self._cache.delete(EVENT + str(number))

    def save_single(self, key: str, value: object) -> None:
        """Commit one of `time`, `keys`, `commands`."""
        with self._guarded():
            self._cache.set(key, _text(value))

    def close(self) -> None:
        """Close the database."""
        self._cache.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A transaction whose failure is said in words; it changed nothing then."""
        try:
            with self._cache.transact():
                yield
        except (sqlite3.OperationalError, Timeout) as error:
            raise StoreTrouble(
                f"the store cannot be written ({error})", "make room on the disk, or replace it"
            ) from error


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _load_single(loaded: Loaded, key: str, value: Any) -> None:
    match key:
        case "desired":
            loaded.held = Held.model_validate(value)
        case "applied":
            loaded.applied = int(value)
        case "outbox":
            loaded.outbox_next = int(value["next"])
        case "time":
            loaded.time = dict(value)
        case "keys":
            loaded.key_list = str(value)
        case "commands":
            loaded.commands = [str(one) for one in value]
        case _:
            pass  # written by a newer agent, or set aside
