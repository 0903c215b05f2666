"""Enrolment: one claim, one agent; the same request again gets the same answer; a new agent replaces the old one."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import text

from cloud import ids
from cloud.api.enrol_door import create_enrol_door
from cloud.db.engine import Connection, Database
from cloud.fleet.ca import Authority
from cloud.fleet.enrolment import (
    ClaimExpired,
    ClaimTaken,
    ClaimUnknown,
    Enroller,
    RequestUnproven,
    create_claim,
)
from cloud.services.act import Act
from cloud.services.desired import render_site
from cloud.services.sites import add_site
from protocol import sealing
from protocol.enrolment import EnrolAnswer
from protocol.entitlement import parse_row
from protocol.keylist import open_key_list
from protocol.signing import Verifier, from_text
from tests.support.broker import CLOCK, AgentKeys, now
from tests.support.world import World, make_world


@dataclass
class Office:
    """An enroller, a tenant with a site, and claims for it."""

    world: World
    enroller: Enroller

    async def claim(self, days_ago: int = 0) -> str:
        async with self.world.database.tenant(self.world.tenant_id) as connection:
            at = now() - timedelta(days=days_ago)
            made = await create_claim(connection, self.world.tenant_id, self.world.site.id, now=at, new_id=ids.new_id)
        return made.code

    async def enrol(self, keys: AgentKeys, claim: str) -> EnrolAnswer:
        return await self.enroller.enrol(keys.request(claim), now())

    async def scalar(self, query: str) -> Any:
        return await self.world.scalar(query)


@pytest_asyncio.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    world = await make_world(database, with_agent=False)

    async def render(connection: Connection, tenant_id: Any, site_id: Any) -> int:
        return await render_site(connection, Act(now(), ids.new_id, world.act.secrets), tenant_id, site_id)

    authority = Authority.create(now())
    yield Office(world, Enroller(database, world.act.secrets, authority, ("127.0.0.1", 8883), ids.new_id, render))


async def test_a_claim_makes_an_agent_whose_name_we_chose(office: Office) -> None:
    keys = AgentKeys()
    answer = await office.enroller.enrol(keys.request(await office.claim(), common_name="cloud-1"), now())
    certificate = x509.load_pem_x509_certificate(answer.certificate_pem.encode())
    [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == answer.agent
    assert answer.agent.startswith("a-")
    assert len(certificate.subject.rdns) == 1
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    root = Verifier(from_text(answer.root_key, 32))
    listed = open_key_list(base64.b64decode(answer.key_list), root=root, tenant=answer.tenant)
    assert listed.version == 1
    assert await office.scalar("select count(*) from claim where code_sha256 is not null and agent_id is not null") == 1


async def test_the_same_request_again_gets_the_same_agent(office: Office) -> None:
    keys, claim = AgentKeys(), await office.claim()
    first = await office.enrol(keys, claim)
    again = await office.enrol(keys, claim.lower().replace("-", " "))
    assert again.model_copy(update={"now": first.now}) == first
    assert await office.scalar("select count(*) from agent") == 1


async def test_the_same_request_twice_at_once_makes_one_agent(office: Office) -> None:
    keys, claim = AgentKeys(), await office.claim()
    one, two = await asyncio.gather(office.enrol(keys, claim), office.enrol(keys, claim))
    assert one.agent == two.agent
    assert await office.scalar("select count(*) from agent") == 1


async def test_a_tenants_first_agents_may_come_all_at_once(office: Office) -> None:
    """Ten installers on one morning: the tenant's keys are made once, and nobody waits for another in a circle."""
    world = office.world
    claims = []
    async with world.database.tenant(world.tenant_id) as connection:
        for number in range(10):
            site = await add_site(connection, world.act, world.tenant_id, name=f"T{number}", pool=f"10.{number}.0.0/24")
            made = await create_claim(connection, world.tenant_id, site.id, now=now(), new_id=ids.new_id)
            claims.append(made.code)
    answers = await asyncio.gather(*(office.enrol(AgentKeys(), claim) for claim in claims))
    assert len({answer.agent for answer in answers}) == 10
    assert len({answer.root_key for answer in answers}) == 1
    assert await office.scalar("select count(distinct kid) from signing_key where role = 'root'") == 1


