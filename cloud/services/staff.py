"""Staff: who works for the tenant, and the end of their access."""

import re
from uuid import UUID

from cloud.db import access as rows
from cloud.db import failures
from cloud.db.access import Staff
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.tables.parties import staff
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid, NotFound, WrongState
from cloud.services.roles import Role

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


async def add_staff(connection: Connection, act: Act, tenant_id: UUID, *, email: str, name: str, role: Role) -> Staff:
    """Add a staff member; raise Invalid or AlreadyExists."""
    email, shown = email.strip().lower(), clean(name)
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise Invalid("This is no e-mail address. Use one such as amina@example.co.ke.")
    if not shown:
        raise Invalid("A staff member needs a name. Say what colleagues call them.")
    made = Staff(act.new_id(), email, shown, role, active=True, created_at=act.now)
    row = {"tenant_id": tenant_id, **{name: getattr(made, name) for name in Staff.__slots__}}
    said = audit_line(act, tenant_id, "staff.add", ("staff", made.id), after={"email": email, "role": role})
    try:
        await run_all(connection, [*insert_rows(staff, [row]), *said])
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "uq_staff_tenant_id_email":
            raise AlreadyExists("A staff member has this e-mail address already. Use another one.") from error
        raise
    return made


async def list_staff(connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None) -> list[Staff]:
    """List staff, those who left too, in the order in which they were added."""
    return await rows.list_staff(connection, tenant_id, limit=limit, after=after)


async def get_staff_by_email(connection: Connection, tenant_id: UUID, email: str) -> Staff:
    """Return the staff member of this e-mail address."""
    found = await rows.find_staff(connection, tenant_id, email.strip().lower())
    if found is None:
        raise NotFound("No staff member has this e-mail address. Look it up in the list of staff.")
    return found


async def lock_active(connection: Connection, tenant_id: UUID, staff_id: UUID) -> Staff:
    """Return an active staff member, locked until the transaction ends; raise NotFound or WrongState."""
    found = await rows.lock_staff(connection, tenant_id, staff_id)
    if found is None:
        raise NotFound("There is no such staff member. Look the id up in the list of staff.")
    if not found.active:
        raise WrongState("This staff member is not active. Choose one who is.")
    return found


async def deactivate_staff(connection: Connection, act: Act, tenant_id: UUID, staff_id: UUID) -> Staff:
    """End a staff member's access: every token of theirs is refused from the commit on."""
    # Two owners who deactivate each other at once take turns here, and the second is refused.
    owners = await rows.lock_owners(connection, tenant_id)
    member = await lock_active(connection, tenant_id, staff_id)
    if owners == [member.id]:
        raise WrongState("This is the last active owner, without whom nobody could add staff. Add another owner first.")
    ended = await rows.deactivate_staff(connection, tenant_id, member.id, act.now)
    before, after = {"active": True}, {"active": False, "tokens_revoked": ended}
    about = ("staff", member.id)
    await run_all(connection, audit_line(act, tenant_id, "staff.deactivate", about, before=before, after=after))
    return Staff(member.id, member.email, member.name, member.role, active=False, created_at=member.created_at)
