"""Every route is classified: what it asks for, and so who may use it. A new route must be given its line here."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from cloud.clock import SystemClock
from cloud.db.engine import Database
from cloud.db.secrets import SecretBox
from cloud.ids import new_id, new_secret_hex
from cloud.services.roles import SCOPES, Role, Scope, scopes_of
from tests.support.api import fake_create_claim, fake_revoke_agent
from tests.support.assembly import assemble_api
from tests.support.routes import list_served

PUBLIC = None
TABLE = {
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "POST /hooks/p/{token}/confirm": PUBLIC,
    "POST /hooks/p/{token}/validate": PUBLIC,
    "GET /v1/sites": "sites:read",
    "GET /v1/sites/{site_id}": "sites:read",
    "POST /v1/sites": "sites:write",
    "POST /v1/sites/{site_id}/claims": "claims:write",
    "GET /v1/site-groups": "sites:read",
    "POST /v1/site-groups": "sites:write",
    "GET /v1/sites/{site_id}/routers": "sites:read",
    "POST /v1/sites/{site_id}/routers": "sites:write",
    "GET /v1/agents": "agents:read",
    "GET /v1/agents/{agent_id}": "agents:read",
    "POST /v1/agents/{agent_id}/revoke": "agents:write",
    "GET /v1/plans": "plans:read",
    "GET /v1/plans/{plan_id}": "plans:read",
    "POST /v1/plans": "plans:write",
    "POST /v1/plans/{plan_id}/versions": "plans:write",
    "GET /v1/subscribers": "subscribers:read",
    "GET /v1/subscribers/{subscriber_id}": "subscribers:read",
    "GET /v1/subscribers/{subscriber_id}/timeline": "subscribers:read",
    "POST /v1/subscribers": "subscribers:write",
    "POST /v1/imports/subscribers": "subscribers:write",
    "GET /v1/subscriptions": "subscribers:read",
    "GET /v1/subscriptions/{subscription_id}": "subscribers:read",
    "POST /v1/subscriptions": "subscribers:write",
    "POST /v1/subscriptions/{subscription_id}/pause": "subscribers:write",
    "POST /v1/subscriptions/{subscription_id}/resume": "subscribers:write",
    "POST /v1/subscriptions/{subscription_id}/terminate": "subscribers:write",
    "GET /v1/shortcodes": "shortcodes:read",
    "POST /v1/shortcodes": "shortcodes:write",
    "GET /v1/payments": "payments:read",
    "GET /v1/payments/{payment_id}": "payments:read",
    "POST /v1/payments/cash": "cash:write",
    "GET /v1/suspense": "suspense:read",
    "POST /v1/suspense/{payment_id}/assign": "suspense:write",
    "GET /v1/callbacks": "callbacks:read",
    "POST /v1/callbacks/{callback_id}/release": "callbacks:write",
    "GET /v1/books": "books:read",
    "GET /v1/staff": "staff:read",
    "POST /v1/staff": "staff:write",
    "POST /v1/staff/{staff_id}/deactivate": "staff:write",
    "GET /v1/tokens": "staff:read",
    "POST /v1/tokens": "staff:write",
    "POST /v1/tokens/{token_id}/revoke": "staff:write",
    "GET /v1/audit": "audit:read",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Give an application that no request is sent to: its database need not exist."""
    folder: Path = tmp_path_factory.mktemp("spool")
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    return assemble_api(
        Database(url),
        url,
        secrets=SecretBox([b"k" * 32]),
        clock=SystemClock(),
        new_id=new_id,
        new_secret_hex=new_secret_hex,
        spool_folder=folder,
        create_claim=fake_create_claim,
        revoke_agent=fake_revoke_agent,
    ).app


def test_every_route_asks_for_the_scope_it_is_classified_by(app: FastAPI) -> None:
    assert {f"{one.method} {one.path}": one.scope for one in list_served(app)} == TABLE


def test_whatever_changes_something_asks_for_a_writing_scope(app: FastAPI) -> None:
    for one in list_served(app):
        if one.path.startswith("/v1/"):
            assert one.scope is not None, one
            assert str(one.scope).endswith(":read") == (one.method == "GET"), one


def test_every_scope_is_held_by_somebody_and_asked_for_somewhere(app: FastAPI) -> None:
    asked = {one.scope for one in list_served(app)}
    assert asked - {PUBLIC} == set(Scope)
    assert set(Scope) == set().union(*SCOPES.values())


def test_an_auditor_reads_and_changes_nothing() -> None:
    assert all(scope.endswith(":read") for scope in SCOPES[Role.AUDITOR])
    assert Scope.SHORTCODES_READ not in SCOPES[Role.AUDITOR]


def test_money_is_not_for_the_network_people() -> None:
    money = {Scope.CASH_WRITE, Scope.SUSPENSE_WRITE, Scope.CALLBACKS_WRITE, Scope.SHORTCODES_WRITE, Scope.BOOKS_READ}
    for role in (Role.NOC, Role.INSTALLER):
        assert not SCOPES[role] & money


def test_only_an_owner_changes_who_works_here_and_the_audit_is_for_owner_and_auditor() -> None:
    assert {role for role in Role if Scope.STAFF_WRITE in SCOPES[role]} == {Role.OWNER}
    assert {role for role in Role if Scope.AUDIT_READ in SCOPES[role]} == {Role.OWNER, Role.AUDITOR}


def test_a_token_narrows_its_owners_role_and_never_widens_it() -> None:
    assert scopes_of(Role.SUPPORT, ["*"]) == SCOPES[Role.SUPPORT]
    assert scopes_of(Role.SUPPORT, ["plans:read", "books:read"]) == {Scope.PLANS_READ}
    assert scopes_of(Role.OWNER, []) == frozenset()


def test_openapi_is_3_1_and_every_reference_in_it_resolves(app: FastAPI) -> None:
    schema = app.openapi()
    assert schema["openapi"].startswith("3.1")
    names = set(schema["components"]["schemas"])
    assert set(re.findall(r"#/components/schemas/([\w.]+)", str(schema))) <= names
    assert {"Problem", "Fault"} <= names


def test_openapi_describes_the_problems_of_every_route_with_a_token(app: FastAPI) -> None:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            if not path.startswith("/v1/"):
                continue
            assert operation["summary"], (path, method)
            for status in ("401", "403", "422"):
                assert "application/problem+json" in operation["responses"][status]["content"], (path, method, status)
            if "{" in path:
                assert "404" in operation["responses"], (path, method)


def test_every_field_of_a_request_has_an_example_or_a_default_or_is_an_id(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    new = ("NewSite", "NewSiteGroup", "NewRouter", "NewPlan", "NewSubscriber", "NewSubscription", "NewShortcode")
    for name in (*new, "NewStaff", "TokenToMake", "Cash", "Assignment"):
        for field, shape in schemas[name]["properties"].items():
            assert shape.keys() & {"examples", "default"} or "anyOf" in shape, (name, field)
