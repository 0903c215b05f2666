"""The API's manners: tokens, problems, pages, bounds, and requests that are sent twice."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from psycopg import connect

from cloud.api.deps import ApiSettings
from cloud.api.security import FAILURES_MAX
from cloud.db.engine import Database
from cloud.ids import new_id
from cloud.services.roles import Role
from tests.support.api import ApiUnderTest, confirmation, path_of, raw, running_api


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert len(body["detail"].split(". ")) >= 2, "what is wrong, and what to do"


TERMS = {"price_cents": 150_000, "duration_s": 2_592_000, "up_bps": 2_000_000, "down_bps": 5_000_000}


async def test_every_kind_of_refusal_is_a_problem_with_its_code(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    support = await api.staff(api.tenants[0], Role.SUPPORT)
    site = {"name": "Kilifi", "pool": "100.64.0.0/24"}
    await api.made(owner, "/v1/sites", site)
    nobody = f"/v1/sites/{new_id()}"
    assert_problem(await api.call(None, "GET", "/v1/sites"), 401, "unauthenticated")
    assert_problem(await api.call("mnt_x_y", "GET", "/v1/sites"), 401, "unauthenticated")
    assert_problem(await api.call(support, "POST", "/v1/sites", site), 403, "forbidden")
    assert_problem(await api.call(owner, "GET", nobody), 404, "not-found")
    assert_problem(await api.call(owner, "GET", "/v1/nothing"), 404, "not-found")
    assert_problem(await api.call(owner, "DELETE", "/v1/sites"), 405, "method-not-allowed")
    assert_problem(await api.call(owner, "POST", "/v1/sites", site), 409, "already-exists")
    assert_problem(await api.call(owner, "POST", "/v1/sites", {"name": "x", "pool": "x"}), 422, "invalid")
    assert_problem(await api.call(owner, "POST", "/v1/sites", {"name": "x"}), 422, "malformed-request")
    assert_problem(await api.call(owner, "POST", "/v1/sites", site | {"poool": 1}), 422, "malformed-request")
    assert_problem(await api.call(owner, "GET", "/v1/sites?cursor=x"), 422, "malformed-cursor")
    assert_problem(await api.call(owner, "GET", "/v1/sites/nonsense"), 422, "malformed-request")
    assert_problem(await api.call(owner, "GET", "/v1/sites?limit=0"), 422, "malformed-request")


async def test_a_body_that_is_no_json_is_refused(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    headers = {"Authorization": f"Bearer {owner}", "Content-Type": "application/json"}
    for body in (b"{", b"\xff", b'{"name": "\\ud800", "pool": "100.64.0.0/24"}', b'{"name": "a\\u0000b", "pool": "x"}'):
        answer = await api.client.post("/v1/sites", content=body, headers=headers)
        assert_problem(answer, answer.status_code, "malformed-request")
        assert answer.status_code in (400, 422)


async def test_a_refused_request_does_not_repeat_the_secret_that_it_held(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    body = {"subscriber_id": "x", "username": "u", "password": ["hunter2"]}
    answer = await api.call(owner, "POST", "/v1/subscriptions", body)
    assert_problem(answer, 422, "malformed-request")
    assert "hunter2" not in answer.text
    assert {"body.password", "body.subscriber_id"} <= {fault["where"] for fault in answer.json()["errors"]}


async def test_a_body_beyond_the_bound_is_refused(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    answer = await api.call(owner, "POST", "/v1/sites", {"name": "x" * 1_100_000, "pool": "100.64.0.0/24"})
    assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize("price", ["150000", 1500.0, 0, -1, 10**18, True, None])
async def test_amounts_are_whole_positive_cents(api: ApiUnderTest, price: object) -> None:
    owner = (await api.tenant()).token
    answer = await api.call(owner, "POST", "/v1/plans", TERMS | {"name": "x", "price_cents": price})
    assert_problem(answer, 422, "malformed-request")


async def test_a_token_of_one_tenant_with_the_name_of_another_opens_nothing(api: ApiUnderTest) -> None:
    one, other = await api.tenant(), await api.tenant()
    forged = f"mnt_{other.tenant_id.hex}_{one.token.split('_')[2]}"
    assert_problem(await api.call(forged, "GET", "/v1/sites"), 401, "unauthenticated")


async def test_a_revoked_token_opens_nothing_from_the_next_request_on(api: ApiUnderTest) -> None:
    owner = await api.tenant()
    actor = await api.deps.access.authenticate(owner.token)
    await api.made(owner.token, f"/v1/tokens/{actor.token_id}/revoke")
    assert_problem(await api.call(owner.token, "GET", "/v1/sites"), 401, "unauthenticated")


async def test_guessing_tokens_is_slowed_down(api: ApiUnderTest) -> None:
    owner = await api.tenant()
    guess = f"mnt_{owner.tenant_id.hex}_{'0' * 48}"
    for _ in range(FAILURES_MAX):
        assert_problem(await api.call(guess, "GET", "/v1/sites"), 401, "unauthenticated")
    answer = await api.call(guess, "GET", "/v1/sites")
    assert_problem(answer, 429, "too-many-failures")
    assert int(answer.headers["retry-after"]) > 0


async def test_who_is_known_is_not_locked_out_by_a_guesser_behind_the_same_address(api: ApiUnderTest) -> None:
    owner = await api.tenant()
    assert (await api.call(owner.token, "GET", "/v1/sites")).status_code == 200
    for _ in range(FAILURES_MAX + 1):
        await api.call(f"mnt_{owner.tenant_id.hex}_{'0' * 48}", "GET", "/v1/sites")
    assert (await api.call(owner.token, "GET", "/v1/sites")).status_code == 200
    actor = await api.deps.access.authenticate(owner.token)
    await api.made(owner.token, f"/v1/tokens/{actor.token_id}/revoke")
    assert_problem(await api.call(owner.token, "GET", "/v1/sites"), 401, "unauthenticated")
    assert_problem(await api.call(owner.token, "GET", "/v1/sites"), 429, "too-many-failures")


async def test_money_does_not_move_without_an_idempotency_key(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    who = await api.made(owner, "/v1/subscribers", {"name": "Amina"})
    cash = {"subscriber_id": who["id"], "amount_cents": 100}
    assert_problem(await api.call(owner, "POST", "/v1/payments/cash", cash), 400, "idempotency-key-missing")
    assert_problem(
        await api.call(owner, "POST", "/v1/payments/cash", cash, key="short"), 422, "idempotency-key-malformed"
    )


async def test_the_same_request_many_times_at_once_has_one_effect(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    who = await api.made(owner, "/v1/subscribers", {"name": "Amina"})
    cash = {"subscriber_id": who["id"], "amount_cents": 100}
    key = new_id().hex
    answers = await asyncio.gather(*(api.call(owner, "POST", "/v1/payments/cash", cash, key=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 9
    found = await api.call(owner, "GET", f"/v1/subscribers/{who['id']}")
    assert found.json()["balance_cents"] == 100


async def test_a_key_used_for_another_request_is_a_conflict(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    who = await api.made(owner, "/v1/subscribers", {"name": "Amina"})
    cash = {"subscriber_id": who["id"], "amount_cents": 100}
    key = new_id().hex
    assert (await api.call(owner, "POST", "/v1/payments/cash", cash, key=key)).status_code == 201
    answer = await api.call(owner, "POST", "/v1/payments/cash", cash | {"amount_cents": 200}, key=key)
    assert_problem(answer, 409, "idempotency-conflict")
    assert_problem(
        await api.call(owner, "POST", "/v1/sites", {"name": "x", "pool": "y"}, key=key), 409, "idempotency-conflict"
    )


async def test_a_refused_request_leaves_its_key_free(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    key, site = new_id().hex, {"name": "Kilifi", "pool": "100.64.0.0/24"}
    assert_problem(await api.call(owner, "POST", "/v1/sites", site | {"pool": "x"}, key=key), 422, "invalid")
    assert (await api.call(owner, "POST", "/v1/sites", site, key=key)).status_code == 201


async def test_keys_of_two_tenants_have_nothing_to_do_with_each_other(api: ApiUnderTest) -> None:
    key = new_id().hex
    for tenant in (await api.tenant(), await api.tenant()):
        answer = await api.call(tenant.token, "POST", "/v1/subscribers", {"name": "Amina"}, key=key)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)


async def test_pages_hold_everything_once(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    made = [(await api.made(owner, "/v1/subscribers", {"name": f"s{n}"}))["id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await api.call(owner, "GET", f"/v1/subscribers?limit=2&cursor={cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made


async def test_callbacks_are_paged_newest_first(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    hook = await api.made(owner, "/v1/shortcodes", {"shortcode": "600638"})
    for n in range(3):
        await api.client.post(path_of(hook["confirmation_url"]), content=raw(confirmation(f"RECEIPT{n:03d}")))
    first = (await api.call(owner, "GET", "/v1/callbacks?limit=2")).json()
    rest = (await api.call(owner, "GET", f"/v1/callbacks?limit=2&cursor={first['next_cursor']}")).json()
    receipts = [json.loads(item["raw"])["TransID"] for item in first["items"] + rest["items"]]
    assert receipts == ["RECEIPT002", "RECEIPT001", "RECEIPT000"]
    assert rest["next_cursor"] is None


async def test_no_answer_holds_a_password(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    site = await api.made(owner, "/v1/sites", {"name": "Kilifi", "pool": "100.64.0.0/24"})
    plan = await api.made(owner, "/v1/plans", TERMS | {"name": "Home"})
    who = await api.made(owner, "/v1/subscribers", {"name": "Amina"})
    asked = {"subscriber_id": who["id"], "plan_id": plan["id"], "site_id": site["id"], "username": "amina"}
    made = await api.made(owner, "/v1/subscriptions", asked | {"password": "hunter2"})
    for path in ("/v1/subscriptions", f"/v1/subscriptions/{made['id']}", f"/v1/subscribers/{who['id']}/timeline"):
        assert "hunter2" not in (await api.call(owner, "GET", path)).text
    assert "hunter2" not in json.dumps(made)


async def test_a_bug_is_logged_once_and_answered_cleanly(
    database: Database, database_url: str, tmp_path: Any, logs: list[Any]
) -> None:
    async def broken(*_given: Any, **_named: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    async with running_api(database, database_url, tmp_path, create_claim=broken) as other:
        owner = (await other.tenant()).token
        site = await other.made(owner, "/v1/sites", {"name": "Kilifi", "pool": "100.64.0.0/24"})
        logs.clear()
        answer = await other.call(owner, "POST", f"/v1/sites/{site['id']}/claims")
    assert_problem(answer, 500, "internal-error")
    assert "secret detail" not in answer.text
    assert [line["event"] for line in logs] == ["a request failed", "request"]
    logs.clear()


async def test_a_database_that_is_gone_is_503_with_a_pause(database_url: str, tmp_path: Any) -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/nothing")
    async with running_api(gone, database_url, tmp_path) as api:
        answer = await api.call(f"mnt_{'0' * 32}_{'0' * 48}", "GET", "/v1/sites")
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"]


async def test_a_restarted_database_is_noticed_by_nobody(api: ApiUnderTest, database_url: str) -> None:
    owner = (await api.tenant()).token
    await asyncio.gather(*(api.call(owner, "GET", "/v1/sites") for _ in range(8)))
    with connect(database_url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid() and usename = current_user"
        )
    for _ in range(10):
        assert (await api.call(owner, "GET", "/v1/sites")).status_code == 200


async def test_readiness_names_what_is_missing(database: Database, database_url: str, tmp_path: Any) -> None:
    async def yes() -> bool:
        return True

    async def crashes() -> bool:
        raise OSError("gone")

    async with running_api(database, database_url, tmp_path, ready={"database": yes, "broker": crashes}) as api:
        answer = await api.client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]) == (503, {"database": True, "broker": False})
        assert (await api.client.get("/healthz")).json() == {"status": "ok"}


async def test_figures_name_routes_never_paths_or_secrets(api: ApiUnderTest) -> None:
    owner = (await api.tenant()).token
    hook = await api.made(owner, "/v1/shortcodes", {"shortcode": "600638"})
    path = path_of(hook["confirmation_url"])
    await api.client.post(path, content=b"{}")
    await api.call(owner, "GET", f"/v1/sites/{new_id()}")
    await api.client.get("/whatever/a/stranger/types")
    text = (await api.client.get("/metrics")).text
    assert 'route="/hooks/p/{token}/confirm",status="200"' in text
    assert 'route="/v1/sites/{site_id}",status="404"' in text
    assert "mnara_inbox_waiting 0.0" in text
    assert path.split("/")[3] not in text
    assert "stranger" not in text


async def test_a_shortcode_is_shown_with_urls_that_the_rail_accepts(
    database: Database, database_url: str, tmp_path: Any
) -> None:
    settings = ApiSettings(public_url="https://pay.example.co.ke")
    async with running_api(database, database_url, tmp_path, settings=settings) as api:
        owner = (await api.tenant()).token
        made = await api.made(owner, "/v1/shortcodes", {"rail": "mpesa", "shortcode": "600638"})
        listed = (await api.call(owner, "GET", "/v1/shortcodes")).json()["items"]
        assert listed == [made]
        for url in (made["confirmation_url"], made["validation_url"]):
            assert url.startswith("https://pay.example.co.ke/hooks/p/")
            for word in ("mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query"):
                assert word not in url.lower()
        again = await api.call(owner, "POST", "/v1/shortcodes", {"rail": "mpesa", "shortcode": "600638"})
        assert_problem(again, 409, "already-exists")


async def test_staff_changes_are_in_the_audit(api: ApiUnderTest, database_url: str) -> None:
    tenant = await api.tenant()
    await api.made(tenant.token, "/v1/shortcodes", {"rail": "mpesa", "shortcode": "600638"})
    async with api.database.tenant(tenant.tenant_id) as connection:
        found = (await connection.exec_driver_sql("select action, staff_id from audit order by at, id")).all()
    assert [row.action for row in found] == ["staff.add", "token.add", "shortcode.add"]
    assert found[-1].staff_id == tenant.staff_id
