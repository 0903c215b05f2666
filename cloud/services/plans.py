"""Plans: what is offered; a change of terms is a new version, and who bought the old one keeps it."""

from dataclasses import asdict
from uuid import UUID

from cloud.db import failures
from cloud.db import network as rows
from cloud.db.bulk import insert_rows, run_all, update_rows
from cloud.db.engine import Connection
from cloud.db.network import Plan
from cloud.db.tables.network import plan, plan_version
from cloud.domain.payment import clean
from cloud.domain.plan import PlanTerms
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid, NotFound


def terms(*, price_cents: int, duration_s: int, up_bps: int, down_bps: int, outage_grace_s: int = 0) -> PlanTerms:
    """Check terms, or raise Invalid."""
    try:
        return PlanTerms(price_cents, duration_s, up_bps, down_bps, outage_grace_s)
    except ValueError as error:
        raise Invalid(f"{str(error).capitalize()}. Correct the value.") from error


async def add_plan(
    connection: Connection, act: Act, tenant_id: UUID, *, name: str, offer: PlanTerms, access: str = "pppoe"
) -> Plan:
    """Publish a plan in its first version."""
    id_, shown = act.new_id(), clean(name)
    if not shown:
        raise Invalid("A plan needs a name. Say what subscribers ask for.")
    head = {"tenant_id": tenant_id, "id": id_, "name": shown, "access": access, "created_at": act.now}
    first = {"tenant_id": tenant_id, "plan_id": id_, "version": 1, "created_at": act.now, **asdict(offer)}
    said = audit_line(act, tenant_id, "plan.add", ("plan", id_), after={"name": shown, **asdict(offer)})
    try:
        await run_all(connection, [*insert_rows(plan, [head]), *insert_rows(plan_version, [first]), *said])
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_plan_tenant_id_name":
            raise AlreadyExists(
                "A plan has this name already. Make a new version of it, or choose another name."
            ) from error
        raise
    return await get_plan(connection, tenant_id, id_)


async def add_plan_version(connection: Connection, act: Act, tenant_id: UUID, plan_id: UUID, offer: PlanTerms) -> Plan:
    """Change a plan's terms for whoever subscribes from now on."""
    old = await rows.lock_plan(connection, tenant_id, plan_id)
    if old is None:
        raise NotFound("There is no such plan. Look its id up in the list of plans.")
    version = old.version + 1
    new = {"tenant_id": tenant_id, "plan_id": plan_id, "version": version, "created_at": act.now, **asdict(offer)}
    head = {"tenant_id": tenant_id, "id": plan_id, "current_version": version}
    after = {"version": version, **asdict(offer)}
    said = audit_line(act, tenant_id, "plan.version", ("plan", plan_id), before={"version": old.version}, after=after)
    await run_all(connection, [*insert_rows(plan_version, [new]), *update_rows(plan, [head]), *said])
    return await get_plan(connection, tenant_id, plan_id)


async def get_plan(connection: Connection, tenant_id: UUID, plan_id: UUID) -> Plan:
    """Return one plan in its current version."""
    found = await rows.list_plans(connection, tenant_id, limit=1, plan_id=plan_id)
    if not found:
        raise NotFound("There is no such plan. Look its id up in the list of plans.")
    return found[0]


async def list_plans(connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None) -> list[Plan]:
    """List plans after `after`, in the order in which they were added."""
    return await rows.list_plans(connection, tenant_id, limit=limit, after=after)
