"""The site's desired state in memory: targets, what of them is settled on the router, and what time will change."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from edge_agent.domain.access import Access, access_at
from edge_agent.domain.right import Right
from edge_agent.domain.wanted import Target
from protocol.messages import Held

Cause = Literal["delta", "time", "start"]
_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Pending:
    """A change on its way to the router."""

    generation: int
    cause: Cause
    was: str
    """The level before, or "" if there was none."""
    sent_at: int = 0
    """The cloud's own stamp on the message."""
    received_at: int = 0
    stored_at: int = 0


@dataclass(frozen=True, slots=True)
class Instant:
    """When, and whether the cloud is heard: what access is judged by."""

    at: int
    unheard_since: int | None = None


@dataclass(slots=True)
class Site:
    """Not thread-safe: the agent's loop writes it; others may read `targets` by one call (get, or list of values)."""

    held: Held = field(default_factory=Held)
    known: bool = False
    """False until a desired state has been received: an empty store must not empty the router."""
    targets: dict[str, Target] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    start_pending: int | None = None
    """The generation from which on nothing is known to be applied, until a whole pass has been made."""
    _due: list[tuple[int, str]] = field(default_factory=list)
    _matched: dict[str, int] = field(default_factory=dict)
    _matched_sum: int = 0

    # What is desired

    def load(self, held: Held, rights: Iterable[Right], pending: Mapping[str, Pending], applied: int) -> None:
        """Take what the store held. Levels are judged by the first `rejudge`."""
        self.held, self.known = held, True
        self.targets = {right.id: Target(right.id, right, "full", "unjudged") for right in rights}
        self.pending = dict(pending)
        for id_ in pending:
            self.targets.setdefault(id_, Target(id_, None, "off", "removed"))
        if applied < held.generation:
            self.start_pending = applied + 1

    def rights(self) -> dict[str, Right]:
        """Return every right held, by id."""
        return {id_: target.right for id_, target in self.targets.items() if target.right is not None}

    def digest_after(self, upserts: Iterable[Right], removals: Iterable[str]) -> str:
        """Return the digest of the set after a change, which is not made yet."""
        total = int(self.held.digest, 16)
        changed: dict[str, int] = {right.id: right.row_hash for right in upserts}
        for id_ in {*changed, *removals}:
            target = self.targets.get(id_)
            if target is not None and target.right is not None:
                total -= target.right.row_hash
        return _spell(total + sum(changed.values()))

    def change(
        self, held: Held, upserts: Iterable[Right], removals: Iterable[str], when: Instant, how: Pending
    ) -> set[str]:
        """Take a stored change; returns the ids whose rows must be looked at."""
        self.held, self.known = held, True
        touched = set()
        for right in upserts:
            self._replace(right.id, right, when, how)
            touched.add(right.id)
        for id_ in removals:
            if id_ in self.targets:
                self._replace(id_, None, when, how)
                touched.add(id_)
        return touched

    def _replace(self, id_: str, right: Right | None, when: Instant, how: Pending) -> None:
        old = self.targets.get(id_)
        access = self._judge(right, when)
        target = Target(id_, right, access.level, access.reason)
        if old is not None:
            target = _remembering(old, target)
        self.targets[id_] = target
        self._unmatch(id_)
        was = old.level if old is not None and old.right is not None else ""
        self.pending[id_] = replace(how, was=was)

    def _judge(self, right: Right | None, when: Instant) -> Access:
        if right is None:
            return Access("off", "removed", None)
        access = access_at(right, when.at, when.unheard_since)
        if access.next_change_at is not None:
            heapq.heappush(self._due, (access.next_change_at, right.id))
        return access

    # What time changes

    @property
    def next_due_at(self) -> int | None:
        """When the next right changes by itself."""
        return self._due[0][0] if self._due else None

    def take_due(self, when: Instant) -> set[str]:
        """Judge again those whose time has come; returns the ids whose level changed."""
        due = set()
        while self._due and self._due[0][0] <= when.at:
            due.add(heapq.heappop(self._due)[1])
        return self._rejudge(due, when)

    def rejudge_all(self, when: Instant) -> set[str]:
        """Judge everybody again: the clock or the hearing of the cloud changed. Returns whose level changed."""
        self._due.clear()
        return self._rejudge(self.targets, when)

    def _rejudge(self, ids: Iterable[str], when: Instant) -> set[str]:
        changed = set()
        for id_ in list(ids):
            old = self.targets.get(id_)
            if old is None or old.right is None:
                continue
            access = self._judge(old.right, when)
            if access.level == old.level and access.reason == old.reason:
                continue
            self.targets[id_] = _remembering(old, Target(id_, old.right, access.level, access.reason))
            if access.level != old.level or old.reason == "unjudged":
                changed.add(id_)
            if access.level != old.level and old.reason != "unjudged":
                self._unmatch(id_)
                self.pending.setdefault(id_, Pending(self.held.generation, "time", old.level))
        return changed

    # What the router was read back to match

    def settle(self, target: Target, *, matched: bool) -> Pending | None:
        """Take the router's answer for a target, if it is still the wanted one; returns the change it ends."""
        if self.targets.get(target.id) is not target and not self._is_current(target):
            return None
        if matched and target.right is not None:
            self._match(target.id, target.right.row_hash)
        elif not matched:
            self._unmatch(target.id)
        self._forget_old(target.id)
        return self.pending.pop(target.id, None)

    def _is_current(self, target: Target) -> bool:
        """A pass may have added places to look at; it is the same right at the same level all the same."""
        held = self.targets.get(target.id)
        if held is None:
            return target.right is None
        return held.right is target.right and held.level == target.level

    def _forget_old(self, id_: str) -> None:
        held = self.targets.get(id_)
        if held is None:
            return
        if held.right is None:
            del self.targets[id_]
        elif held.old_names or held.old_addresses or held.old_prefixes:
            self.targets[id_] = Target(id_, held.right, held.level, held.reason)

    def settle_all(self) -> None:
        """A whole pass ended well: whatever the start left open is done."""
        self.start_pending = None

    @property
    def applied(self) -> int:
        """The generation of which every row was read back from the router, or is named as failed."""
        if not self.known:
            return 0
        open_ = [pending.generation for pending in self.pending.values() if pending.cause != "time"]
        if self.start_pending is not None:
            open_.append(self.start_pending)
        if not open_:
            return self.held.generation
        return max(min(min(open_) - 1, self.held.generation), 0)

    @property
    def router_digest(self) -> str:
        """The digest of the rows that the router was last read back to match."""
        return _spell(self._matched_sum)

    def _match(self, id_: str, row_hash: int) -> None:
        self._unmatch(id_)
        self._matched[id_] = row_hash
        self._matched_sum += row_hash

    def _unmatch(self, id_: str) -> None:
        self._matched_sum -= self._matched.pop(id_, 0)


def digest_of_rights(rights: Iterable[Right]) -> str:
    """Return the digest of a whole set."""
    return _spell(sum(right.row_hash for right in rights))


def _spell(total: int) -> str:
    return f"{total % _MODULUS:064x}"


def _remembering(old: Target, new: Target) -> Target:
    """Keep the places where the old one's rows may still be."""
    names = tuple(dict.fromkeys(name for name in old.names if name not in new.names))
    addresses = tuple(dict.fromkeys(a for a in old.addresses if a not in new.addresses))
    prefixes = tuple(dict.fromkeys(p for p in old.prefixes if p not in new.prefixes))
    if not names and not addresses and not prefixes:
        return new
    return Target(new.id, new.right, new.level, new.reason, names, addresses, prefixes)
