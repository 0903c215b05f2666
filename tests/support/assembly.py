"""The API put together with everything below it, its two loops, and its end."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI

from cloud.api.app import create_app
from cloud.api.deps import ApiDeps, ApiSettings, Check, CreateClaim, RevokeAgent
from cloud.db.engine import Database
from cloud.db.inbox import InboxWriter
from cloud.db.secrets import SecretBox
from cloud.payments.inbox import Inbox
from cloud.payments.mpesa import c2b
from cloud.payments.mpesa.webhooks import MpesaWebhooks
from cloud.payments.spool import Spool
from cloud.payments.webhooks import HookDirectory, HookRail, Webhooks
from cloud.ports import Clock
from cloud.services.access import Access
from cloud.services.find_account import AccountFinder
from cloud.services.idempotency import Idempotency
from cloud.services.shortcodes import Shortcodes


@dataclass(frozen=True, slots=True)
class ApiParts:
    """The application and what lives beside it."""

    app: FastAPI
    deps: ApiDeps
    inbox: Inbox
    directory: HookDirectory
    spool: Spool
    writers: tuple[InboxWriter, InboxWriter]

    async def run(self) -> None:
        """Run the loops until cancelled: webhooks read anew, the spool drained."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.directory.refresh_forever(), name="webhooks")
            group.create_task(self.inbox.drain_forever(), name="spool")

    async def close(self) -> None:
        """Close the connections of its own, after the server has ended."""
        for writer in self.writers:
            await writer.close()


def assemble_api(
    database: Database,
    database_url: str,
    *,
    secrets: SecretBox,
    clock: Clock,
    new_id: Callable[[], UUID],
    new_secret_hex: Callable[[], str],
    spool_folder: Path,
    create_claim: CreateClaim,
    revoke_agent: RevokeAgent,
    settings: ApiSettings | None = None,
    ready: Mapping[str, Check] | None = None,
    mpesa: HookRail | None = None,
    on_stored: Callable[[], None] = lambda: None,
) -> ApiParts:
    """Put it together. Whatever it is given, the caller closes; `ready` are the checks of `/readyz`.

    `on_stored` is called after each commit of callbacks: `Poster.wake` where the poster lives in the same process.
    """
    writers = (InboxWriter(database_url), InboxWriter(database_url))
    spool = Spool(spool_folder, lambda: new_id().hex)
    inbox = Inbox(*writers, spool, clock, on_stored)
    directory = HookDirectory(database, clock)
    rails = {c2b.RAIL: mpesa or MpesaWebhooks()}
    deps = ApiDeps(
        database=database,
        secrets=secrets,
        clock=clock,
        new_id=new_id,
        access=Access(database, secrets, clock, new_id, new_secret_hex),
        idempotency=Idempotency(database, clock),
        webhooks=Webhooks(directory, inbox, rails, clock, AccountFinder(database)),
        shortcodes=Shortcodes(new_secret_hex),
        create_claim=create_claim,
        revoke_agent=revoke_agent,
        settings=settings or ApiSettings(),
        ready=ready or {},
    )
    return ApiParts(create_app(deps), deps, inbox, directory, spool, writers)
