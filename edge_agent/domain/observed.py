"""Rows as they were read from the router, and a set of them."""

from dataclasses import dataclass, field
from typing import Literal

Family = Literal[4, 6]


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A row of /ppp/secret."""

    id: str
    name: str
    service: str
    profile: str
    address: str
    prefix: str
    disabled: bool
    comment: str


@dataclass(frozen=True, slots=True)
class WallRow:
    """A row of our address list; `temporary` ones are the router's own and go away by themselves."""

    id: str
    family: Family
    address: str
    disabled: bool
    temporary: bool
    comment: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A row of /ppp/active."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A row of /ppp/profile."""

    id: str
    name: str
    rate_limit: str
    comment: str


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A tracked connection; `address` is the source without its port."""

    id: str
    family: Family
    address: str


Rate = tuple[int, int]
"""(up, down) in bit/s."""


@dataclass(slots=True)
class Observed:
    """What was read: everything, or just the rows that some targets concern."""

    secrets: dict[str, SecretRow] = field(default_factory=dict)
    walls: dict[str, WallRow] = field(default_factory=dict)
    sessions: dict[str, list[SessionRow]] = field(default_factory=dict)
    profiles: dict[str, ProfileRow] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    """By user: the limits of the session's queue."""
