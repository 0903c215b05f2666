"""Enrolment: a claim and proven keys become an agent of a site. The same request again gets the same answer."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from cloud import ids
from cloud.clock import micros
from cloud.db import enrolment as store
from cloud.db import fleet
from cloud.db.engine import Connection, Database
from cloud.db.enrolment import ClaimRow, NewAgent
from cloud.db.fleet import AgentRow
from cloud.db.notify import AGENTS
from cloud.db.secrets import SecretBox
from cloud.fleet import claims
from cloud.fleet.ca import Authority, CsrRefused, csr_matches
from cloud.fleet.keys import TenantKeys, ensure_keys
from protocol.enrolment import BrokerAddress, EnrolAnswer, EnrolRequest, check_proof
from protocol.errors import ProtocolError
from protocol.signing import from_text, to_text
from protocol.topics import SHARDS

_ATTEMPTS_MAX = 20
"""Uses of a claim by other keys than its first user's, before it answers nobody but him."""

RenderSite = Callable[[Connection, UUID, UUID], Awaitable[object]]


class EnrolmentRefused(Exception):
    """An enrolment that changes nothing; the message says what is wrong and what to do."""

    code: ClassVar[str] = "enrolment-refused"


class ClaimUnknown(EnrolmentRefused):
    """No such claim, or mistyped: which of the two is not said."""

    code = "claim-unknown"


class ClaimExpired(EnrolmentRefused):
    """The claim was good once."""

    code = "claim-expired"


class ClaimTaken(EnrolmentRefused):
    """Another agent used the claim first."""

    code = "claim-taken"


