"""Who may come in: both login forms, the user's group and the addresses he may come from."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING

from lab.mikrotik.errors import Trap
from lab.mikrotik.fields.policy import granted
from lab.mikrotik.fields.values import split_list

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

_PLAIN_SINCE = (6, 43)


class Gate:
    """The login of one connection."""

    def __init__(self, router: Router, address: str) -> None:
        self._router = router
        self._address = address
        self.challenge = ""
        self._plain = router.version >= _PLAIN_SINCE

    def log_in(self, attributes: dict[str, str]) -> Row | None:
        """The user's row; None when the client must answer `challenge` first (before 6.43)."""
        if not self._plain and "response" not in attributes:
            # 16 bytes as hex. It need not be unguessable here, only different each time.
            seed = f"{self._router.boots}/{self._router.now_us()}/{id(self)}"
            self.challenge = hashlib.sha256(seed.encode()).hexdigest()[:32]
            return None
        user = self._router.tables.get("/user").find(attributes.get("name", ""))
        if user is None or not self._knows(user, attributes) or not self._may(user):
            who = f"user {attributes.get('name', '')} from {self._address}"
            self._router.log("system,error,critical", f"login failure for {who} via api")
            raise Trap("invalid user name or password (6)" if self._plain else "cannot log in")
        return user

    def policies_of(self, user: Row) -> frozenset[str]:
        """What the user's group grants, as of this login."""
        group = self._router.tables.get("/user/group").find(user.get("group"))
        return granted(group.get("policy")) if group is not None else frozenset()

    def _knows(self, user: Row, attributes: dict[str, str]) -> bool:
        password = user.get("password")
        if self._plain:
            return hmac.compare_digest(password.encode("latin-1"), attributes.get("password", "").encode("latin-1"))
        return hmac.compare_digest(challenge_response(self.challenge, password), attributes["response"])

    def _may(self, user: Row) -> bool:
        return user.enabled and "api" in self.policies_of(user) and allowed_from(user.get("address"), self._address)


def challenge_response(challenge: str, password: str) -> str:
    """`00` and the MD5 of a zero byte, the password and the challenge: what routers before 6.43 want."""
    mixed = b"\x00" + password.encode("latin-1") + bytes.fromhex(challenge)
    return "00" + hashlib.md5(mixed, usedforsecurity=False).hexdigest()


def allowed_from(networks: str, address: str) -> bool:
    """True when no networks are named, or the address is in one of them."""
    if not networks:
        return True
    here = ipaddress.ip_address(address)
    parts = (ipaddress.ip_network(part, strict=False) for part in split_list(networks))
    return any(here.version == network.version and here in network for network in parts)
