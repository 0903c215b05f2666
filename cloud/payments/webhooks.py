"""The webhooks of the rails: whose URL it is, what is doubtful about a body, and how a validation is answered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from cloud.db import hooks as rows
from cloud.db.engine import Database
from cloud.db.failures import DatabaseError
from cloud.db.inbox import DatabaseGone, InboxRow
from cloud.domain.hook_token import HookToken, find_hook_token
from cloud.payments.inbox import Inbox
from cloud.ports import Clock

REFRESH_EVERY_S = 60.0
RAW_BYTES_MAX = 64 * 1024
ACCOUNT_LOOKUP_S = 1.5
"""The rail wants its answer within 8 s and is better off within 2; a slow database means yes."""

_log = logging.getLogger(__name__)


class HookUnknown(Exception):
    """No webhook has this path."""


@dataclass(frozen=True, slots=True)
class Hook:
    """What a webhook's token stands for."""

    tenant_id: UUID
    shortcode_id: UUID
    rail: str
    shortcode: str


@dataclass(frozen=True, slots=True)
class Received:
    """A body as it came. `cut`: why it is not whole, or None."""

    raw: bytes
    source: str | None
    cut: str | None = None


class HookRail(Protocol):
    """What the webhooks must know of a rail."""

    def find_doubt(self, raw: bytes, shortcode: str, source: str | None) -> str | None:
        """Say why a body must wait for a human, or None."""
        ...

    def confirmed(self) -> bytes:
        """Return the answer to a confirmation that is stored."""
        ...

    def asks_account(self) -> bool:
        """Say whether the answer to a validation depends on the account number."""
        ...

    def answer_validation(self, raw: bytes, shortcode: str, *, account_known: bool) -> bytes:
        """Return the answer to a validation."""
        ...

    def bill_reference(self, raw: bytes) -> str:
        """Return what the payer typed as the account."""
        ...


class HookDirectory:
    """All webhooks by the SHA-256 of their secret, held in memory so that an outage of the database stops none."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hooks: dict[HookToken, Hook] = {}

    async def get(self, token: str) -> Hook:
        """Return the token's hook; raise HookUnknown, or DatabaseGone when that cannot be said now."""
        key = find_hook_token(token)
        if key is None:
            raise HookUnknown
        hook = self._hooks.get(key)
        return hook or await self._look_up(key)

    async def refresh(self) -> None:
        """Read every webhook anew: a tick over all tenants."""
        async with self._database.worker() as connection:
            found = await rows.list_hooks(connection)
        self._hooks = {HookToken(row.tenant_id, row.hook_sha256): _hook(row) for row in found}

    async def refresh_forever(self) -> None:
        """Refresh until cancelled; what is known stays known while the database is gone."""
        while True:
            try:
                await self.refresh()
            except DatabaseError:
                _log.info("the webhooks could not be read anew; going on with %d known ones", len(self._hooks))
            await self._clock.sleep(REFRESH_EVERY_S)

    async def _look_up(self, key: HookToken) -> Hook:
        try:
            async with self._database.tenant(key.tenant_id) as connection:
                row = await rows.find_hook(connection, key.sha256)
        except DatabaseError as error:
            raise DatabaseGone("whose webhook this is cannot be looked up now") from error
        if row is None:
            raise HookUnknown
        self._hooks[key] = hook = _hook(row)
        return hook


FindAccount = Callable[[UUID, str], Awaitable[bool]]
"""Tell whether a tenant's subscriber would be found by what the payer typed."""


class Webhooks:
    """Stores what comes and answers as the rail expects; nothing that comes makes it fail."""

    def __init__(
        self,
        directory: HookDirectory,
        inbox: Inbox,
        rails: Mapping[str, HookRail],
        clock: Clock,
        find_account: FindAccount | None = None,
    ) -> None:
        self._directory = directory
        self.inbox = inbox
        self._rails = rails
        self._clock = clock
        self._find_account = find_account

    async def check(self, token: str) -> Hook:
        """Return the hook before its body is read; raise HookUnknown or DatabaseGone."""
        return await self._directory.get(token)

    async def confirm(self, hook: Hook, received: Received) -> bytes:
        """Store a confirmation, return the rail's answer; raise InboxUnavailable when it could not be stored."""
        rail = self._rails[hook.rail]
        if received.cut is not None:
            row = self._row(hook, received, "confirmation", "malformed", received.cut)
        elif doubt := rail.find_doubt(received.raw, hook.shortcode, received.source):
            row = self._row(hook, received, "confirmation", "quarantined", doubt)
        else:
            row = self._row(hook, received, "confirmation", "new", None)
        await self.inbox.store(row)
        return rail.confirmed()

    async def validate(self, hook: Hook, received: Received) -> bytes:
        """Store a validation, return yes or the rail's code for no; raise InboxUnavailable."""
        rail = self._rails[hook.rail]
        await self.inbox.store(self._row(hook, received, "validation", "noted", received.cut))
        known = not rail.asks_account() or await self._account_known(hook, rail.bill_reference(received.raw))
        return rail.answer_validation(received.raw, hook.shortcode, account_known=known)

    async def _account_known(self, hook: Hook, reference: str) -> bool:
        if self._find_account is None:
            return True
        try:
            async with asyncio.timeout(ACCOUNT_LOOKUP_S):
                return await self._find_account(hook.tenant_id, reference)
        except (TimeoutError, *DatabaseError):
            return True

    def _row(self, hook: Hook, received: Received, kind: str, state: str, reason: str | None) -> InboxRow:
        return InboxRow(
            tenant_id=hook.tenant_id,
            shortcode_id=hook.shortcode_id,
            kind=kind,
            raw=received.raw[:RAW_BYTES_MAX],
            source=received.source,
            state=state,
            reason=reason,
            received_at=self._clock.now(),
        )


def _hook(row: rows.HookRow) -> Hook:
    return Hook(row.tenant_id, row.id, row.rail, row.shortcode)
