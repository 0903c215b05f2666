"""What an installer knows of a site before its router is set up."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network


class PlanRefused(ValueError):
    """The plan cannot make a working router; says what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    """One tower's router: every field ends up in its script."""

    identity: str
    pool: IPv4Network
    """Subscribers' fixed addresses; its first address is the router's own end of every PPPoE link."""
    pay_address: IPv4Address
    """Where walled subscribers may go: the pay page."""
    agent_address: IPv4Address
    """Where the agent's API connections come from; no other address may log in with its user."""
    user: str
    password: str
    version: tuple[int, int]
    access_interface: str = "bridge"
    """Where subscribers' PPPoE arrives."""
    prefix_pool: IPv6Network | None = None

    def __post_init__(self) -> None:
        if self.version < (6, 45):
            raise PlanRefused("RouterOS before 6.45 is not supported; upgrade the router, then make its script again.")
        if self.pool.num_addresses < 8:
            raise PlanRefused(f"The pool {self.pool} is too small for a site; choose /29 or larger.")
        if self.pay_address in self.pool or self.agent_address in self.pool:
            raise PlanRefused(
                "The pay page and the agent must not be inside the subscribers' pool; change one of them."
            )
        if len(self.password) < 16 or not re.fullmatch(r"[!#%-\[\]-~]+", self.password):
            raise PlanRefused('The API password needs at least 16 printable characters without spaces, $, " or \\.')
        for name in (self.identity, self.user, self.access_interface):
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", name):
                raise PlanRefused(f"{name!r} is not a usable name; use letters, digits, dot, dash and underscore.")

    @property
    def gateway(self) -> IPv4Address:
        """Return the router's own address on every subscriber's link."""
        return self.pool.network_address + 1
