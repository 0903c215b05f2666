"""The application: every route, one gate in front of them, and a description of it all in OpenAPI 3.1."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from cloud.api.answers import problem_schemas
from cloud.api.client import ClientAddress
from cloud.api.deps import ApiDeps
from cloud.api.gate import Gate
from cloud.api.metrics import Metrics
from cloud.api.problems import add_problem_handlers
from cloud.api.routes import (
    agents,
    audit,
    books,
    callbacks,
    health,
    imports,
    payments,
    plans,
    routers,
    shortcodes,
    site_groups,
    sites,
    staff,
    subscribers,
    subscriptions,
    suspense,
    tokens,
)
from cloud.api.routes.hooks import hook_routes
from cloud.api.security import FailedTokens

_DESCRIPTION = """
ISP billing for MikroTik networks paid by M-Pesa.

Amounts are integer cents, instants RFC 3339 in UTC, lists keyset pages (`?limit=&cursor=`). Every error is
`application/problem+json` with a stable `code` and a `request_id`. Money moves only with an `Idempotency-Key`.
What belongs to another tenant does not exist: 404. The rails' webhooks (`POST /hooks/p/{token}/confirm` and
`/validate`) are not described here: their bodies and answers are the rail's.
"""

_ROUTERS = (
    health,
    site_groups,
    sites,
    routers,
    agents,
    plans,
    subscribers,
    subscriptions,
    imports,
    shortcodes,
    payments,
    suspense,
    callbacks,
    books,
    staff,
    tokens,
    audit,
)


def create_app(deps: ApiDeps, *, metrics: Metrics | None = None) -> FastAPI:
    """Put the application together.

    The caller runs its two loops, `HookDirectory.refresh_forever` and `Inbox.drain_forever`, and closes what it opened.
    """
    app = FastAPI(title="Mnara", version=deps.settings.version, description=_DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.deps = deps
    app.state.metrics = metrics or Metrics()
    inbox = deps.webhooks.inbox
    app.state.metrics.watch("mnara_inbox_waiting", "Callbacks that wait for their commit.", lambda: inbox.waiting)
    app.state.metrics.watch("mnara_spool_bytes", "What waits for the database.", lambda: inbox.spooled_bytes)
    app.state.failed_tokens = FailedTokens(deps.clock)
    app.router.routes[:0] = hook_routes(deps)
    for module in _ROUTERS:
        app.include_router(module.router)
    add_problem_handlers(app)
    app.add_middleware(
        Gate,
        clock=deps.clock,
        client=ClientAddress(deps.settings.trusted_proxies),
        metrics=app.state.metrics,
        new_request_id=lambda: deps.new_id().hex,
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # as FastAPI documents it
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema["components"]["schemas"] |= problem_schemas()
        app.openapi_schema = schema
    return app.openapi_schema
