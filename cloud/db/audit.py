"""The audit of staff's changes, and the answers kept for repeated requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.tables.money import idempotency
from cloud.db.tables.records import audit


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One change: who did what to which object, how it was before and after, and why."""

    id: UUID
    staff_id: UUID | None
    action: str
    object_kind: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a request with an idempotency key was answered."""

    request_sha256: bytes
    status: int
    answer: dict[str, Any]


_AUDIT = [audit.c[name] for name in AuditRow.__slots__]


async def list_audit(
    connection: AsyncConnection,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
) -> list[AuditRow]:
    """List the tenant's changes, newest first, before the one of the instant and id `before`."""
    query = select(*_AUDIT).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(audit.c.at, audit.c.id) < before)
    if object_kind is not None:
        query = query.where(audit.c.object_kind == object_kind)
    if object_id is not None:
        query = query.where(audit.c.object_id == object_id)
    return [AuditRow(*row) for row in await connection.execute(query)]


async def lock_key(connection: AsyncConnection, tenant_id: UUID, key: str) -> None:
    """Let requests with the same key take turns until this transaction ends."""
    await connection.execute(_LOCK, {"key": f"{tenant_id}:{key}"})


async def find_answer(connection: AsyncConnection, key: str) -> KeptAnswer | None:
    """Find what the tenant's key was answered before."""
    columns = idempotency.c
    query = select(columns.request_sha256, columns.status, columns.answer).where(columns.idempotency_key == key)
    row = (await connection.execute(query)).first()
    return KeptAnswer(*row) if row else None


async def insert_answer(
    connection: AsyncConnection, tenant_id: UUID, key: str, kept: KeptAnswer, now: datetime
) -> None:
    """Keep an answer for the key's next use."""
    await connection.execute(
        insert(idempotency).values(
            tenant_id=tenant_id,
            idempotency_key=key,
            request_sha256=kept.request_sha256,
            status=kept.status,
            answer=kept.answer,
            created_at=now,
        )
    )


async def delete_answers(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Forget at most `limit` of the tenant's answers that are older than their retention."""
    keys = select(idempotency.c.idempotency_key).where(idempotency.c.created_at < before).limit(limit)
    query = delete(idempotency).where(idempotency.c.idempotency_key.in_(keys))
    return (await connection.execute(query)).rowcount


_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
