"""Steps: the closed set of changes that the agent makes to a router."""

from dataclasses import dataclass

from edge_agent.domain.observed import Family

Change = tuple[str, str]
"""A property's name as the router spells it, and its new value."""


@dataclass(frozen=True, slots=True)
class AddProfile:
    """Make a speed profile after the base profile."""

    entitlement: str
    name: str
    rate_limit: str


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Put a speed profile of ours right."""

    entitlement: str
    id: str
    rate_limit: str


@dataclass(frozen=True, slots=True)
class AddSecret:
    """Make a secret with its password."""

    entitlement: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class SetSecret:
    """Change a secret of ours; with its password when the credential's revision differs."""

    entitlement: str
    id: str
    changes: tuple[Change, ...]
    with_password: bool


@dataclass(frozen=True, slots=True)
class RemoveSecret:
    """Take a secret of ours away."""

    entitlement: str
    id: str


@dataclass(frozen=True, slots=True)
class AddWall:
    """Put an address or prefix on the walled list."""

    entitlement: str
    family: Family
    address: str


@dataclass(frozen=True, slots=True)
class SetWall:
    """Put a wall row of ours right: enabled, and with the right mark."""

    entitlement: str
    family: Family
    id: str


@dataclass(frozen=True, slots=True)
class RemoveWall:
    """Take a row of ours off the walled list."""

    entitlement: str
    family: Family
    id: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a live session, so that the next one gets what the secret now says."""

    entitlement: str
    id: str


@dataclass(frozen=True, slots=True)
class CutConnection:
    """End a tracked connection that outlives the wall."""

    entitlement: str
    family: Family
    id: str


Step = (
    AddProfile
    | SetProfile
    | AddSecret
    | SetSecret
    | RemoveSecret
    | AddWall
    | SetWall
    | RemoveWall
    | HangUp
    | CutConnection
)
