"""What the routes work with, given to `create_app` once and found again on the application's state."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request

from cloud.db.engine import Connection, Database
from cloud.db.secrets import SecretBox
from cloud.payments.webhooks import Webhooks
from cloud.ports import Clock
from cloud.services.access import Access
from cloud.services.idempotency import Idempotency
from cloud.services.shortcodes import Shortcodes


class IssuedClaim(Protocol):
    """A claim code as it is shown once."""

    @property
    def code(self) -> str:
        """Return what the installer types."""
        ...

    @property
    def expires_at(self) -> datetime:
        """Return when it stops working."""
        ...


class CreateClaim(Protocol):
    """Makes a claim for a site, as `cloud.fleet.enrolment.create_claim` does."""

    async def __call__(
        self, connection: Connection, tenant_id: UUID, site_id: UUID, *, now: datetime, new_id: Callable[[], UUID]
    ) -> IssuedClaim:
        """Store a new claim and return it."""
        ...


class RevokeAgent(Protocol):
    """Revokes an agent, as `cloud.fleet.revocation.revoke_agent` does."""

    async def __call__(
        self,
        connection: Connection,
        tenant_id: UUID,
        agent_id: UUID,
        *,
        reason: str,
        now: datetime,
        new_id: Callable[[], UUID],
        staff_id: UUID | None = None,
    ) -> str | None:
        """Revoke the agent and return its name; None if the tenant has no active one of this id."""
        ...


Check = Callable[[], Awaitable[bool]]
"""Tells whether one thing that the service needs is there: answers within a second, never raises."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the API is told from outside."""

    public_url: str = "http://127.0.0.1:8080"
    """Under which the rails and the staff reach us, without a slash at its end."""
    enrol_url: str = "https://127.0.0.1:8443"
    ca_pin: str = ""
    trusted_proxies: tuple[str, ...] = ()
    version: str = "0.1.0"


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """All of it."""

    database: Database
    secrets: SecretBox
    clock: Clock
    new_id: Callable[[], UUID]
    access: Access
    idempotency: Idempotency
    webhooks: Webhooks
    shortcodes: Shortcodes
    create_claim: CreateClaim
    revoke_agent: RevokeAgent
    settings: ApiSettings = field(default_factory=ApiSettings)
    ready: Mapping[str, Check] = field(default_factory=dict)


def get_deps(request: Request) -> ApiDeps:
    """Return what `create_app` was given."""
    deps: ApiDeps = request.app.state.deps
    return deps


Deps = Annotated[ApiDeps, Depends(get_deps)]
