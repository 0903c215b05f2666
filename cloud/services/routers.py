"""Routers: the MikroTiks at a site."""

from uuid import UUID

from cloud.db import failures
from cloud.db import network as rows
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.network import Router
from cloud.db.tables.network import router
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid
from cloud.services.sites import get_site


async def add_router(
    connection: Connection, act: Act, tenant_id: UUID, site_id: UUID, *, name: str, model: str | None = None
) -> Router:
    """Add a router to a site."""
    await get_site(connection, tenant_id, site_id)
    made = Router(act.new_id(), site_id, clean(name), clean(model or "") or None, act.now)
    if not made.name:
        raise Invalid("A router needs a name. Say what its own identity is.")
    row = {"tenant_id": tenant_id, **{field: getattr(made, field) for field in Router.__slots__}}
    after = {"site_id": str(site_id), "name": made.name, "model": made.model}
    said = audit_line(act, tenant_id, "router.add", ("router", made.id), after=after)
    try:
        await run_all(connection, [*insert_rows(router, [row]), *said])
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_router_tenant_id_site_id_name":
            raise AlreadyExists("A router of this site has this name already. Choose another one.") from error
        raise
    return made


async def list_routers(
    connection: Connection, tenant_id: UUID, site_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Router]:
    """List a site's routers in the order in which they were added."""
    await get_site(connection, tenant_id, site_id)
    return await rows.list_routers(connection, tenant_id, site_id, limit=limit, after=after)
