"""Site groups: sites that share what is sold at one of them."""

from uuid import UUID

from cloud.db import failures
from cloud.db import network as rows
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.network import SiteGroup
from cloud.db.tables.network import site_group
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid


async def add_site_group(connection: Connection, act: Act, tenant_id: UUID, *, name: str) -> SiteGroup:
    """Add a site group, to be named when a site is added."""
    made = SiteGroup(act.new_id(), clean(name))
    if not made.name:
        raise Invalid("A site group needs a name. Say what its sites have in common.")
    row = {"tenant_id": tenant_id, "id": made.id, "name": made.name}
    said = audit_line(act, tenant_id, "site_group.add", ("site_group", made.id), after={"name": made.name})
    try:
        await run_all(connection, [*insert_rows(site_group, [row]), *said])
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_site_group_tenant_id_name":
            raise AlreadyExists("A site group has this name already. Choose another one.") from error
        raise
    return made


async def list_site_groups(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None
) -> list[SiteGroup]:
    """List site groups in the order in which they were added."""
    return await rows.list_site_groups(connection, tenant_id, limit=limit, after=after)
