"""Write down every change that staff make: who, what, before, after, why."""

from typing import Any
from uuid import UUID

from cloud.db import audit as rows
from cloud.db.engine import Connection
from cloud.ports import Clock, IdFactory


class Audit:
    """Adds records; nothing changes or removes them."""

    def __init__(self, clock: Clock, new_id: IdFactory) -> None:
        self._clock = clock
        self._new_id = new_id

    async def record(
        self,
        connection: Connection,
        tenant_id: UUID,
        staff_id: UUID | None,
        action: str,
        object_kind: str,
        object_id: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        """Record a change in the transaction that makes it."""
        at, record_id = self._clock.now(), self._new_id()
        row = rows.AuditRow(record_id, staff_id, action, object_kind, object_id, before, after, reason, at)
        await rows.insert_audit(connection, tenant_id, row)