async def test_other_keys_do_not_get_a_used_claim(office: Office) -> None:
    claim = await office.claim()
    owner = AgentKeys()
    await office.enrol(owner, claim)
    with pytest.raises(ClaimTaken):
        await office.enrol(AgentKeys(), claim)
    half = AgentKeys()
    half.signer = owner.signer
    with pytest.raises(ClaimTaken):
        await office.enrol(half, claim)
    assert await office.scalar("select attempts from claim") == 2


async def test_an_expired_claim_says_so_and_a_used_one_still_answers_its_agent(office: Office) -> None:
    with pytest.raises(ClaimExpired):
        await office.enrol(AgentKeys(), await office.claim(days_ago=14))


async def test_wrong_and_mistyped_claims_are_unknown(office: Office) -> None:
    for wrong in ("0000-0000-00A", "AAAAAAAAAAA", "xxxxxxxxxxxxxxxx"):
        with pytest.raises(ClaimUnknown):
            await office.enrol(AgentKeys(), wrong)


async def test_keys_that_are_not_proven_are_refused(office: Office) -> None:
    claim = await office.claim()
    honest, thief = AgentKeys().request(claim), AgentKeys().request(claim)
    for forged in (
        honest.model_copy(update={"signing_key": thief.signing_key}),
        honest.model_copy(update={"csr_pem": thief.csr_pem}),
        honest.model_copy(update={"sealing_key": thief.sealing_key}),
    ):
        with pytest.raises(RequestUnproven):
            await office.enroller.enrol(forged, now())
    assert await office.scalar("select count(*) from agent") == 0


async def test_a_new_agent_replaces_the_old_and_gets_the_rows_sealed_to_itself(office: Office) -> None:
    old_keys, new_keys = AgentKeys(), AgentKeys()
    old = await office.enrol(old_keys, await office.claim())
    subscriber = await office.world.subscriber()
    await office.world.subscription(subscriber.id, valid_until=now() + timedelta(days=1))
    epoch = await office.scalar("select epoch from site")
    used = await office.claim()
    new = await office.enrol(new_keys, used)
    assert new.installation != old.installation
    assert await office.scalar(f"select state from agent where name = '{old.agent}'") == "revoked"
    assert await office.scalar("select epoch from site") == epoch + 1
    row = parse_row(await office.scalar("select row from desired_row"))
    bound_to = sealing.context(new.agent, row.id)
    assert sealing.unseal(row.credential.sealed, private=new_keys.sealing, bound_to=bound_to) == "secret"
    with pytest.raises(ClaimTaken):
        await office.enrol(AgentKeys(), used)


async def test_the_door_says_what_is_wrong_in_problem_json(office: Office) -> None:
    door = create_enrol_door(office.enroller, CLOCK)
    transport = httpx.ASGITransport(app=door, client=("10.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://door") as client:
        assert (await client.get("/ca.pem")).text == office.enroller.authority.agents.pem
        keys, claim = AgentKeys(), await office.claim()
        body = keys.request(claim).model_dump(mode="json")
        assert (await client.post("/enrol", json=body)).status_code == 200
        taken = await client.post("/enrol", json=AgentKeys().request(claim).model_dump(mode="json"))
        assert (taken.status_code, taken.json()["code"]) == (409, "claim-taken")
        assert (await client.post("/enrol", json={"claim": 1})).status_code == 422
        assert (await client.post("/enrol", json={"claim": "x" * 100_000})).status_code == 413
        unknown = AgentKeys().request("0000-0000-000").model_dump(mode="json")
        answers = [(await client.post("/enrol", json=unknown)).status_code for _ in range(40)]
        assert answers[0] == 404
        assert answers[-1] == 429


async def test_a_suspended_tenants_claim_is_not_honoured(office: Office) -> None:
    claim = await office.claim()
    async with office.world.database.worker() as connection:
        await connection.execute(text("update tenant set state = 'suspended'"))
    with pytest.raises(ClaimUnknown):
        await office.enrol(AgentKeys(), claim)