class RequestUnproven(EnrolmentRefused):
    """The keys in the request do not prove themselves."""

    code = "request-unproven"


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim as it is shown once; only its hash is kept."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enroller:
    """Takes enrolments. `render_site` writes all rows of a site anew, sealed to its new agent, in the same
    transaction."""

    database: Database
    box: SecretBox
    authority: Authority
    broker: tuple[str, int]
    new_id: Callable[[], UUID]
    render_site: RenderSite

    async def enrol(self, request: EnrolRequest, now: datetime) -> EnrolAnswer:
        """Make the agent and answer with its certificate and what to trust, or raise EnrolmentRefused."""
        try:
            check_proof(request)
            sealing_key = from_text(request.sealing_key, 32)
            code_sha256 = claims.code_hash(request.claim)
        except claims.ClaimMistyped:
            raise ClaimUnknown(_UNKNOWN) from None
        except ProtocolError as error:
            raise RequestUnproven("The agent's keys do not prove themselves. Run `mnara-agent enrol` again.") from error
        async with self.database.worker() as connection:
            claim = await store.lock_claim(connection, code_sha256)
            agent = await self._agent_for(connection, claim, request, sealing_key, now)
            if claim is not None and not isinstance(agent, EnrolmentRefused):
                keys = await ensure_keys(connection, claim.tenant_id, self.box, now)
                return self._answer(claim, agent, keys, now)
        # Raised outside the transaction: a refusal must not undo the count of attempts.
        assert isinstance(agent, EnrolmentRefused)
        raise agent

    async def _agent_for(
        self,
        connection: Connection,
        claim: ClaimRow | None,
        request: EnrolRequest,
        sealing_key: bytes,
        now: datetime,
    ) -> AgentRow | EnrolmentRefused:
        if claim is None or not claim.tenant_active:
            return ClaimUnknown(_UNKNOWN)
        key = from_text(request.signing_key, 32)
        if claim.agent_id is not None:
            agent = await fleet.get_agent(connection, claim.tenant_id, claim.agent_id)
            return await self._again(connection, claim, agent, request, sealing_key)
        if claim.expires_at <= now:
            return ClaimExpired("This claim code has expired. Make a new one for the site in the console.")
        try:
            return await self._make(connection, claim, request, key, sealing_key, now)
        except CsrRefused as error:
            return RequestUnproven(f"The certificate request is refused: {error}. Run `mnara-agent enrol` again.")

    async def _again(
        self, connection: Connection, claim: ClaimRow, agent: AgentRow, request: EnrolRequest, sealing_key: bytes
    ) -> AgentRow | EnrolmentRefused:
        """Answer a repeated request, whose answer was lost on the way; anybody else's keys are refused."""
        same = (
            from_text(request.signing_key, 32) == claim.bound_key
            and sealing_key == agent.sealing_key
            and csr_matches(request.csr_pem, agent.certificate_pem)
        )
        if not same or claim.attempts >= _ATTEMPTS_MAX:
            await store.count_attempt(connection, claim)
            return ClaimTaken("Another agent has used this claim code. Make a new one for the site in the console.")
        if not agent.active:
            return ClaimTaken("This agent was revoked or replaced. Make a new claim code for the site in the console.")
        return agent

    async def _make(
        self,
        connection: Connection,
        claim: ClaimRow,
        request: EnrolRequest,
        key: bytes,
        sealing_key: bytes,
        now: datetime,
    ) -> AgentRow:
        """Replace the site's agent: the old one is out, the epoch grows, every row is sealed to the new one."""
        name = f"a-{self.new_id().hex[-20:]}"
        issued = self.authority.issue_agent(name, request.csr_pem, now)
        new = NewAgent(
            id=self.new_id(),
            name=name,
            installation=f"i-{self.new_id().hex[-20:]}",
            shard=shard_of(claim.site_id),
            signing_key=key,
            sealing_key=sealing_key,
            certificate_pem=issued.certificate_pem,
            certificate_serial=issued.serial,
            certificate_until=issued.until,
        )
        tenant_id, site_id = claim.tenant_id, claim.site_id
        old = await store.revoke_of_site(connection, tenant_id, site_id, "replaced by a new enrolment", now)
        await store.add_agent(connection, tenant_id, site_id, new, now)
        await store.bind_claim(connection, claim, key, new.id, now)
        await fleet.raise_epoch(connection, tenant_id, site_id, 0)
        await self.render_site(connection, tenant_id, site_id)
        reason = f"replaces {old}" if old else "first agent of the site"
        line = store.AgentAudit(self.new_id(), "agent.enrolled", name, reason, now)
        await store.audit_agent(connection, tenant_id, line)
        for changed in filter(None, (old, name)):
            await fleet.notify(connection, AGENTS, changed)
        return await fleet.get_agent(connection, tenant_id, new.id)

    def _answer(self, claim: ClaimRow, agent: AgentRow, keys: TenantKeys, now: datetime) -> EnrolAnswer:
        return EnrolAnswer(
            agent=agent.name,
            installation=agent.installation,
            tenant=str(claim.tenant_id),
            site=str(claim.site_id),
            site_name=claim.site_name,
            shard=agent.shard,
            certificate_pem=agent.certificate_pem,
            ca_pem=self.authority.agents.pem,
            root_key=to_text(keys.root_public),
            key_list=base64.b64encode(keys.key_list).decode(),
            broker=BrokerAddress(host=self.broker[0], port=self.broker[1]),
            now=micros(now),
        )


_UNKNOWN = "This claim code is not known. Check what was typed, or make a new one for the site in the console."


async def create_claim(
    connection: Connection,
    tenant_id: UUID,
    site_id: UUID,
    *,
    now: datetime,
    new_id: Callable[[], UUID],
    random_below: Callable[[int], int] = ids.random_below,
) -> NewClaim:
    """Make a claim for a site; the site must exist (the foreign key says so)."""
    code, expires_at = claims.new_code(random_below), now + claims.CLAIM_LIFE
    await store.add_claim(
        connection,
        tenant_id=tenant_id,
        id=new_id(),
        site_id=site_id,
        code_sha256=claims.code_hash(code),
        now=now,
        expires_at=expires_at,
    )
    return NewClaim(code, expires_at)


def shard_of(site_id: UUID) -> int:
    """Return the shard a site's agents get, for ever."""
    return hashlib.sha256(site_id.bytes).digest()[0] % SHARDS
