"""The API as a client meets it: a real database behind it, fakes only for the fleet and the clock's hands."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from cloud.api.app import create_app
from cloud.api.deps import ApiDeps, ApiSettings
from cloud.clock import SystemClock
from cloud.db.engine import Connection, Database
from cloud.db.inbox import InboxWriter
from cloud.db.secrets import SecretBox
from cloud.ids import new_id, new_secret_hex
from cloud.payments.inbox import Inbox
from cloud.payments.mpesa.webhooks import MpesaWebhooks
from cloud.payments.spool import Spool
from cloud.payments.webhooks import HookDirectory, HookRail, Webhooks
from cloud.services.access import Access, NewTenant
from cloud.services.audit import Audit
from cloud.services.find_account import AccountFinder
from cloud.services.idempotency import Idempotency
from cloud.services.roles import Role
from cloud.services.shortcodes import Shortcodes

_numbers = count(1)


@dataclass(frozen=True)
class FakeClaim:
    """A claim as the fleet would issue it."""

    code: str
    expires_at: datetime


async def fake_create_claim(
    connection: Connection, tenant_id: UUID, site_id: UUID, *, now: datetime, new_id: Callable[[], UUID]
) -> FakeClaim:
    return FakeClaim(f"TEST-{new_id().hex[-6:]}", now + timedelta(days=14))


async def fake_revoke_agent(
    connection: Connection,
    tenant_id: UUID,
    agent_id: UUID,
    *,
    reason: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> str | None:
    return "a-name"


@dataclass
class ApiUnderTest:
    """An application, and the parts that a test may look at or break."""

    app: FastAPI
    deps: ApiDeps
    database: Database
    inbox: Inbox
    spool: Spool
    directory: HookDirectory
    client: httpx.AsyncClient
    tenants: list[NewTenant] = field(default_factory=list)

    async def tenant(self) -> NewTenant:
        """Add a tenant with its owner's token."""
        n = next(_numbers)
        made = await self.deps.access.add_tenant(f"tenant-{n}", f"Tenant {n}", f"owner{n}@example.co.ke")
        self.tenants.append(made)
        return made

    async def staff(self, tenant: NewTenant, role: Role) -> str:
        """Add a staff member and return a token of his."""
        email = f"{role}{next(_numbers)}@example.co.ke"
        await self.deps.access.add_staff(tenant.tenant_id, None, email, role, role)
        return await self.deps.access.add_token(tenant.tenant_id, email, "test")

    async def call(
        self, token: str | None, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        """Send one request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.request(method, path, json=body, headers=headers)

    async def made(self, token: str, path: str, body: Any = None) -> dict[str, Any]:
        """POST something that must succeed."""
        answer = await self.call(token, "POST", path, body, key=new_id().hex)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def running_api(
    database: Database,
    database_url: str,
    folder: Path,
    *,
    rail: HookRail | None = None,
    settings: ApiSettings | None = None,
    **changes: Any,
) -> AsyncIterator[ApiUnderTest]:
    """Put the application together as `cloud.main` does, without its loops."""
    clock, box = SystemClock(), SecretBox([b"k" * 32])
    audit = Audit(clock, new_id)
    writer, drain_writer = InboxWriter(database_url), InboxWriter(database_url)
    spool = Spool(folder / "spool", lambda: new_id().hex)
    inbox = Inbox(writer, drain_writer, spool, clock)
    directory = HookDirectory(database, clock)
    rails = {"mpesa": rail or MpesaWebhooks()}
    deps = ApiDeps(
        database=database,
        secrets=box,
        clock=clock,
        new_id=new_id,
        access=Access(database, clock, new_id, new_secret_hex, audit),
        audit=audit,
        idempotency=Idempotency(database, clock),
        webhooks=Webhooks(directory, inbox, rails, clock, AccountFinder(database)),
        shortcodes=Shortcodes(audit, new_secret_hex),
        create_claim=fake_create_claim,
        revoke_agent=fake_revoke_agent,
        settings=settings or ApiSettings(ca_pin="sha256:" + "0" * 64),
    )
    app = create_app(replace(deps, **changes))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://mnara") as client:
        yield ApiUnderTest(app, deps, database, inbox, spool, directory, client)
    await writer.close()
    await drain_writer.close()


def path_of(url: str) -> str:
    """Return a webhook URL's path."""
    return httpx.URL(url).path


def confirmation(receipt: str, amount: str = "1500.00", **changes: Any) -> dict[str, Any]:
    """Compose a C2B confirmation with a hashed number."""
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": datetime.now(UTC).astimezone().strftime("%Y%m%d%H%M%S"),
        "TransAmount": amount,
        "BusinessShortCode": "600638",
        "BillRefNumber": "100014",
        "InvoiceNumber": "",
        "OrgAccountBalance": "49197.00",
        "ThirdPartyTransID": "",
        "MSISDN": hashlib.sha256(b"254712345678").hexdigest(),
        "FirstName": "JOHN",
    }
    return body | changes


def raw(body: dict[str, Any]) -> bytes:
    """Return a body as bytes."""
    return json.dumps(body).encode()
