"""What the rails sent: list it, and release what waits for a human."""

from typing import Final
from uuid import UUID

from cloud.db import inbox_list as rows
from cloud.db.bulk import run_all
from cloud.db.engine import Connection
from cloud.db.inbox import RELEASED
from cloud.db.inbox_list import CallbackRow
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import NotFound, WrongState

_RELEASABLE: Final = frozenset({"quarantined", "malformed"})
_ID_MAX = 2**63 - 1


async def list_callbacks(
    connection: Connection, *, state: str | None, limit: int, before: int | None = None
) -> list[CallbackRow]:
    """List the tenant's callbacks, newest first."""
    return await rows.list_callbacks(connection, state=state, limit=limit, before=before)


async def release_callback(
    connection: Connection, tenant_id: UUID, act: Act, callback_id: int, *, reason: str
) -> CallbackRow:
    """Let the poster take a quarantined callback, or a malformed one that a newer release may read."""
    found = await rows.lock_callback(connection, callback_id) if 0 < callback_id <= _ID_MAX else None
    if found is None:
        raise NotFound("There is no such callback. Look its id up in the list of callbacks.")
    if found.state not in _RELEASABLE or found.kind != "confirmation":
        raise WrongState(f"This callback is {found.state}. Only quarantined and malformed ones can be released.")
    await rows.reopen_callback(connection, callback_id, RELEASED + reason)
    before = {"state": found.state, "reason": found.reason}
    about = ("callback", callback_id)
    await run_all(connection, audit_line(act, tenant_id, "callback.release", about, before=before, reason=reason))
    released = await rows.lock_callback(connection, callback_id)
    assert released is not None
    return released
