"""Which online keys speak for a tenant: a numbered list signed by the root key that agents pinned at enrolment.

The list is a frame of its own (direction `keys`), so it can be verified by the root key alone, whoever carries it.
"""

from pydantic import Field, ValidationError

from protocol import limits
from protocol.codec import open_frame, seal_frame
from protocol.entitlement import Micros, Wire
from protocol.errors import Forged, Malformed, RolledBack
from protocol.messages import Counter
from protocol.signing import Signer, Verifier, from_text


class OnlineKey(Wire):
    """One key and when it may sign."""

    public: str = Field(max_length=64)
    not_before: Micros
    not_after: Micros


class KeyList(Wire):
    """A tenant's keys; a list with a lower number never replaces one with a higher."""

    tenant: str = Field(max_length=64)
    version: Counter
    keys: list[OnlineKey] = Field(min_length=1, max_length=limits.KEYS_MAX)

    def verifier(self, kid: str) -> Verifier:
        """Return the named key, or raise Forged. Dates are judged by `active_at`, by whoever trusts his clock."""
        for key in self.keys:
            candidate = Verifier(from_text(key.public, 32))
            if candidate.kid == kid:
                return candidate
        raise Forged(f"key {kid} is not on the tenant's list {self.version}")

    def active_at(self, now: Micros) -> list[Verifier]:
        """Return the keys that may sign at `now`."""
        return [Verifier(from_text(k.public, 32)) for k in self.keys if k.not_before <= now < k.not_after]


def sign_key_list(keys: KeyList, root: Signer) -> bytes:
    """Write the list's frame."""
    return seal_frame("keys", keys.model_dump_json().encode(), root)


def open_key_list(raw: bytes, *, root: Verifier, tenant: str, at_least: int = 0) -> KeyList:
    """Read a list vouched for by the pinned root, for this tenant, and not older than the one held."""

    def find(kid: str) -> Verifier:
        if kid != root.kid:
            raise Forged("the key list is not signed by the pinned root")
        return root

    try:
        keys = KeyList.model_validate_json(open_frame("keys", raw, find))
    except ValidationError as error:
        raise Malformed("key list does not parse") from error
    if keys.tenant != tenant:
        raise Forged("the key list is another tenant's")
    if keys.version < at_least:
        raise RolledBack(f"key list {keys.version} is older than {at_least}")
    return keys
