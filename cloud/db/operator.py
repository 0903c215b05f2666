"""What the platform operator asks of the database, above all tenants."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from cloud.db.engine import Connection


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant."""

    id: UUID
    slug: str
    name: str
    state: str


_LIST = text("select id, slug, name, state from tenant order by slug")
_SUSPEND = text("update tenant set state = 'suspended' where slug = :slug and state = 'active' returning 1")


async def list_tenants(connection: Connection) -> list[TenantRow]:
    """List all tenants."""
    return [TenantRow(row.id, row.slug, row.name, row.state) for row in await connection.execute(_LIST)]


async def suspend_tenant(connection: Connection, slug: str) -> bool:
    """Suspend a tenant; False if there is no active one of this slug."""
    return (await connection.execute(_SUSPEND, {"slug": slug})).first() is not None
