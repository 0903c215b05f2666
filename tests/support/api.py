"""The API as a client meets it: a real database behind it, fakes only for the fleet and the clock's hands."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from cloud.api.deps import ApiDeps
from cloud.clock import SystemClock
from cloud.db.engine import Connection, Database
from cloud.db.secrets import SecretBox
from cloud.ids import new_id, new_secret_hex, random_below
from cloud.jobs.poster import Poster
from cloud.payments.inbox import Inbox
from cloud.payments.mpesa.c2b import MpesaC2B
from cloud.payments.spool import Spool
from cloud.payments.webhooks import HookDirectory
from cloud.services.access import NewTenant
from cloud.services.roles import Role
from tests.support.assembly import assemble_api

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
    staff_id: UUID | None = None,
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
async def running_api(database: Database, database_url: str, folder: Path, **given: Any) -> AsyncIterator[ApiUnderTest]:
    """Put the application together as `cloud.main` does, without its loops; `given` goes to `assemble_api`."""
    parts = assemble_api(
        database,
        database_url,
        secrets=SecretBox([b"k" * 32]),
        new_id=new_id,
        new_secret_hex=new_secret_hex,
        spool_folder=folder / "spool",
        **({"clock": SystemClock(), "create_claim": fake_create_claim, "revoke_agent": fake_revoke_agent} | given),
    )
    transport = httpx.ASGITransport(parts.app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://mnara") as client:
        yield ApiUnderTest(parts.app, parts.deps, database, parts.inbox, parts.spool, parts.directory, client)
    await parts.close()


async def post_all(api: ApiUnderTest) -> None:
    """Let the poster take everything that waits in the inbox."""
    clock = SystemClock()
    given: dict[str, Any] = {"rails": {"mpesa": MpesaC2B()}, "secrets": api.deps.secrets, "clock": clock}
    poster = Poster(api.database, new_id=new_id, random_below=random_below, **given)
    while await poster.step():
        pass


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
