"""The inbox as staff see it: list what came, release what waits for them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.inbox import NOTIFY_CHANNEL
from cloud.db.tables.money import callback


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """A stored callback."""

    id: int
    shortcode_id: UUID
    kind: str
    state: str
    reason: str | None
    payment_id: UUID | None
    received_at: datetime
    settled_at: datetime | None
    source: str | None
    raw: bytes


_COLUMNS = [callback.c[name] for name in CallbackRow.__slots__]


async def list_callbacks(
    connection: AsyncConnection, *, state: str | None, limit: int, before: int | None = None
) -> list[CallbackRow]:
    """List the tenant's callbacks, newest first, before the one with the id `before`."""
    query = select(*_COLUMNS).order_by(callback.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(callback.c.state == state)
    if before is not None:
        query = query.where(callback.c.id < before)
    return [CallbackRow(*row) for row in await connection.execute(query)]


async def lock_callback(connection: AsyncConnection, callback_id: int) -> CallbackRow | None:
    """Read one of the tenant's callbacks and lock it."""
    query = select(*_COLUMNS).where(callback.c.id == callback_id).with_for_update()
    row = (await connection.execute(query)).first()
    return CallbackRow(*row) if row else None


async def reopen_callback(connection: AsyncConnection, callback_id: int, reason: str) -> None:
    """Let the poster take the callback, and wake it at the commit."""
    query = update(callback).where(callback.c.id == callback_id)
    await connection.execute(query.values(state="new", reason=reason, settled_at=None))
    await connection.execute(_NOTIFY)


_NOTIFY = text(f"select pg_notify('{NOTIFY_CHANNEL}', '')")
