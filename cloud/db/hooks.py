"""The shortcodes that webhooks belong to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.tables.money import shortcode


@dataclass(frozen=True, slots=True)
class HookRow:
    """A shortcode without its secret."""

    tenant_id: UUID
    id: UUID
    rail: str
    shortcode: str
    hook_sha256: bytes


def _hooks() -> Select[Any]:
    columns = shortcode.c
    return select(columns.tenant_id, columns.id, columns.rail, columns.shortcode, columns.hook_sha256)


async def find_hook(connection: AsyncConnection, hook_sha256: bytes) -> HookRow | None:
    """Find the tenant's shortcode whose secret has this hash."""
    row = (await connection.execute(_hooks().where(shortcode.c.hook_sha256 == hook_sha256))).first()
    return HookRow(*row) if row else None


async def list_hooks(connection: AsyncConnection) -> list[HookRow]:
    """Read every tenant's webhooks, on the worker's connection."""
    return [HookRow(*row) for row in await connection.execute(_hooks())]


@dataclass(frozen=True, slots=True)
class ShortcodeRow:
    """A shortcode with its sealed secret."""

    id: UUID
    rail: str
    shortcode: str
    hook_sealed: bytes
    created_at: datetime


async def insert_shortcode(connection: AsyncConnection, tenant_id: UUID, row: ShortcodeRow, sha256: bytes) -> None:
    """Add a shortcode."""
    values = {name: getattr(row, name) for name in ShortcodeRow.__slots__}
    await connection.execute(insert(shortcode).values(tenant_id=tenant_id, hook_sha256=sha256, **values))


async def find_shortcode(connection: AsyncConnection, rail: str, number: str) -> ShortcodeRow | None:
    """Find the tenant's shortcode at a rail."""
    query = _shortcodes().where(shortcode.c.rail == rail, shortcode.c.shortcode == number)
    row = (await connection.execute(query)).first()
    return ShortcodeRow(*row) if row else None


async def list_shortcodes(connection: AsyncConnection) -> list[ShortcodeRow]:
    """List the tenant's shortcodes."""
    query = _shortcodes().order_by(shortcode.c.rail, shortcode.c.shortcode).limit(1000)
    return [ShortcodeRow(*row) for row in await connection.execute(query)]


def _shortcodes() -> Select[Any]:
    columns = shortcode.c
    return select(columns.id, columns.rail, columns.shortcode, columns.hook_sealed, columns.created_at)
