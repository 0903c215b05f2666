"""Reconcile: from what was read and what is wanted to the steps between them, for the targets given.

Rows are found by name and address, never by a remembered id. A row without our mark is never touched: if it holds
a name or an address that we need, that is a conflict.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.domain.observed import ConnectionRow, Family, Observed, ProfileRow, SecretRow, SessionRow
from edge_agent.domain.right import PPPOE, Right
from edge_agent.domain.steps import (
    AddProfile,
    AddSecret,
    AddWall,
    Change,
    CutConnection,
    HangUp,
    RemoveSecret,
    RemoveWall,
    SetProfile,
    SetSecret,
    SetWall,
    Step,
)
from edge_agent.domain.wanted import (
    PROFILE_MARK,
    Target,
    mark_of,
    owner_of,
    profile_name,
    rate_limit,
    secret_mark,
)

# A change of one of these reaches a session only when it dials again.
_NEEDS_REDIAL = frozenset({"name", "profile", "remote-address", "remote-ipv6-prefix", "disabled"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a target cannot be matched."""

    code: str
    message: str


@dataclass(slots=True)
class Plan:
    """Steps in the order in which they must be written, and who cannot be helped."""

    steps: list[Step] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    needing: set[str] = field(default_factory=set)
    """The targets that have steps."""


def reconcile(observed: Observed, targets: Iterable[Target]) -> Plan:
    """Say what to do; no steps means converged."""
    chosen = list(targets)
    work = _Work(observed, _claims(chosen))
    for target in chosen:
        work.consider(target)
    return work.plan()


def _claims(targets: list[Target]) -> set[str]:
    rights = [target.right for target in targets if target.right is not None]
    return {claim for right in rights for claim in (right.username, right.address, right.prefix) if claim}


@dataclass(slots=True)
class _Work:
    """The steps so far, by the stage in which they must be written: profiles before secrets, hanging up after."""

    observed: Observed
    claimed: set[str]
    """Names and addresses that the targets' rights hold now: old rows there are for the new holder to take over."""
    profiles: dict[str, Step] = field(default_factory=dict)
    walling: list[Step] = field(default_factory=list)
    secrets: list[Step] = field(default_factory=list)
    unwalling: list[Step] = field(default_factory=list)
    endings: list[Step] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)

    def plan(self) -> Plan:
        steps = [*self.profiles.values(), *self.walling, *self.secrets, *self.unwalling, *self.endings]
        return Plan(steps, self.refusals, {step.entitlement for step in steps})

    def consider(self, target: Target) -> None:
        right = target.right
        if right is not None and right.kind != PPPOE:
            self.refusals[target.id] = Refusal("unsupported", f"access {right.kind} is not known to this agent")
            right = None
        self._old_rows(target)
        if right is None:
            return
        # Who is off needs no speed: a profile in conflict must not keep him on.
        if self._profile(target, right) or target.level == "off":
            self._secret(target, right)
        self._wall(target, 4, right.address)
        if right.prefix:
            self._wall(target, 6, right.prefix)

    def _old_rows(self, target: Target) -> None:
        """Rows of ours that this target no longer has a use for."""
        for name in target.old_names:
            row = self.observed.secrets.get(name) if name not in self.claimed else None
            if row is not None and owner_of(row.comment) == target.id and not self._will_rename(target, row):
                self.secrets.append(RemoveSecret(target.id, row.id))
                self._hang_up(target.id, self.observed.sessions.get(name, []))
        for address in (*target.old_addresses, *target.old_prefixes):
            wall = self.observed.walls.get(address) if address not in self.claimed else None
            if wall is not None and owner_of(wall.comment) == target.id:
                self.unwalling.append(RemoveWall(target.id, wall.family, wall.id))

    def _will_rename(self, target: Target, row: SecretRow) -> bool:
        """Only the first misnamed secret is renamed, and only when the right name is free."""
        right = target.right
        if right is None or right.kind != PPPOE or right.username in self.observed.secrets:
            return False
        return row is self._misnamed(target)

    def _misnamed(self, target: Target) -> SecretRow | None:
        for name in target.old_names:
            row = self.observed.secrets.get(name) if name not in self.claimed else None
            if row is not None and owner_of(row.comment) == target.id:
                return row
        return None

    def _profile(self, target: Target, right: Right) -> bool:
        name, limit = profile_name(right), rate_limit(right)
        row = self.observed.profiles.get(name)
        if row is None:
            self.profiles.setdefault(name, AddProfile(target.id, name, limit))
        elif row.rate_limit != limit:
            return self._wrong_profile(target, row, limit)
        return True

    def _wrong_profile(self, target: Target, row: ProfileRow, limit: str) -> bool:
        if row.comment != PROFILE_MARK:
            self.refusals[target.id] = Refusal("conflict", f"profile {row.name} is not ours and has another speed")
            return False
        self.profiles.setdefault(row.name, SetProfile(target.id, row.id, limit))
        return True

    def _secret(self, target: Target, right: Right) -> None:
        row = self.observed.secrets.get(right.username) or self._misnamed(target)
        sessions = self.observed.sessions.get(row.name if row else right.username, [])
        if row is None:
            self.secrets.append(AddSecret(target.id, _whole_secret(target, right)))
            self._hang_up(target.id, sessions)
            return
        if owner_of(row.comment) is None:
            self.refusals[target.id] = Refusal("conflict", f"secret {row.name} is not ours")
            return
        changes = _secret_changes(row, target, right)
        if changes:
            with_password = row.comment != secret_mark(right)
            self.secrets.append(SetSecret(target.id, row.id, changes, with_password))
        redial = any(name in _NEEDS_REDIAL for name, _ in changes)
        self._hang_up(target.id, [s for s in sessions if redial or self._is_stale(s, target, right)])

    def _is_stale(self, session: SessionRow, target: Target, right: Right) -> bool:
        """A session that does not have what the secret says: it dialled before the change."""
        if target.level == "off" or session.address != right.address:
            return True
        rate = self.observed.rates.get(session.name)
        return rate is not None and rate != (right.up_bps, right.down_bps)

    def _hang_up(self, entitlement: str, sessions: Iterable[SessionRow]) -> None:
        self.endings.extend(HangUp(entitlement, session.id) for session in sessions)

    def _wall(self, target: Target, family: Family, address: str) -> None:
        row = self.observed.walls.get(address)
        if row is None:
            if target.walled:
                self.walling.append(AddWall(target.id, family, address))
        elif owner_of(row.comment) is None:
            self.refusals[target.id] = Refusal("conflict", f"the walled list holds {address} in a row that is not ours")
        elif not target.walled:
            self.unwalling.append(RemoveWall(target.id, family, row.id))
        elif row.disabled or row.comment != mark_of(target.id):
            self.walling.append(SetWall(target.id, family, row.id))


