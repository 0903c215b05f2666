"""A tenant's signing keys: a root that agents pin, an online key that signs, and the numbered list that ties them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cloud.clock import micros
from cloud.db import enrolment as store
from cloud.db.engine import Connection
from cloud.db.enrolment import SigningKeyRow
from cloud.db.secrets import SecretBox
from protocol.keylist import KeyList, OnlineKey, sign_key_list
from protocol.signing import Signer, to_text

_ROOT_LIFE = timedelta(days=20 * 365)
_ONLINE_LIFE = timedelta(days=400)
_RENEW_BEFORE = timedelta(days=60)
"""A successor is listed so long before it is needed: agents may be out of reach for weeks."""
_BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """What the cloud needs to speak for a tenant."""

    signer: Signer
    root_public: bytes
    version: int
    key_list: bytes
    """The newest list's frame."""


async def ensure_keys(connection: Connection, tenant_id: UUID, box: SecretBox, now: datetime) -> TenantKeys:
    """Return a tenant's keys, making or renewing what is missing; call it in a worker's transaction."""
    keys = await store.list_signing_keys(connection, tenant_id)
    listed = await store.find_key_list(connection, tenant_id)
    if listed is None or not _lasting(keys, now):
        await store.lock_tenant(connection, tenant_id)
        keys = await store.list_signing_keys(connection, tenant_id)
        if not _lasting(keys, now):
            await _renew(connection, tenant_id, keys, box, now)
            keys = await store.list_signing_keys(connection, tenant_id)
        listed = await store.find_key_list(connection, tenant_id)
    assert listed is not None
    root = next(key for key in keys if key.role == "root")
    # The oldest key that still holds: agents have had its list the longest.
    online = next(key for key in keys if key.role == "online" and key.not_before <= now < key.not_after)
    return TenantKeys(_open(online, tenant_id, box), root.public, listed[0], listed[1])


async def _renew(
    connection: Connection, tenant_id: UUID, keys: Sequence[SigningKeyRow], box: SecretBox, now: datetime
) -> None:
    """Add an online key, and on first use a root, and sign the next list."""
    roots = [key for key in keys if key.role == "root"]
    if not roots:
        roots = [_seal(Signer.generate(), "root", tenant_id, box, now, _ROOT_LIFE)]
        await store.add_signing_key(connection, tenant_id, roots[0])
    online = _seal(Signer.generate(), "online", tenant_id, box, now, _ONLINE_LIFE)
    await store.add_signing_key(connection, tenant_id, online)
    newest = await store.find_key_list(connection, tenant_id)
    version = newest[0] + 1 if newest else 1
    valid = [key for key in [*keys, online] if key.role == "online" and key.not_after > now]
    listed = KeyList(
        tenant=str(tenant_id),
        version=version,
        keys=[
            OnlineKey(public=to_text(k.public), not_before=micros(k.not_before), not_after=micros(k.not_after))
            for k in valid
        ],
    )
    frame = sign_key_list(listed, _open(roots[0], tenant_id, box))
    await store.add_key_list(connection, tenant_id, version, frame, now)


def _lasting(keys: Sequence[SigningKeyRow], now: datetime) -> bool:
    return any(key.role == "online" and key.not_before <= now and key.not_after - _RENEW_BEFORE > now for key in keys)


def _seal(signer: Signer, role: str, tenant_id: UUID, box: SecretBox, now: datetime, life: timedelta) -> SigningKeyRow:
    sealed = box.seal(signer.to_bytes(), _context(tenant_id, signer.kid))
    return SigningKeyRow(signer.kid, role, signer.public, sealed, now - _BACKDATED, now + life)


def _open(key: SigningKeyRow, tenant_id: UUID, box: SecretBox) -> Signer:
    if key.private_sealed is None:
        raise RootIsOffline(
            "the tenant's root key is kept elsewhere: sign the next key list with it and import the list"
        )
    return Signer.from_bytes(box.open(key.private_sealed, _context(tenant_id, key.kid)))


class RootIsOffline(Exception):
    """The online key must be renewed, and the root that would sign the list is not in the database."""


def _context(tenant_id: UUID, kid: str) -> str:
    return f"signing-key/{tenant_id}/{kid}"
