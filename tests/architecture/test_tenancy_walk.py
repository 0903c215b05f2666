"""Every route is walked with another tenant's ids: what belongs to another tenant does not exist.

The walk is generated from the application's routes; a route that it has no body for fails the test.
"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Database
from cloud.db.tables.fleet import agent
from cloud.ids import new_id
from tests.support.api import ApiUnderTest, confirmation, path_of, post_all, raw, running_api
from tests.support.routes import Served, list_served

CANARY = "CANARY-7f3a"
"""Stands in every text of the other tenant's rows; no answer to us may hold it."""

WITHOUT_TENANT = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    # Their token is the tenant: tests/integration/cloud/api/test_hooks.py.
    "POST /hooks/p/{token}/confirm",
    "POST /hooks/p/{token}/validate",
}
LISTS = {
    f"GET /v1/{noun}"
    for noun in (
        *("sites", "agents", "plans", "subscribers", "subscriptions", "shortcodes"),
        *("payments", "suspense", "callbacks", "books", "site-groups", "staff", "tokens", "audit"),
    )
}
MAKES_ITS_OWN = {f"POST /v1/{noun}" for noun in ("site-groups", "plans", "subscribers", "shortcodes", "staff")}
"""They name no id: what they make is the asking tenant's."""

Ids = dict[str, Any]


def _bodies(theirs: Ids, ours: Ids) -> dict[str, list[Any]]:
    """Give, for each route that takes ids, bodies in which one id at least is another tenant's."""
    new = {"username": "u", "password": "p"}
    terms = {"price_cents": 100, "duration_s": 3600, "up_bps": 10**6, "down_bps": 10**6}
    refs = ("subscriber_id", "plan_id", "site_id")
    mixed = [{name: (theirs if name == foreign else ours)[name] for name in refs} for foreign in refs]
    row = {"name": "x", "username": "u", "password": "p"}
    imports = [
        {"rows": [row | {"plan_id": one["plan_id"], "site_id": one["site_id"]}]}
        for one in mixed
        if one["subscriber_id"] == ours["subscriber_id"]
    ]
    cash = {"subscriber_id": theirs["subscriber_id"], "amount_cents": 100}
    return {
        "POST /v1/subscriptions": [one | new for one in mixed],
        "POST /v1/imports/subscribers": imports,
        "POST /v1/payments/cash": [cash],
        "POST /v1/plans/{plan_id}/versions": [terms],
        "POST /v1/suspense/{payment_id}/assign": [{"subscriber_id": ours["subscriber_id"], "reason": "r"}],
        "POST /v1/callbacks/{callback_id}/release": [{"reason": "r"}],
        "POST /v1/agents/{agent_id}/revoke": [{"reason": "r"}],
        "POST /v1/sites": [{"name": "x", "pool": "100.65.0.0/24", "group_id": theirs["group_id"]}],
        "POST /v1/sites/{site_id}/claims": [None],
        "POST /v1/sites/{site_id}/routers": [{"name": "x"}],
        "POST /v1/staff/{staff_id}/deactivate": [None],
        "POST /v1/tokens": [{"staff_id": theirs["staff_id"], "name": "x"}],
        "POST /v1/tokens/{token_id}/revoke": [None],
        "POST /v1/subscriptions/{subscription_id}/pause": [None],
        "POST /v1/subscriptions/{subscription_id}/resume": [None],
        "POST /v1/subscriptions/{subscription_id}/terminate": [None],
    }


@pytest_asyncio.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[ApiUnderTest]:
    async with running_api(database, database_url, tmp_path) as running:
        yield running


async def _furnish(api: ApiUnderTest, shortcode: str, mark: str) -> Ids:
    """Give a new tenant one of everything."""
    owner = await api.tenant()
    token = owner.token
    group = await api.made(token, "/v1/site-groups", {"name": f"group {mark}"})
    asked = {"name": f"site {mark}", "pool": "100.64.0.0/24", "group_id": group["id"]}
    site = await api.made(token, "/v1/sites", asked)
    await api.made(token, f"/v1/sites/{site['id']}/routers", {"name": f"router {mark}"})
    person = {"email": f"{mark}@example.co.ke", "name": mark, "role": "support"}
    member = await api.made(token, "/v1/staff", person)
    made = await api.made(token, "/v1/tokens", {"staff_id": member["id"], "name": mark})
    terms = {"price_cents": 100, "duration_s": 3600, "up_bps": 10**6, "down_bps": 10**6}
    plan = await api.made(token, "/v1/plans", {"name": f"plan {mark}", **terms})
    who = await api.made(token, "/v1/subscribers", {"name": f"subscriber {mark}"})
    asked = {"subscriber_id": who["id"], "plan_id": plan["id"], "site_id": site["id"]}
    subscription = await api.made(token, "/v1/subscriptions", {**asked, "username": f"u-{mark}", "password": "p"})
    hook = await api.made(token, "/v1/shortcodes", {"shortcode": shortcode})
    for receipt, said in (("SUSPENDED1", shortcode), ("QUARANTINE", "1")):
        body = confirmation(receipt, BusinessShortCode=said, BillRefNumber=mark, FirstName=mark)
        await api.client.post(path_of(hook["confirmation_url"]), content=raw(body))
    await post_all(api)
    [suspended] = (await api.call(token, "GET", "/v1/suspense")).json()["items"]
    [waiting] = (await api.call(token, "GET", "/v1/callbacks?state=quarantined")).json()["items"]
    return {
        "token": token,
        "group_id": group["id"],
        "site_id": site["id"],
        "staff_id": member["id"],
        "token_id": made["id"],
        "plan_id": plan["id"],
        "subscriber_id": who["id"],
        "subscription_id": subscription["id"],
        "payment_id": suspended["payment_id"],
        "callback_id": waiting["id"],
        "agent_id": await _enrol(api, owner.tenant_id, site["id"], mark),
    }


