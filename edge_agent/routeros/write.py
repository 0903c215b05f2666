"""The one place where steps become commands, and where what a router said to them is kept."""

from collections.abc import Callable, Iterable
from typing import Final, assert_never

from edge_agent.domain.observed import Family
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
from edge_agent.domain.wanted import PROFILE_MARK, WALL_LIST, mark_of
from edge_agent.routeros.client import Answer, Command
from edge_agent.routeros.connections import CONNECTIONS4, CONNECTIONS6
from edge_agent.routeros.read import PROFILES, SECRETS, SESSIONS, WALL4, WALL6
from protocol.errors import SealBroken

IDS_MAX: Final = 100
"""Comma-separated ids in one sentence."""

Unseal = Callable[[str], str]
"""An entitlement's password in clear; raises SealBroken."""


class Writing:
    """Commands for a list of steps, in their order; removals from one menu are gathered into one sentence."""

    def __init__(self, base: dict[str, str], unseal: Unseal) -> None:
        self._base = base
        self._unseal = unseal
        self.commands: list[Command] = []
        self.broken: dict[str, str] = {}
        """Entitlements whose password could not be opened: code seal-broken."""
        self._gathered: dict[str, list[Step]] = {}

    def add_all(self, steps: Iterable[Step]) -> None:
        """Translate the steps."""
        for step in steps:
            try:
                self._add(step)
            except SealBroken as error:
                self.broken[step.entitlement] = str(error)
        self._flush()

    def _add(self, step: Step) -> None:
        match step:
            case AddProfile():
                base = [pair for pair in self._base.items() if pair[0] != "name"]
                changes = (("name", step.name), ("rate-limit", step.rate_limit), ("comment", PROFILE_MARK), *base)
                self._write(f"{PROFILES}/add", step, changes)
            case SetProfile():
                self._write(f"{PROFILES}/set", step, (("rate-limit", step.rate_limit),), step.id)
            case AddSecret():
                self._write(f"{SECRETS}/add", step, (*step.changes, self._password(step)))
            case SetSecret():
                changes = (*step.changes, self._password(step)) if step.with_password else step.changes
                self._write(f"{SECRETS}/set", step, changes, step.id)
            case AddWall():
                changes = (("list", WALL_LIST), ("address", step.address), ("comment", mark_of(step.entitlement)))
                self._write(f"{_wall(step.family)}/add", step, changes)
            case SetWall():
                changes = (("disabled", "no"), ("comment", mark_of(step.entitlement)))
                self._write(f"{_wall(step.family)}/set", step, changes, step.id)
            case RemoveSecret() | RemoveWall() | HangUp() | CutConnection():
                self._gather(step)
            case _:
                assert_never(step)

    def _password(self, step: Step) -> Change:
        # Passwords may hold any character: latin-1 text carries their UTF-8 bytes unchanged.
        return "password", self._unseal(step.entitlement).encode().decode("latin-1")

    def _write(self, verb: str, step: Step, changes: Iterable[Change], row: str | None = None) -> None:
        self._flush()
        words = [f"=.id={row}"] if row else []
        for name, value in changes:
            if value:
                words.append(f"={name}={value}")
            elif row:
                words.append(f"=!{name}=")
        self.commands.append(Command((verb, *words), None, (step.entitlement,)))

    def _gather(self, step: "RemoveSecret | RemoveWall | HangUp | CutConnection") -> None:
        self._gathered.setdefault(f"{_menu(step)}/remove", []).append(step)

    def _flush(self) -> None:
        for verb, steps in self._gathered.items():
            for start in range(0, len(steps), IDS_MAX):
                part = steps[start : start + IDS_MAX]
                ids = ",".join(dict.fromkeys(step.id for step in part if not isinstance(step, _WITHOUT_ID)))
                self.commands.append(Command((verb, f"=.id={ids}"), None, tuple(s.entitlement for s in part)))
        self._gathered.clear()


_WITHOUT_ID = (AddProfile, AddSecret, AddWall)


def _wall(family: Family) -> str:
    return WALL4 if family == 4 else WALL6


def _menu(step: "RemoveSecret | RemoveWall | HangUp | CutConnection") -> str:
    match step:
        case RemoveSecret():
            return SECRETS
        case RemoveWall():
            return _wall(step.family)
        case HangUp():
            return SESSIONS
        case CutConnection():
            return CONNECTIONS4 if step.family == 4 else CONNECTIONS6
        case _:
            assert_never(step)


def traps_of(commands: Iterable[Command], answers: Iterable[Answer]) -> dict[str, str]:
    """Return who was refused, and the router's words. A row that went away meanwhile is no refusal."""
    refused: dict[str, str] = {}
    for command, answer in zip(commands, answers, strict=True):
        if answer.trap is not None and "no such item" not in answer.trap:
            for entitlement in command.entitlements:
                refused.setdefault(entitlement, answer.trap)
    return refused