def newly_walled(plan: Plan, targets: Iterable[Target]) -> list[Target]:
    """Return whose connections must be looked for: the wall was not there before."""
    ids = {step.entitlement for step in plan.steps if isinstance(step, AddWall | SetWall)}
    return [target for target in targets if target.id in ids]


def cuts(connections: Iterable[ConnectionRow], targets: Iterable[Target]) -> list[Step]:
    """Return the steps that end these targets' tracked connections (named by their address or prefix)."""
    owners: dict[str, str] = {}
    for target in targets:
        if target.right is not None:
            owners[target.right.address] = target.id
            owners[target.right.prefix or target.right.address] = target.id
    return [CutConnection(owners[row.address], row.family, row.id) for row in connections if row.address in owners]


def _whole_secret(target: Target, right: Right) -> tuple[Change, ...]:
    changes = [
        ("name", right.username),
        ("service", PPPOE),
        ("profile", profile_name(right)),
        ("remote-address", right.address),
        ("disabled", _disabled(target)),
        ("comment", secret_mark(right)),
    ]
    if right.prefix:
        changes.append(("remote-ipv6-prefix", right.prefix))
    return tuple(changes)


def _secret_changes(row: SecretRow, target: Target, right: Right) -> tuple[Change, ...]:
    """Only what differs is written: every write wears the router's flash."""
    off = target.level == "off"
    if (
        row.profile == profile_name(right)
        and row.disabled == off
        and row.address == right.address
        and row.comment == secret_mark(right)
        and row.name == right.username
        and row.service == PPPOE
        and row.prefix == (right.prefix or "")
    ):
        return ()
    has = {
        "name": row.name,
        "service": row.service,
        "profile": row.profile,
        "remote-address": row.address,
        "disabled": "yes" if row.disabled else "no",
        "comment": row.comment,
        "remote-ipv6-prefix": row.prefix,
    }
    wanted = {"remote-ipv6-prefix": "", **dict(_whole_secret(target, right))}
    return tuple((name, value) for name, value in wanted.items() if has[name] != value)


def _disabled(target: Target) -> str:
    return "yes" if target.level == "off" else "no"
