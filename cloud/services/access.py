"""Who is asking: tenants' staff, the bearer tokens they work with, and what each may do."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.db import access as rows
from cloud.db.engine import Connection, Database
from cloud.ports import Clock, IdFactory
from cloud.services.audit import Audit
from cloud.services.errors import AlreadyExists, Invalid, NotFound, Refusal
from cloud.services.roles import EVERYTHING, Role, Scope, scopes_of

_TOKEN = re.compile(r"mnt_([0-9a-f]{32})_([0-9a-f]{32,128})")
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


class Unauthenticated(Refusal):
    """No token, or none that is valid now."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("There is no valid token in the request. Send `Authorization: Bearer mnt_…`.")


class Forbidden(Refusal):
    """The token is valid and may not do this."""

    code = "forbidden"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This token lacks the scope {scope}. Ask an owner for a role or token that has it.")


@dataclass(frozen=True, slots=True)
class Actor:
    """The staff member who asks, by way of one token."""

    tenant_id: UUID
    staff_id: UUID
    role: Role
    scopes: frozenset[Scope]
    token_id: UUID

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the actor holds the scope."""
        if scope not in self.scopes:
            raise Forbidden(scope)


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A staff member as others see them."""

    id: UUID
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant just added, and its owner's first token: the only time that the token is shown."""

    tenant_id: UUID
    staff_id: UUID
    token: str


class Access:
    """Adds tenants, staff and tokens, and tells who a token belongs to."""

    def __init__(
        self, database: Database, clock: Clock, new_id: IdFactory, new_secret_hex: Callable[[], str], audit: Audit
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._new_secret_hex = new_secret_hex
        self._audit = audit

    async def authenticate(self, token: str) -> Actor:
        """Return whose token this is; raise Unauthenticated."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Unauthenticated
        tenant_id = UUID(hex=match[1])
        async with self._database.tenant(tenant_id) as connection:
            row = await rows.find_token(connection, _sha256(match[2]), self._clock.now())
        if row is None:
            raise Unauthenticated
        role = Role(row.role)
        return Actor(tenant_id, row.staff_id, role, scopes_of(role, row.scopes), row.token_id)

    async def add_tenant(self, slug: str, name: str, owner_email: str) -> NewTenant:
        """Add a tenant with its owner and the owner's token: the platform operator's door, not a route."""
        if not _SLUG.fullmatch(slug):
            raise Invalid("A slug is 3 to 40 of a-z, 0-9 and -, beginning with a letter. Use one such as coastnet.")
        tenant_id = self._new_id()
        async with self._database.worker() as connection:
            if await rows.find_tenant(connection, slug) is not None:
                raise AlreadyExists(f"There is a tenant {slug} already. Use another slug.")
            await rows.insert_tenant(connection, tenant_id, slug, name.strip(), self._clock.now())
            owner = await self._add_staff(connection, tenant_id, None, owner_email, name.strip(), Role.OWNER)
            token = await self._add_token(connection, tenant_id, owner.id, "first", [EVERYTHING], None)
        return NewTenant(tenant_id, owner.id, token)

    async def find_tenant(self, slug: str) -> UUID | None:
        """Find a tenant by its slug, for the platform operator."""
        async with self._database.worker() as connection:
            return await rows.find_tenant(connection, slug)

    async def add_staff(self, tenant_id: UUID, by: UUID | None, email: str, name: str, role: Role) -> StaffMember:
        """Add a staff member; raise Invalid or AlreadyExists."""
        async with self._database.tenant(tenant_id) as connection:
            return await self._add_staff(connection, tenant_id, by, email, name, role)

    async def list_staff(self, tenant_id: UUID) -> list[StaffMember]:
        """List a tenant's staff by e-mail address."""
        async with self._database.tenant(tenant_id) as connection:
            found = await rows.list_staff(connection, tenant_id)
        return [_member(row) for row in found]

    async def add_token(
        self, tenant_id: UUID, email: str, name: str, scopes: list[str] | None = None, until: datetime | None = None
    ) -> str:
        """Make a token for a staff member and return it: it cannot be shown again."""
        wanted = scopes or [EVERYTHING]
        if unknown := sorted(set(wanted) - set(Scope) - {EVERYTHING}):
            raise Invalid(f"{unknown[0]!r} is no scope. The scopes are {', '.join(Scope)}.")
        async with self._database.tenant(tenant_id) as connection:
            member = await rows.find_staff(connection, tenant_id, email.strip().lower())
            if member is None:
                raise NotFound("No staff member has this e-mail address. Look it up in the list of staff.")
            return await self._add_token(connection, tenant_id, member.id, name, wanted, until)

    async def revoke_token(self, tenant_id: UUID, by: UUID, token_id: UUID) -> bool:
        """Make a token useless from the next request on; say whether there was one."""
        async with self._database.tenant(tenant_id) as connection:
            revoked = await rows.revoke_token(connection, token_id, self._clock.now())
            if revoked:
                await self._audit.record(connection, tenant_id, by, "token.revoke", "token", str(token_id))
        return revoked

    async def _add_staff(
        self, connection: Connection, tenant_id: UUID, by: UUID | None, email: str, name: str, role: Role
    ) -> StaffMember:
        email = email.strip().lower()
        if not _EMAIL.fullmatch(email):
            raise Invalid("This is no e-mail address. Use one such as amina@example.co.ke.")
        if await rows.find_staff(connection, tenant_id, email) is not None:
            raise AlreadyExists("A staff member has this e-mail address already. Use another one.")
        row = rows.StaffRow(self._new_id(), email, name, role, active=True, created_at=self._clock.now())
        await rows.insert_staff(connection, tenant_id, row)
        after = {"email": email, "role": role}
        await self._audit.record(connection, tenant_id, by, "staff.add", "staff", str(row.id), after=after)
        return _member(row)

    async def _add_token(
        self,
        connection: Connection,
        tenant_id: UUID,
        staff_id: UUID,
        name: str,
        scopes: list[str],
        until: datetime | None,
    ) -> str:
        secret, token_id = self._new_secret_hex(), self._new_id()
        await rows.insert_token(
            connection,
            tenant_id,
            token_id=token_id,
            staff_id=staff_id,
            name=name,
            secret_sha256=_sha256(secret),
            scopes=scopes,
            created_at=self._clock.now(),
            expires_at=until,
        )
        after = {"name": name, "scopes": scopes}
        await self._audit.record(connection, tenant_id, staff_id, "token.add", "token", str(token_id), after=after)
        return f"mnt_{tenant_id.hex}_{secret}"


def _member(row: rows.StaffRow) -> StaffMember:
    return StaffMember(row.id, row.email, row.name, Role(row.role), row.active, row.created_at)


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