async def _enrol(api: ApiUnderTest, tenant_id: Any, site_id: str, mark: str) -> str:
    """Write an agent as enrolment would; the keys are nobody's."""
    id_, now = new_id(), datetime.now(UTC)
    row = {"tenant_id": tenant_id, "id": id_, "name": f"agent-{id_.hex}", "site_id": site_id, "installation": "i"}
    row |= {"shard": 1, "certificate_pem": mark, "certificate_serial": id_.hex, "enrolled_at": now}
    row |= {"signing_key": b"k", "sealing_key": b"k", "certificate_until": now + timedelta(days=90)}
    async with api.database.tenant(tenant_id) as connection:
        await run_all(connection, insert_rows(agent, [row]))
    return str(id_)


def _name(served: Served) -> str:
    return f"{served.method} {served.path}"


async def test_no_route_shows_or_touches_what_belongs_to_another_tenant(api: ApiUnderTest) -> None:
    theirs, ours = await _furnish(api, "600638", CANARY), await _furnish(api, "600639", "ours")
    bodies = _bodies(theirs, ours)
    walked = set()
    for served in list_served(api.app):
        name = _name(served)
        if name in WITHOUT_TENANT | MAKES_ITS_OWN:
            continue
        path = re.sub(r"\{(\w+)\}", lambda found: str(theirs[found[1]]), served.path)
        if name in LISTS:
            answer = await api.call(ours["token"], "GET", path)
            assert (answer.status_code, CANARY in answer.text) == (200, False), name
            continue
        assert served.method == "GET" or name in bodies, f"{name}: give this route its bodies in _bodies"
        for body in bodies.get(name, [None]):
            answer = await api.call(ours["token"], served.method, path, body, key=new_id().hex)
            assert (answer.status_code, answer.json().get("code")) == (404, "not-found"), (name, body, answer.text)
            assert CANARY not in answer.text
        walked.add(name)
    assert walked >= set(bodies), "a route named here is not served any more"


async def test_lists_narrowed_by_another_tenants_ids_are_empty(api: ApiUnderTest) -> None:
    theirs, ours = await _furnish(api, "600638", CANARY), await _furnish(api, "600639", "ours")
    for path in (
        f"/v1/subscriptions?subscriber_id={theirs['subscriber_id']}",
        f"/v1/subscriptions?site_id={theirs['site_id']}",
        f"/v1/payments?subscriber_id={theirs['subscriber_id']}",
        f"/v1/tokens?staff_id={theirs['staff_id']}",
        f"/v1/audit?object_kind=staff&object_id={theirs['staff_id']}",
    ):
        assert (await api.call(ours["token"], "GET", path)).json()["items"] == []


async def test_everything_that_belongs_to_a_tenant_is_there_for_it(api: ApiUnderTest) -> None:
    """The walk proves nothing if the rows were never made: with the right token, every id is found."""
    theirs = await _furnish(api, "600638", CANARY)
    for path in (
        *(f"/v1/sites/{theirs['site_id']}", f"/v1/plans/{theirs['plan_id']}", f"/v1/agents/{theirs['agent_id']}"),
        *(f"/v1/subscribers/{theirs['subscriber_id']}", f"/v1/subscribers/{theirs['subscriber_id']}/timeline"),
        *(f"/v1/subscriptions/{theirs['subscription_id']}", f"/v1/payments/{theirs['payment_id']}"),
        f"/v1/sites/{theirs['site_id']}/routers",
    ):
        answer = await api.call(theirs["token"], "GET", path)
        assert answer.status_code == 200, answer.text
    for noun in ("site-groups", "staff", "tokens", "audit", f"sites/{theirs['site_id']}/routers"):
        assert CANARY in (await api.call(theirs["token"], "GET", f"/v1/{noun}")).text, noun
