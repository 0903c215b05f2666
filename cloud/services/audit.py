"""The audit as it is read: who changed what, before, after, why. `audit_line` writes it."""

from datetime import datetime
from uuid import UUID

from cloud.db import audit as rows
from cloud.db.audit import AuditRow
from cloud.db.engine import Connection


async def list_audit(
    connection: Connection,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
) -> list[AuditRow]:
    """List the tenant's changes, newest first; of one kind of object or of one object, if asked."""
    return await rows.list_audit(connection, limit=limit, before=before, object_kind=object_kind, object_id=object_id)
