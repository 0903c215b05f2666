"""Sites: the towers that subscribers are served from."""

from uuid import UUID

from cloud.db import failures
from cloud.db import network as rows
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.network import Site
from cloud.db.tables.network import site
from cloud.domain.addresses import check_pool
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid, NotFound


async def add_site(
    connection: Connection, act: Act, tenant_id: UUID, *, name: str, pool: str, group_id: UUID | None = None
) -> Site:
    """Add a site with the pool that its subscribers' fixed addresses come from."""
    try:
        network = check_pool(pool)
    except ValueError as error:
        raise Invalid(str(error)) from error
    id_ = act.new_id()
    row = {"tenant_id": tenant_id, "id": id_, "group_id": group_id, "name": _name(name), "pool": str(network)}
    after = {"name": row["name"], "pool": row["pool"]}
    said = audit_line(act, tenant_id, "site.add", ("site", id_), after=after)
    try:
        await run_all(connection, [*insert_rows(site, [row | {"created_at": act.now}]), *said])
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_site_tenant_id_name":
            raise AlreadyExists("A site has this name already. Choose another one.") from error
        if failures.broken_constraint(error) == "fk_site_tenant_id_group_id":
            raise NotFound("There is no such site group. Look its id up in the list of site groups.") from error
        raise
    return await get_site(connection, tenant_id, id_)


async def note_claim(connection: Connection, act: Act, tenant_id: UUID, site_id: UUID) -> None:
    """Write down who made a claim for a site: whoever holds it can take the site over."""
    await run_all(connection, audit_line(act, tenant_id, "site.claim", ("site", site_id)))


async def get_site(connection: Connection, tenant_id: UUID, site_id: UUID) -> Site:
    """Return one site."""
    found = await rows.list_sites(connection, tenant_id, limit=1, site_id=site_id)
    if not found:
        raise NotFound("There is no such site. Look its id up in the list of sites.")
    return found[0]


async def list_sites(connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None) -> list[Site]:
    """List sites after `after`, in the order in which they were added."""
    return await rows.list_sites(connection, tenant_id, limit=limit, after=after)


def _name(typed: str) -> str:
    name = clean(typed)
    if not name:
        raise Invalid("A site needs a name. Say what people call the tower.")
    return name
