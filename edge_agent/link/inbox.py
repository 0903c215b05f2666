"""How desired state comes in: deltas, snapshots, gaps and doubts, and what to ask the cloud for.

State is level-triggered: whatever does not fit is not an error to recover from but a reason to ask again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.domain.right import Right, right_of
from edge_agent.domain.site import Site
from protocol.errors import RolledBack
from protocol.limits import GAP_WAIT_S
from protocol.messages import Chunk, Delta, Held, Manifest, Resync
from protocol.snapshot import Assembly

EARLY_DELTAS_MAX: Final = 16
SNAPSHOT_WAIT_US: Final = 30_000_000
"""For all chunks of one snapshot; then it is asked for again."""
ASK_FIRST_US: Final = 1_000_000
ASK_MAX_US: Final = 300_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """A change that fits what is held and whose digest was found right: to be stored, then made."""

    held: Held
    upserts: dict[str, tuple[str, Right]]
    removals: list[str]


@dataclass(slots=True)
class Intake:
    """Judges what came against what is held. Instants by the boot clock, microseconds."""

    site: Site
    early: dict[int, Delta] = field(default_factory=dict)
    assembly: Assembly | None = None
    doubted: str = ""
    """Why even the held rows are doubted; a snapshot is asked for then."""
    ask_at: int | None = None
    ask_reason: str = ""
    _pause_us: int = ASK_FIRST_US

    def delta(self, delta: Delta, now_us: int) -> Change | None:
        """Return the change it makes; None when it is a duplicate, too early, or wrong (then the cloud is asked)."""
        held = self.site.held
        if delta.desired.epoch < held.epoch:
            raise RolledBack(f"epoch {delta.desired.epoch} is over")
        if delta.desired.epoch > held.epoch or not self.site.known:
            self._ask(now_us, "another epoch")
            return None
        if delta.desired.generation <= held.generation:
            return None
        if delta.base > held.generation:
            self._keep_early(delta, now_us)
            return None
        # Rows are whole, so a delta from further back than what we hold leads to the same state; the digest tells.
        upserts = {right.id: (row, right) for row, right in ((row, right_of(row)) for row in delta.upserts)}
        return self._checked(Change(delta.desired, upserts, delta.removals), now_us)

    def _keep_early(self, delta: Delta, now_us: int) -> None:
        if len(self.early) < EARLY_DELTAS_MAX:
            self.early[delta.base] = delta
        self._ask(now_us + int(GAP_WAIT_S * 1e6), "a gap before the delta")

    def next_early(self, now_us: int) -> Change | None:
        """Return the change of a delta that came too early and fits now."""
        generation = self.site.held.generation
        self.early = {base: d for base, d in self.early.items() if d.desired.generation > generation}
        for base in sorted(self.early):
            if base <= generation:
                return self.delta(self.early.pop(base), now_us)
        return None

    def manifest(self, manifest: Manifest, now_us: int) -> Change | None:
        """Begin a snapshot; one that is older than what is held is refused."""
        held, desired = self.site.held, manifest.desired
        if (desired.epoch, desired.generation) < (held.epoch, held.generation):
            raise RolledBack(f"snapshot {desired.epoch}/{desired.generation} is older than what is held")
        if self.assembly is None or self.assembly.manifest.sha256 != manifest.sha256:
            self.assembly = Assembly(manifest)
        self._ask(now_us + SNAPSHOT_WAIT_US, "the snapshot is not complete")
        return None

    def chunk(self, chunk: Chunk, part: bytes, now_us: int) -> Change | None:
        """Take a chunk; the last one makes the change. Raises Malformed."""
        if self.assembly is None or chunk.sha256 != self.assembly.manifest.sha256:
            return None
        self.assembly.add(chunk, part)
        if not self.assembly.complete:
            return None
        assembly, self.assembly = self.assembly, None
        return self._checked(self._whole(assembly.manifest.desired, assembly.rows()), now_us)

    def _whole(self, desired: Held, rows: Iterable[str]) -> Change:
        """Make a snapshot a change: only rows that differ are touched."""
        told = {right.id: (row, right) for row, right in ((row, right_of(row)) for row in rows)}
        ours = self.site.rights()
        differing = {
            id_: pair for id_, pair in told.items() if id_ not in ours or ours[id_].row_hash != pair[1].row_hash
        }
        return Change(desired, differing, [id_ for id_ in ours if id_ not in told])

    def _checked(self, change: Change, now_us: int) -> Change | None:
        rights = [right for _, right in change.upserts.values()]
        if self.site.digest_after(rights, change.removals) == change.held.digest:
            return change
        self.doubted = "the digest does not hold"
        self._ask(now_us, self.doubted)
        return None

    def stored(self) -> None:
        """Note that a change was stored: nothing is missing unless something early is still waiting."""
        self.doubted = ""
        self._pause_us = ASK_FIRST_US
        if not self.early and self.assembly is None:
            self.ask_at = None

    def caught_up(self, desired: Held) -> None:
        """Compare with what the cloud says it wants."""
        if (desired.epoch, desired.generation) == (self.site.held.epoch, self.site.held.generation):
            self.ask_at = None

    def _ask(self, at_us: int, reason: str) -> None:
        if self.ask_at is None or reason != self.ask_reason:
            self.ask_at, self.ask_reason = at_us, reason

    def due(self, now_us: int, jitter: float) -> Resync | None:
        """Return the question that is due; asked again with full jitter (`jitter` in 0..1) up to 5 minutes apart."""
        if self.ask_at is None or now_us < self.ask_at:
            return None
        self.assembly = None
        self.ask_at = now_us + ASK_FIRST_US + int(jitter * self._pause_us)
        self._pause_us = min(self._pause_us * 2, ASK_MAX_US)
        snapshot = bool(self.doubted) or not self.site.known
        return Resync(held=self.site.held, reason=self.ask_reason, snapshot=snapshot)
