"""Staff, their tokens and the audit, as owners and auditors meet them at the API."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from cloud.ids import new_id
from cloud.services.roles import Role
from tests.support.api import ApiUnderTest

AMINA = {"email": "Amina@Example.co.ke ", "name": "Amina", "role": "support"}


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def listed(api: ApiUnderTest, token: str, path: str) -> list[Any]:
    found: list[Any] = (await api.call(token, "GET", path)).json()["items"]
    return found


async def test_a_member_works_with_the_token_that_an_owner_made_and_within_its_scopes(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    amina = await api.made(owner, "/v1/staff", AMINA)
    assert (amina["email"], amina["role"], amina["active"]) == ("amina@example.co.ke", "support", True)
    made = await api.made(owner, "/v1/tokens", {"staff_id": amina["id"], "name": "till", "scopes": ["plans:read"]})
    assert (await api.call(made["token"], "GET", "/v1/plans")).status_code == 200
    assert refused(await api.call(made["token"], "GET", "/v1/subscribers")) == (403, "forbidden")
    assert refused(await api.call(owner, "POST", "/v1/staff", AMINA)) == (409, "already-exists")
    assert refused(await api.call(owner, "POST", "/v1/staff", AMINA | {"role": "king"})) == (422, "malformed-request")
    assert refused(await api.call(owner, "POST", "/v1/staff", AMINA | {"email": "amina"})) == (422, "invalid")


async def test_a_token_is_shown_once_and_never_kept(api: ApiUnderTest, database_url: str) -> None:
    owner = await api.tenant()
    key, asked = new_id().hex, {"staff_id": str(owner.staff_id), "name": "till"}
    one = await api.call(owner.token, "POST", "/v1/tokens", asked, key=key)
    other = await api.call(owner.token, "POST", "/v1/tokens", asked, key=key)
    assert one.json()["token"] != other.json()["token"], "an answer that holds a secret is not kept for its key"
    secret = one.json()["token"].split("_")[2]
    for path in ("/v1/tokens", f"/v1/tokens?staff_id={owner.staff_id}", "/v1/audit"):
        assert secret not in (await api.call(owner.token, "GET", path)).text
    assert [item["name"] for item in await listed(api, owner.token, "/v1/tokens")] == ["first", "till", "till"]
    async with api.database.tenant(owner.tenant_id) as connection:
        kept = await connection.exec_driver_sql("select count(*) from idempotency")
        assert kept.scalar() == 0


async def test_a_token_holds_no_more_than_its_owners_role_and_the_token_that_asked(api: ApiUnderTest) -> None:
    owner = await api.tenant()
    amina = await api.made(owner.token, "/v1/staff", AMINA)
    mine = {"staff_id": str(owner.staff_id), "name": "x"}

    async def asked(token: str, body: dict[str, Any]) -> tuple[int, str]:
        return refused(await api.call(token, "POST", "/v1/tokens", body))

    books = {"staff_id": amina["id"], "name": "x", "scopes": ["books:read"]}
    assert await asked(owner.token, books) == (422, "invalid")
    assert await asked(owner.token, mine | {"scopes": ["everything"]}) == (422, "invalid")
    assert await asked(owner.token, mine | {"scopes": []}) == (422, "malformed-request")
    assert await asked(owner.token, mine | {"staff_id": str(new_id())}) == (404, "not-found")
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert await asked(owner.token, mine | {"expires_at": past}) == (422, "invalid")
    narrow = await api.made(owner.token, "/v1/tokens", mine | {"scopes": ["staff:write", "plans:read"]})
    assert await asked(narrow["token"], mine) == (403, "forbidden")
    assert await asked(narrow["token"], mine | {"scopes": ["books:read"]}) == (403, "forbidden")
    again = await api.call(narrow["token"], "POST", "/v1/tokens", mine | {"scopes": ["plans:read"]})
    assert again.status_code == 201


async def test_a_token_is_revoked_once(api: ApiUnderTest) -> None:
    owner = await api.tenant()
    made = await api.made(owner.token, "/v1/tokens", {"staff_id": str(owner.staff_id), "name": "till"})
    revoked = await api.made(owner.token, f"/v1/tokens/{made['id']}/revoke")
    assert (revoked["id"], revoked["revoked_at"] is None) == (made["id"], False)
    assert refused(await api.call(made["token"], "GET", "/v1/plans")) == (401, "unauthenticated")
    again = await api.call(owner.token, "POST", f"/v1/tokens/{made['id']}/revoke")
    assert refused(again) == (409, "wrong-state")


async def test_who_is_deactivated_is_refused_at_once_and_gets_no_new_token(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    amina = await api.made(owner, "/v1/staff", AMINA)
    made = await api.made(owner, "/v1/tokens", {"staff_id": amina["id"], "name": "till"})
    assert (await api.call(made["token"], "GET", "/v1/plans")).status_code == 200
    assert (await api.made(owner, f"/v1/staff/{amina['id']}/deactivate"))["active"] is False
    assert refused(await api.call(made["token"], "GET", "/v1/plans")) == (401, "unauthenticated")
    [token] = await listed(api, owner, f"/v1/tokens?staff_id={amina['id']}")
    assert token["revoked_at"] is not None
    again = await api.call(owner, "POST", "/v1/tokens", {"staff_id": amina["id"], "name": "till"})
    assert refused(again) == (409, "wrong-state")
    twice = await api.call(owner, "POST", f"/v1/staff/{amina['id']}/deactivate")
    assert refused(twice) == (409, "wrong-state")


async def test_the_last_active_owner_stays_even_when_two_deactivate_each_other_at_once(api: ApiUnderTest) -> None:
    first = await api.tenant()
    alone = await api.call(first.token, "POST", f"/v1/staff/{first.staff_id}/deactivate")
    assert refused(alone) == (409, "wrong-state")
    second = await api.made(first.token, "/v1/staff", AMINA | {"role": "owner"})
    token = (await api.made(first.token, "/v1/tokens", {"staff_id": second["id"], "name": "x"}))["token"]
    answers = await asyncio.gather(
        api.call(first.token, "POST", f"/v1/staff/{second['id']}/deactivate"),
        api.call(token, "POST", f"/v1/staff/{first.staff_id}/deactivate"),
    )
    assert min(answer.status_code for answer in answers) == 200
    async with api.database.tenant(first.tenant_id) as connection:
        left = await connection.exec_driver_sql("select count(*) from staff where role = 'owner' and active")
        assert left.scalar() == 1


async def test_the_audit_is_paged_newest_first_and_narrowed_to_one_object(api: ApiUnderTest) -> None:
    tenant = await api.tenant()
    auditor = await api.staff(tenant, Role.AUDITOR)
    amina = await api.made(tenant.token, "/v1/staff", AMINA)
    await api.made(tenant.token, f"/v1/staff/{amina['id']}/deactivate")
    everything = await listed(api, auditor, "/v1/audit")
    assert everything == sorted(everything, key=lambda item: (item["at"], item["id"]), reverse=True)
    assert {item["action"] for item in everything} == {"staff.add", "token.add", "staff.deactivate"}
    seen, cursor = [], ""
    while cursor is not None:
        page = (await api.call(auditor, "GET", f"/v1/audit?limit=2&cursor={cursor}")).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == everything
    about = await listed(api, auditor, f"/v1/audit?object_kind=staff&object_id={amina['id']}")
    assert [item["action"] for item in about] == ["staff.deactivate", "staff.add"]
    assert (about[0]["staff_id"], about[0]["before"]["active"]) == (str(tenant.staff_id), True)
    support = await api.staff(tenant, Role.SUPPORT)
    assert refused(await api.call(support, "GET", "/v1/audit")) == (403, "forbidden")


async def test_a_claim_is_written_down_with_who_made_it(api: ApiUnderTest) -> None:
    tenant = await api.tenant()
    site = await api.made(tenant.token, "/v1/sites", {"name": "Kisumu 1", "pool": "100.64.0.0/22"})
    await api.made(tenant.token, f"/v1/sites/{site['id']}/claims")
    about = await listed(api, tenant.token, f"/v1/audit?object_kind=site&object_id={site['id']}")
    assert [(item["action"], item["staff_id"]) for item in about] == [
        ("site.claim", str(tenant.staff_id)),
        ("site.add", str(tenant.staff_id)),
    ]


async def test_sites_join_groups_and_have_routers(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    group = await api.made(owner, "/v1/site-groups", {"name": "Kilifi county"})
    assert refused(await api.call(owner, "POST", "/v1/site-groups", {"name": "Kilifi county"})) == (
        409,
        "already-exists",
    )
    assert await listed(api, owner, "/v1/site-groups") == [group]
    sites = [
        await api.made(owner, "/v1/sites", {"name": name, "pool": "100.64.0.0/24", "group_id": group["id"]})
        for name in ("Kilifi North", "Kilifi South")
    ]
    assert [site["group_id"] for site in sites] == [group["id"]] * 2
    doors = [f"/v1/sites/{site['id']}/routers" for site in sites]
    router = await api.made(owner, doors[0], {"name": "north-1", "model": "RB5009UG+S+"})
    assert (router["site_id"], router["model"]) == (sites[0]["id"], "RB5009UG+S+")
    assert refused(await api.call(owner, "POST", doors[0], {"name": "north-1"})) == (409, "already-exists")
    await api.made(owner, doors[1], {"name": "north-1"})
    assert await listed(api, owner, doors[0]) == [router]
    nowhere = f"/v1/sites/{new_id()}/routers"
    assert refused(await api.call(owner, "POST", nowhere, {"name": "x"})) == (404, "not-found")
    assert refused(await api.call(owner, "GET", nowhere)) == (404, "not-found")
    kinds = {item["object_kind"] for item in await listed(api, owner, "/v1/audit")}
    assert {"site", "site_group", "router"} <= kinds
