"""The audit of staff's changes, and the answers kept for repeated requests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
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


async def insert_audit(connection: AsyncConnection, tenant_id: UUID, row: AuditRow) -> None:
    """Add one record."""
    values = {name: getattr(row, name) for name in AuditRow.__slots__}
    await connection.execute(insert(audit).values(tenant_id=tenant_id, **values))


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


async def delete_answers(connection: AsyncConnection, before: datetime) -> int:
    """Forget answers older than their retention."""
    return (await connection.execute(delete(idempotency).where(idempotency.c.created_at < before))).rowcount


_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
