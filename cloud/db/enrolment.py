"""Claims, agents and signing keys: what enrolment and revocation read and write."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim, locked for whoever uses it."""

    id: UUID
    tenant_id: UUID
    site_id: UUID
    site_name: str
    tenant_active: bool
    bound_key: bytes | None
    agent_id: UUID | None
    attempts: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SigningKeyRow:
    """A tenant's key; `private_sealed` is opened with the cloud's secret key."""

    kid: str
    role: str
    public: bytes
    private_sealed: bytes | None
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class AgentAudit:
    """One line of the audit about an agent."""

    id: UUID
    action: str
    agent: str
    reason: str
    now: datetime
    staff_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewAgent:
    """What is stored of an agent when it enrols."""

    id: UUID
    name: str
    installation: str
    shard: int
    signing_key: bytes
    sealing_key: bytes
    certificate_pem: str
    certificate_serial: str
    certificate_until: datetime


_ADD_CLAIM = text(
    """
    insert into claim (tenant_id, id, site_id, code_sha256, created_at, expires_at)
    values (:tenant_id, :id, :site_id, :code_sha256, :now, :expires_at)
    """
)
_LOCK_CLAIM = text(
    """
    select c.id, c.tenant_id, c.site_id, s.name as site_name, t.state = 'active' as tenant_active, c.bound_key,
           c.agent_id, c.attempts, c.expires_at
    from claim c
    join tenant t on t.id = c.tenant_id
    join site s on s.tenant_id = c.tenant_id and s.id = c.site_id
    where c.code_sha256 = :code_sha256
    for update of c
    """
)
_COUNT_ATTEMPT = text("update claim set attempts = attempts + 1 where tenant_id = :tenant_id and id = :id")
_BIND_CLAIM = text(
    """
    update claim set bound_key = :key, agent_id = :agent_id, used_at = :now where tenant_id = :tenant_id and id = :id
    """
)
_ADD_AGENT = text(
    """
    insert into agent (tenant_id, id, name, site_id, installation, shard, signing_key, sealing_key, certificate_pem,
                       certificate_serial, certificate_until, enrolled_at)
    values (:tenant_id, :id, :name, :site_id, :installation, :shard, :signing_key, :sealing_key, :certificate_pem,
            :certificate_serial, :certificate_until, :now)
    """
)
_REVOKE = """
update agent set state = 'revoked', revoked_at = :now, revoked_reason = :reason, connection = null
where tenant_id = :tenant_id and state = 'active' and {which}
returning name
"""
_REVOKE_ONE = text(_REVOKE.format(which="id = :id"))
_REVOKE_SITES = text(_REVOKE.format(which="site_id = :site_id"))

_LIST_KEYS = text(
    """
    select kid, role, public, private_sealed, not_before, not_after
    from signing_key where tenant_id = :tenant_id order by not_before, kid
    """
)
_ADD_KEY = text(
    """
    insert into signing_key (tenant_id, kid, role, public, private_sealed, not_before, not_after)
    values (:tenant_id, :kid, :role, :public, :private_sealed, :not_before, :not_after)
    """
)
# Not `for update`: every insert that names the tenant holds its key against that, and two first enrolments that each
# wait for the other's insert are a deadlock.
_LOCK_TENANT = text("select id from tenant where id = :tenant_id for no key update")
_NEWEST_LIST = text("select version, frame from key_list where tenant_id = :tenant_id order by version desc limit 1")
_ADD_LIST = text(
    "insert into key_list (tenant_id, version, frame, signed_at) values (:tenant_id, :version, :frame, :now)"
)
_AUDIT = text(
    """
    insert into audit (tenant_id, id, staff_id, action, object_kind, object_id, reason, at)
    values (:tenant_id, :id, :staff_id, :action, 'agent', :agent, :reason, :now)
    """
)


async def add_claim(connection: AsyncConnection, **values: Any) -> None:
    """Store a claim: tenant_id, id, site_id, code_sha256, now, expires_at."""
    await connection.execute(_ADD_CLAIM, values)


