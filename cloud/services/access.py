"""Who is asking: tenants' staff, the bearer tokens they work with, and what each may do."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db import access as rows
from cloud.db.access import Staff
from cloud.db.engine import Connection, Database
from cloud.db.secrets import SecretBox
from cloud.ports import Clock, IdFactory
from cloud.services import staff, tokens
from cloud.services.act import Act
from cloud.services.errors import AlreadyExists, Forbidden, Invalid, Refusal
from cloud.services.roles import Role, Scope, scopes_of
from cloud.services.tokens import NewToken

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")


class Unauthenticated(Refusal):
    """No token, or none that is valid now."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("There is no valid token in the request. Send `Authorization: Bearer mnt_…`.")


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
class NewTenant:
    """A tenant just added, and its owner's first token: the only time that the token is shown."""

    tenant_id: UUID
    staff_id: UUID
    token: str


class Access:
    """Adds tenants, their staff and tokens for the platform operator, and tells who a token belongs to."""

    def __init__(
        self,
        database: Database,
        secrets: SecretBox,
        clock: Clock,
        new_id: IdFactory,
        new_secret_hex: Callable[[], str],
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id
        self._new_secret_hex = new_secret_hex

    async def authenticate(self, token: str) -> Actor:
        """Return whose token this is; raise Unauthenticated."""
        read = tokens.find_parts(token)
        if read is None:
            raise Unauthenticated
        tenant_id, secret_sha256 = read
        async with self._database.tenant(tenant_id) as connection:
            row = await rows.find_token(connection, secret_sha256, self._clock.now())
        if row is None:
            raise Unauthenticated
        role = Role(row.role)
        return Actor(tenant_id, row.staff_id, role, scopes_of(role, row.scopes), row.token_id)

    async def add_tenant(self, slug: str, name: str, owner_email: str) -> NewTenant:
        """Add a tenant with its owner and the owner's token: the platform operator's door, not a route."""
        if not _SLUG.fullmatch(slug):
            raise Invalid("A slug is 3 to 40 of a-z, 0-9 and -, beginning with a letter. Use one such as coastnet.")
        act, tenant_id = self._act(), self._new_id()
        async with self._database.worker() as connection:
            if await rows.find_tenant(connection, slug) is not None:
                raise AlreadyExists(f"There is a tenant {slug} already. Use another slug.")
            await rows.insert_tenant(connection, tenant_id, slug, name.strip(), act.now)
            asked = (connection, act, tenant_id)
            owner = await staff.add_staff(*asked, email=owner_email, name=name, role=Role.OWNER)
            made = await self.grant(*asked, staff_id=owner.id, name="first")
        return NewTenant(tenant_id, owner.id, made.token)

    async def find_tenant(self, slug: str) -> UUID | None:
        """Find a tenant by its slug, for the platform operator."""
        async with self._database.worker() as connection:
            return await rows.find_tenant(connection, slug)

    async def add_staff(self, tenant_id: UUID, by: UUID | None, email: str, name: str, role: Role) -> Staff:
        """Add a staff member; raise Invalid or AlreadyExists."""
        async with self._database.tenant(tenant_id) as connection:
            return await staff.add_staff(connection, self._act(by), tenant_id, email=email, name=name, role=role)

    async def add_token(
        self, tenant_id: UUID, email: str, name: str, scopes: list[str] | None = None, until: datetime | None = None
    ) -> str:
        """Make a token for a staff member and return it: it cannot be shown again."""
        async with self._database.tenant(tenant_id) as connection:
            member = await staff.get_staff_by_email(connection, tenant_id, email)
            asked = {"staff_id": member.id, "name": name, "scopes": scopes, "until": until}
            made = await self.grant(connection, self._act(), tenant_id, **asked)
        return made.token

    async def grant(self, connection: Connection, act: Act, tenant_id: UUID, **asked: Any) -> NewToken:
        """Make a token, as `tokens.add_token` does, with a new secret."""
        return await tokens.add_token(connection, act, tenant_id, secret=self._new_secret_hex(), **asked)

    def _act(self, by: UUID | None = None) -> Act:
        return Act(self._clock.now(), self._new_id, self._secrets, by)
