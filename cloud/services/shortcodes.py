"""Shortcodes of the rails, and the webhook URL that each of them is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cloud.db import hooks as rows
from cloud.db.bulk import run_all
from cloud.db.engine import Connection
from cloud.domain.hook_token import hook_sha256, render_hook_token
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid

RAILS: Final = frozenset({"mpesa"})
"""Rails that call us."""


@dataclass(frozen=True, slots=True)
class Shortcode:
    """A shortcode with the token of its webhook, which is a secret between us and the rail."""

    id: UUID
    rail: str
    shortcode: str
    hook_token: str
    created_at: datetime


class Shortcodes:
    """Adds and lists a tenant's shortcodes."""

    def __init__(self, new_secret_hex: Callable[[], str]) -> None:
        self._new_secret_hex = new_secret_hex

    async def add(self, connection: Connection, tenant_id: UUID, act: Act, *, rail: str, shortcode: str) -> Shortcode:
        """Add a shortcode and make the token of its webhook."""
        if rail not in RAILS:
            raise Invalid(f"There is no rail {rail!r} with webhooks. Use one of {', '.join(sorted(RAILS))}.")
        if not (shortcode.isascii() and shortcode.isdigit() and 5 <= len(shortcode) <= 7):
            raise Invalid("A shortcode is 5 to 7 digits. Copy it from the M-Pesa portal.")
        if await rows.find_shortcode(connection, rail, shortcode) is not None:
            raise AlreadyExists(f"The shortcode {shortcode} is there already. Look it up in the list of shortcodes.")
        secret, id_ = self._new_secret_hex(), act.new_id()
        sealed = act.secrets.seal(secret.encode(), _context(id_))
        row = rows.ShortcodeRow(id_, rail, shortcode, sealed, act.now)
        await rows.insert_shortcode(connection, tenant_id, row, hook_sha256(secret))
        after = {"rail": rail, "shortcode": shortcode}
        await run_all(connection, audit_line(act, tenant_id, "shortcode.add", ("shortcode", id_), after=after))
        return _open(row, tenant_id, act)

    async def list_all(self, connection: Connection, tenant_id: UUID, act: Act) -> list[Shortcode]:
        """List the tenant's shortcodes, which are few."""
        return [_open(row, tenant_id, act) for row in await rows.list_shortcodes(connection)]


def _open(row: rows.ShortcodeRow, tenant_id: UUID, act: Act) -> Shortcode:
    secret = act.secrets.open(row.hook_sealed, _context(row.id)).decode()
    return Shortcode(row.id, row.rail, row.shortcode, render_hook_token(tenant_id, secret), row.created_at)


def _context(shortcode_id: UUID) -> str:
    return f"shortcode/{shortcode_id}/hook"
