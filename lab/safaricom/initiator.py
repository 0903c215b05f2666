"""Initiators: the portal's API operators, their passwords, what they may do, and how they are locked out."""

import re
import secrets
from dataclasses import dataclass
from functools import cached_property

from lab.safaricom import result_codes as codes
from lab.safaricom.certificate import CredentialKey
from lab.safaricom.organisations import Directory
from lab.safaricom.result_codes import Declined
from lab.safaricom.switches import MoneySwitches

ROLES = frozenset({"status", "balance", "reversal", "b2c"})
INITIATORS_MAX = 10_000
_DAY_US = 86_400_000_000
_TIME = re.compile(rb"[0-9]{14}$")


@dataclass(slots=True)
class Initiator:
    """One API operator of one shortcode."""

    name: str
    password: str
    shortcode: str
    set_at_us: int
    """When the password was set; it lives 90 days."""
    roles: frozenset[str] = ROLES
    wrong: int = 0
    locked: bool = False
    also: tuple[str, ...] = ()
    """Further passwords, of the sandbox's own initiator: the portal has named several."""


class Initiators:
    """Every initiator by shortcode and name, and the key of the environment. Each organisation has one by itself."""

    def __init__(self, directory: Directory, now_us: int) -> None:
        self._directory = directory
        self._started_us = now_us
        self._known: dict[tuple[str, str], Initiator] = {}

    @cached_property
    def key(self) -> CredentialKey:
        """The environment's key; made when first asked for, as it costs a tenth of a second."""
        return CredentialKey(self._directory.environment, self._started_us)

    def add(self, initiator: Initiator) -> Initiator:
        """Add or replace one. ValueError for a role that does not exist."""
        if unknown := initiator.roles - ROLES:
            raise ValueError(f"no such roles: {sorted(unknown)}; known are: {sorted(ROLES)}")
        if len(self._known) >= INITIATORS_MAX:
            raise OverflowError(f"the simulation keeps at most {INITIATORS_MAX} initiators")
        self._known[initiator.shortcode, initiator.name] = initiator
        return initiator

    def find(self, shortcode: str, name: str) -> Initiator | None:
        """Return an initiator of a shortcode; None for an unknown name or shortcode."""
        known = self._known.get((shortcode, name))
        if known:
            return known
        try:
            organisation = self._directory.get(shortcode)
        except KeyError:
            return None
        if organisation.initiator != name:
            return None
        password, *also = organisation.initiator_passwords
        return self.add(Initiator(name, password, shortcode, self._started_us, also=tuple(also)))

    def get(self, shortcode: str, name: str) -> Initiator:
        """Return an initiator of a shortcode, or raise KeyError."""
        initiator = self.find(shortcode, name)
        if initiator is None:
            raise KeyError(name)
        return initiator

    def check(
        self, shortcode: str, name: str, credential: str, role: str, now_us: int, money: MoneySwitches
    ) -> Initiator:
        """Let an initiator in, or raise Declined: 2001 unknown, wrong or too old, 8006 locked, 21 not allowed."""
        initiator = self.find(shortcode, name)
        if initiator is None:
            raise Declined(money.unknown_initiator_code)
        if initiator.locked:
            raise Declined(codes.LOCKED)
        if not self._fits(initiator, credential, money):
            initiator.wrong += 1
            initiator.locked = initiator.wrong >= money.wrong_passwords_max
            raise Declined(codes.WRONG_INITIATOR)
        if now_us - initiator.set_at_us >= money.password_days * _DAY_US:
            raise Declined(money.expired_code)
        initiator.wrong = 0
        if role not in initiator.roles:
            raise Declined(codes.NOT_ALLOWED)
        return initiator

    def _fits(self, initiator: Initiator, credential: str, money: MoneySwitches) -> bool:
        if money.credential == "any":
            return True
        said = self.key.decrypt(credential)
        if said is None:
            return False
        tolerated = [said, _TIME.sub(b"", said)] if money.credential_timestamp else [said]
        wanted = [password.encode() for password in (initiator.password, *initiator.also)]
        return any(secrets.compare_digest(one, other) for one in tolerated for other in wanted)
