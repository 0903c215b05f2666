"""Staff and their API tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.tables.parties import api_token, staff, tenant


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token that may be used now, with whose it is."""

    token_id: UUID
    staff_id: UUID
    role: str
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A staff member."""

    id: UUID
    email: str
    name: str
    role: str
    active: bool
    created_at: datetime


async def find_token(connection: AsyncConnection, secret_sha256: bytes, now: datetime) -> TokenRow | None:
    """Find the tenant's token by its hash, unless it, its owner or the tenant is no longer active."""
    query = (
        select(api_token.c.id, staff.c.id, staff.c.role, api_token.c.scopes)
        .join(staff, (staff.c.tenant_id == api_token.c.tenant_id) & (staff.c.id == api_token.c.staff_id))
        .join(tenant, tenant.c.id == api_token.c.tenant_id)
        .where(api_token.c.secret_sha256 == secret_sha256, api_token.c.revoked_at.is_(None))
        .where(api_token.c.expires_at.is_(None) | (api_token.c.expires_at > now))
        .where(staff.c.active, tenant.c.state == "active")
    )
    row = (await connection.execute(query)).first()
    return TokenRow(*row) if row else None


async def insert_tenant(connection: AsyncConnection, tenant_id: UUID, slug: str, name: str, now: datetime) -> None:
    """Add a tenant, on the worker's connection."""
    await connection.execute(insert(tenant).values(id=tenant_id, slug=slug, name=name, created_at=now))


async def find_tenant(connection: AsyncConnection, slug: str) -> UUID | None:
    """Find a tenant by its slug, on the worker's connection."""
    found: UUID | None = await connection.scalar(select(tenant.c.id).where(tenant.c.slug == slug))
    return found


async def insert_staff(connection: AsyncConnection, tenant_id: UUID, row: StaffRow) -> None:
    """Add a staff member."""
    values = {name: getattr(row, name) for name in StaffRow.__slots__}
    await connection.execute(insert(staff).values(tenant_id=tenant_id, **values))


async def find_staff(connection: AsyncConnection, tenant_id: UUID, email: str) -> StaffRow | None:
    """Find a staff member by e-mail address."""
    query = _staff().where(staff.c.tenant_id == tenant_id, staff.c.email == email)
    row = (await connection.execute(query)).first()
    return StaffRow(*row) if row else None


async def list_staff(connection: AsyncConnection, tenant_id: UUID) -> list[StaffRow]:
    """List a tenant's staff, who are few."""
    query = _staff().where(staff.c.tenant_id == tenant_id).order_by(staff.c.email).limit(1000)
    return [StaffRow(*row) for row in await connection.execute(query)]


async def insert_token(
    connection: AsyncConnection,
    tenant_id: UUID,
    *,
    token_id: UUID,
    staff_id: UUID,
    name: str,
    secret_sha256: bytes,
    scopes: list[str],
    created_at: datetime,
    expires_at: datetime | None,
) -> None:
    """Add a token; only its hash is kept."""
    await connection.execute(
        insert(api_token).values(
            tenant_id=tenant_id,
            id=token_id,
            staff_id=staff_id,
            name=name,
            secret_sha256=secret_sha256,
            scopes=scopes,
            created_at=created_at,
            expires_at=expires_at,
        )
    )


async def revoke_token(connection: AsyncConnection, token_id: UUID, now: datetime) -> bool:
    """Revoke one of the tenant's tokens; say whether there was one to revoke."""
    query = update(api_token).where(api_token.c.id == token_id, api_token.c.revoked_at.is_(None))
    return (await connection.execute(query.values(revoked_at=now))).rowcount == 1


def _staff() -> Select[Any]:
    columns = staff.c
    return select(columns.id, columns.email, columns.name, columns.role, columns.active, columns.created_at)
