"""One line of the audit, to be written together with the change it is about."""

from typing import Any
from uuid import UUID

from cloud.db.bulk import Statement, insert_rows
from cloud.db.tables.records import audit
from cloud.services.act import Act


def audit_row(act: Act, tenant_id: UUID, action: str, about: tuple[str, UUID | int], **said: Any) -> dict[str, Any]:
    """Compose an audit line; `about` is (kind, id), `said` holds `before`, `after` and `reason`."""
    row: dict[str, Any] = {"tenant_id": tenant_id, "id": act.new_id(), "staff_id": act.staff_id, "action": action}
    row |= {"object_kind": about[0], "object_id": str(about[1]), "at": act.now}
    return row | {name: said.get(name) for name in ("before", "after", "reason")}


def audit_line(act: Act, tenant_id: UUID, action: str, about: tuple[str, UUID | int], **said: Any) -> list[Statement]:
    """Compose the statement that writes one line."""
    return insert_rows(audit, [audit_row(act, tenant_id, action, about, **said)])
