"""A router as a few tables, on which steps can be carried out: no wire, no time."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import assert_never

from edge_agent.domain.observed import Observed, ProfileRow, SecretRow, SessionRow, WallRow
from edge_agent.domain.steps import (
    AddProfile,
    AddSecret,
    AddWall,
    CutConnection,
    HangUp,
    RemoveSecret,
    RemoveWall,
    SetProfile,
    SetSecret,
    SetWall,
    Step,
)
from edge_agent.domain.wanted import PROFILE_MARK, mark_of

FIELDS = {
    "name": "name", "service": "service", "profile": "profile", "remote-address": "address", "comment": "comment",
    "remote-ipv6-prefix": "prefix",
}  # fmt: skip


@dataclass
class ModelRouter:
    """Rows by their ids."""

    secrets: dict[str, SecretRow] = field(default_factory=dict)
    walls: dict[str, WallRow] = field(default_factory=dict)
    profiles: dict[str, ProfileRow] = field(default_factory=dict)
    sessions: dict[str, SessionRow] = field(default_factory=dict)
    rates: dict[str, tuple[int, int]] = field(default_factory=dict)
    ids: "count[int]" = field(default_factory=lambda: count(1))

    def new_id(self) -> str:
        return f"*{next(self.ids):X}"

    def observed(self) -> Observed:
        seen = Observed(
            secrets={row.name: row for row in self.secrets.values()},
            walls={row.address: row for row in self.walls.values()},
            profiles={row.name: row for row in self.profiles.values()},
            rates=dict(self.rates),
        )
        for session in self.sessions.values():
            seen.sessions.setdefault(session.name, []).append(session)
        return seen

    def carry_out(self, step: Step) -> None:  # noqa: C901, PLR0912 - one branch for each kind of step
        match step:
            case AddProfile():
                assert step.name not in {row.name for row in self.profiles.values()}
                id_ = self.new_id()
                self.profiles[id_] = ProfileRow(id_, step.name, step.rate_limit, PROFILE_MARK)
            case SetProfile():
                self.profiles[step.id] = replace(self.profiles[step.id], rate_limit=step.rate_limit)
            case AddSecret():
                id_ = self.new_id()
                blank = SecretRow(id_, "", "any", "", "", "", False, "")
                self._put_secret(id_, changed(blank, dict(step.changes)))
            case SetSecret():
                self._put_secret(step.id, changed(self.secrets[step.id], dict(step.changes)))
            case RemoveSecret():
                del self.secrets[step.id]
            case AddWall():
                assert step.address not in {row.address for row in self.walls.values()}
                id_ = self.new_id()
                self.walls[id_] = WallRow(id_, step.family, step.address, False, False, mark_of(step.entitlement))
            case SetWall():
                self.walls[step.id] = replace(self.walls[step.id], disabled=False, comment=mark_of(step.entitlement))
            case RemoveWall():
                del self.walls[step.id]
            case HangUp():
                self.sessions.pop(step.id, None)
            case CutConnection():
                pass
            case _:
                assert_never(step)

    def _put_secret(self, id_: str, row: SecretRow) -> None:
        others = {other.name for other in self.secrets.values() if other.id != id_}
        assert row.name not in others, "two secrets of one name"
        assert row.profile in {profile.name for profile in self.profiles.values()}, "a profile that is not there"
        self.secrets[id_] = row


def changed(row: SecretRow, changes: dict[str, str]) -> SecretRow:
    values: dict[str, object] = {FIELDS[name]: value for name, value in changes.items() if name in FIELDS}
    if "disabled" in changes:
        values["disabled"] = changes["disabled"] == "yes"
    return replace(row, **values)  # type: ignore[arg-type]  # the names are the row's own
