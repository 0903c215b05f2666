"""Whose signature counts: the key list that the pinned root vouches for."""

import base64

from edge_agent.domain.clock_trust import Trust
from protocol.enrolment import EnrolAnswer
from protocol.errors import Forged
from protocol.keylist import KeyList, open_key_list
from protocol.signing import Verifier, from_text


class KeyRing:
    """The tenant's online keys as this agent knows them; a list never goes back."""

    def __init__(self, identity: EnrolAnswer, frame: str = "") -> None:
        self._tenant = identity.tenant
        self._root = Verifier(from_text(identity.root_key, 32))
        self._keys: KeyList = self._open(identity.key_list, 0)
        self._verifiers: dict[str, Verifier] = {}
        if frame:
            self._keys = self._open(frame, self._keys.version)

    def _open(self, frame: str, at_least: int) -> KeyList:
        raw = base64.b64decode(frame)
        return open_key_list(raw, root=self._root, tenant=self._tenant, at_least=at_least)

    @property
    def version(self) -> int:
        """The number of the list held."""
        return self._keys.version

    def accept(self, raw: bytes) -> str:
        """Take a newer list; returns it as text, to be stored. Raises a ProtocolError."""
        self._keys = open_key_list(raw, root=self._root, tenant=self._tenant, at_least=self._keys.version)
        self._verifiers.clear()
        return base64.b64encode(raw).decode()

    def verifier(self, kid: str, trust: Trust, boot_us: int) -> Verifier:
        """Return the named key, or raise Forged. Dates are judged only when we are sure of the time."""
        found = self._verifiers.get(kid)
        if found is None:
            found = self._verifiers[kid] = self._keys.verifier(kid)
        if trust.quality == "trusted" and found not in self._keys.active_at(trust.now_us(boot_us)):
            raise Forged(f"key {kid} is not valid at this time")
        return found
