"""Staff and their API tokens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
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
class Staff:
    """A staff member."""

    id: UUID
    email: str
    name: str
    role: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed: its secret is not kept."""

    id: UUID
    staff_id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_STAFF = [staff.c[name] for name in Staff.__slots__]
_TOKEN = [api_token.c[name] for name in Token.__slots__]


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


async def list_staff(
    connection: AsyncConnection, tenant_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Staff]:
    """List a tenant's staff in the order of their ids."""
    query = select(*_STAFF).where(staff.c.tenant_id == tenant_id).order_by(staff.c.id).limit(limit)
    if after is not None:
        query = query.where(staff.c.id > after)
    return [Staff(*row) for row in await connection.execute(query)]


async def find_staff(connection: AsyncConnection, tenant_id: UUID, email: str) -> Staff | None:
    """Find a staff member by e-mail address."""
    query = select(*_STAFF).where(staff.c.tenant_id == tenant_id, staff.c.email == email)
    row = (await connection.execute(query)).first()
    return Staff(*row) if row else None


async def lock_staff(connection: AsyncConnection, tenant_id: UUID, staff_id: UUID) -> Staff | None:
    """Read a staff member and lock him, so that he is not deactivated meanwhile."""
    query = (
        select(*_STAFF).where(staff.c.tenant_id == tenant_id, staff.c.id == staff_id).with_for_update(key_share=True)
    )
    row = (await connection.execute(query)).first()
    return Staff(*row) if row else None


async def lock_owners(connection: AsyncConnection, tenant_id: UUID) -> list[UUID]:
    """Lock all active owners, always in the same order, and return them as they are once locked."""
    query = select(staff.c.id).where(staff.c.tenant_id == tenant_id, staff.c.role == "owner", staff.c.active)
    return list((await connection.execute(query.order_by(staff.c.id).with_for_update(key_share=True))).scalars())


async def deactivate_staff(connection: AsyncConnection, tenant_id: UUID, staff_id: UUID, now: datetime) -> int:
    """Deactivate a staff member and revoke his tokens; return how many those were."""
    mine = (staff.c.tenant_id == tenant_id, staff.c.id == staff_id)
    await connection.execute(update(staff).where(*mine).values(active=False))
    his = (api_token.c.tenant_id == tenant_id, api_token.c.staff_id == staff_id, api_token.c.revoked_at.is_(None))
    return (await connection.execute(update(api_token).where(*his).values(revoked_at=now))).rowcount


async def list_tokens(
    connection: AsyncConnection,
    tenant_id: UUID,
    *,
    limit: int,
    after: UUID | None = None,
    staff_id: UUID | None = None,
) -> list[Token]:
    """List a tenant's tokens, revoked ones too, in the order of their ids."""
    query = select(*_TOKEN).where(api_token.c.tenant_id == tenant_id).order_by(api_token.c.id).limit(limit)
    if after is not None:
        query = query.where(api_token.c.id > after)
    if staff_id is not None:
        query = query.where(api_token.c.staff_id == staff_id)
    return [Token(*row) for row in await connection.execute(query)]


async def lock_token(connection: AsyncConnection, tenant_id: UUID, token_id: UUID) -> Token | None:
    """Read a token and lock it."""
    query = (
        select(*_TOKEN)
        .where(api_token.c.tenant_id == tenant_id, api_token.c.id == token_id)
        .with_for_update(key_share=True)
    )
    row = (await connection.execute(query)).first()
    return Token(*row) if row else None


async def revoke_token(connection: AsyncConnection, tenant_id: UUID, token_id: UUID, now: datetime) -> None:
    """Revoke a token."""
    query = update(api_token).where(api_token.c.tenant_id == tenant_id, api_token.c.id == token_id)
    await connection.execute(query.values(revoked_at=now))
