"""What a simulated agent holds: rows as the texts they came as, their digest, and how changes come in.

State is level-triggered: what does not fit is a reason to ask, never something to mend.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from protocol.digest import EMPTY, changed, digest_of
from protocol.errors import Malformed, RolledBack
from protocol.messages import Chunk, Delta, Held, Manifest
from protocol.snapshot import Assembly

EARLY_MAX: Final = 16
Outcome = Literal["stored", "known", "waiting", "gap", "another-epoch", "digest"]


@dataclass(slots=True)
class Desired:
    """Rows by id. `known` is false until the first snapshot: what is held then means nothing."""

    rows: dict[str, str] = field(default_factory=dict)
    held: Held = field(default_factory=lambda: Held(digest=EMPTY))
    known: bool = False
    touched: list[str] = field(default_factory=list)
    """Which rows the last stored delta changed; of a snapshot, none is named."""
    _early: dict[int, Delta] = field(default_factory=dict)
    _assembly: Assembly | None = None

    def forget(self) -> None:
        """Lose everything, as a machine whose disk was replaced."""
        self.rows, self.held, self.known = {}, Held(digest=EMPTY), False
        self._early, self._assembly, self.touched = {}, None, []

    def delta(self, delta: Delta) -> Outcome:
        """Take a delta. Raises RolledBack for an epoch that is over, Malformed for rows without an id."""
        if delta.desired.epoch < self.held.epoch:
            raise RolledBack(f"epoch {delta.desired.epoch} is over")
        if delta.desired.epoch > self.held.epoch or not self.known:
            return "another-epoch"
        if delta.desired.generation <= self.held.generation:
            return "known"
        if delta.base > self.held.generation:
            if len(self._early) < EARLY_MAX:
                self._early[delta.base] = delta
            return "gap"
        return self._change(delta)

    def early(self) -> Outcome | None:
        """Take a delta that came too early and fits now; None when there is none."""
        generation = self.held.generation
        self._early = {base: d for base, d in self._early.items() if d.desired.generation > generation}
        base = next((base for base in sorted(self._early) if base <= generation), None)
        return None if base is None else self._change(self._early.pop(base))

    def _change(self, delta: Delta) -> Outcome:
        upserts = {id_of(row): row for row in delta.upserts}
        gone = [row_id for row_id in {*upserts, *delta.removals} if row_id in self.rows]
        digest = changed(self.held.digest, removed=[self.rows[row_id] for row_id in gone], added=upserts.values())
        if digest != delta.desired.digest:
            return "digest"
        for row_id in gone:
            del self.rows[row_id]
        self.rows.update(upserts)
        self.held, self.touched = delta.desired, [*upserts, *delta.removals]
        return "stored"

    def manifest(self, manifest: Manifest) -> Outcome:
        """Begin a snapshot; one older than what is held raises RolledBack."""
        wanted = manifest.desired
        if self.known and (wanted.epoch, wanted.generation) < (self.held.epoch, self.held.generation):
            raise RolledBack(f"snapshot {wanted.epoch}/{wanted.generation} is older than what is held")
        if self._assembly is None or self._assembly.manifest.sha256 != manifest.sha256:
            self._assembly = Assembly(manifest)
        return "waiting"

    def chunk(self, chunk: Chunk, part: bytes) -> Outcome:
        """Take a chunk; the last one replaces everything. Raises Malformed, and then the snapshot is dropped."""
        if self._assembly is None or chunk.sha256 != self._assembly.manifest.sha256:
            return "known"
        self._assembly.add(chunk, part)
        if not self._assembly.complete:
            return "waiting"
        assembly, self._assembly = self._assembly, None
        rows = {id_of(row): row for row in assembly.rows()}
        if digest_of(rows.values()) != assembly.manifest.desired.digest:  # two rows of one id
            return "digest"
        self.rows, self.held, self.known, self.touched = rows, assembly.manifest.desired, True, []
        return "stored"


def id_of(row: str) -> str:
    """Return a row's id without reading the rest of it: there are thousands, and nobody here applies them."""
    try:
        parsed: Any = json.loads(row)
        found = parsed["id"]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("a row has no id") from error
    if not isinstance(found, str):
        raise Malformed("a row's id is no text")
    return found
