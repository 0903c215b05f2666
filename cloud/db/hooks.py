"""The shortcodes that webhooks belong to."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
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