async def lock_claim(connection: AsyncConnection, code_sha256: bytes) -> ClaimRow | None:
    """Find a claim by its code's hash and hold it until the transaction ends."""
    row = (await connection.execute(_LOCK_CLAIM, {"code_sha256": code_sha256})).one_or_none()
    return ClaimRow(**row._asdict()) if row else None


async def count_attempt(connection: AsyncConnection, claim: ClaimRow) -> None:
    """Count a use of the claim by somebody else than its first user."""
    await connection.execute(_COUNT_ATTEMPT, {"tenant_id": claim.tenant_id, "id": claim.id})


async def bind_claim(connection: AsyncConnection, claim: ClaimRow, key: bytes, agent_id: UUID, now: datetime) -> None:
    """Tie the claim to its first user."""
    given = {"tenant_id": claim.tenant_id, "id": claim.id, "key": key, "agent_id": agent_id, "now": now}
    await connection.execute(_BIND_CLAIM, given)


async def add_agent(
    connection: AsyncConnection, tenant_id: UUID, site_id: UUID, agent: NewAgent, now: datetime
) -> None:
    """Store an agent, active."""
    values = {name: getattr(agent, name) for name in NewAgent.__slots__}
    await connection.execute(_ADD_AGENT, values | {"tenant_id": tenant_id, "site_id": site_id, "now": now})


async def revoke_one(
    connection: AsyncConnection, tenant_id: UUID, agent_id: UUID, reason: str, now: datetime
) -> str | None:
    """Revoke an agent and return its name; None if there is no active one."""
    given = {"tenant_id": tenant_id, "id": agent_id, "reason": reason, "now": now}
    name: str | None = (await connection.execute(_REVOKE_ONE, given)).scalar_one_or_none()
    return name


async def revoke_of_site(
    connection: AsyncConnection, tenant_id: UUID, site_id: UUID, reason: str, now: datetime
) -> str | None:
    """Revoke a site's active agent, if there is one, and return its name."""
    given = {"tenant_id": tenant_id, "site_id": site_id, "reason": reason, "now": now}
    name: str | None = (await connection.execute(_REVOKE_SITES, given)).scalar_one_or_none()
    return name


async def lock_tenant(connection: AsyncConnection, tenant_id: UUID) -> None:
    """Hold the tenant's row, so that two transactions do not both make its keys."""
    await connection.execute(_LOCK_TENANT, {"tenant_id": tenant_id})


async def list_signing_keys(connection: AsyncConnection, tenant_id: UUID) -> list[SigningKeyRow]:
    """List a tenant's keys, oldest first."""
    rows = await connection.execute(_LIST_KEYS, {"tenant_id": tenant_id})
    return [SigningKeyRow(**row._asdict()) for row in rows]


async def add_signing_key(connection: AsyncConnection, tenant_id: UUID, key: SigningKeyRow) -> None:
    """Store a key."""
    values = {name: getattr(key, name) for name in SigningKeyRow.__slots__}
    await connection.execute(_ADD_KEY, values | {"tenant_id": tenant_id})


async def find_key_list(connection: AsyncConnection, tenant_id: UUID) -> tuple[int, bytes] | None:
    """Find the newest key list: (version, frame)."""
    row = (await connection.execute(_NEWEST_LIST, {"tenant_id": tenant_id})).one_or_none()
    return (row.version, row.frame) if row else None


async def add_key_list(connection: AsyncConnection, tenant_id: UUID, version: int, frame: bytes, now: datetime) -> None:
    """Store a key list."""
    given = {"tenant_id": tenant_id, "version": version, "frame": frame, "now": now}
    await connection.execute(_ADD_LIST, given)


async def audit_agent(connection: AsyncConnection, tenant_id: UUID, line: AgentAudit) -> None:
    """Write down that an agent was enrolled or revoked."""
    values = {name: getattr(line, name) for name in AgentAudit.__slots__}
    await connection.execute(_AUDIT, values | {"tenant_id": tenant_id})
