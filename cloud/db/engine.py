"""Connections, and the two doors to rows: one tenant's, or the worker's across tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

OWNER_ROLE = "mnara_owner"
APP_ROLE = "mnara_app"
WORKER_ROLE = "mnara_worker"

Connection = AsyncConnection
"""An open transaction, as `Database.tenant` and `Database.worker` give it."""

_PLANS = "-c enable_seqscan=off -c jit=off"
"""Every query of ours finds its rows by a key. Plans are cached per connection, those of foreign-key checks too: made
while a table was small they read all of it, and go on doing so while it grows (seen: 0.5 ms per ledger entry after
4,000 journals). Compiling a plan that costs too much on paper would take longer than running it."""

_SET_TENANT = text("select set_config('app.tenant', :tenant, true)")


class UnscopedQuery(RuntimeError):
    """A bug: a statement ran on the app's connection outside `Database.tenant`."""


def role_url(url: str, role: str) -> URL:
    """Return a connection address that works as `role` from its first statement on."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    options = f"-c role={role} -c timezone=UTC -c lock_timeout=4s -c statement_timeout=30s {_PLANS}"
    return parsed.update_query_dict({"options": options})


class Database:
    """Two pools: `app`, whose every transaction is bound to one tenant, and `worker`, which sees all tenants."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self._app = _engine(role_url(url, APP_ROLE), pool_size)
        self._worker = _engine(role_url(url, WORKER_ROLE), pool_size)
        event.listen(self._app.sync_engine, "before_execute", _refuse_unscoped)

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """Open one transaction on one tenant's rows; it commits when the block ends without an error."""
        async with self._app.connect() as connection, connection.begin():
            info = connection.sync_connection.info if connection.sync_connection else {}
            info["tenant"] = tenant_id
            try:
                await connection.execute(_SET_TENANT, {"tenant": str(tenant_id)})
                yield connection
            finally:
                info.pop("tenant", None)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Connection]:
        """Open one transaction across tenants: for the poster, the fleet and the ticks only."""
        async with self._worker.connect() as connection, connection.begin():
            info = connection.sync_connection.info if connection.sync_connection else {}
            info["tenant"] = None
            try:
                yield connection
            finally:
                info.pop("tenant", None)

    async def close(self) -> None:
        """Close both pools."""
        await self._app.dispose()
        await self._worker.dispose()


def _engine(url: URL, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        connect_args={"connect_timeout": 5, "prepare_threshold": 2},
    )


def _refuse_unscoped(connection: SyncConnection, *_statement: Any) -> None:
    if "tenant" not in connection.info:
        raise UnscopedQuery("open a transaction with Database.tenant(...) before touching rows")
