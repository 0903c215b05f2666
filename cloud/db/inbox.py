"""The inbox of callbacks: its own narrow, fast road in, and the queries that list and release what it holds."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from cloud.db.engine import APP_ROLE, role_url

NOTIFY_CHANNEL = "mnara_inbox"
RELEASED = "released: "
"""A row's reason begins so when a human has looked at it and wants it posted whatever is odd about it."""
_LIMITS = {"connect_timeout": 2, "tcp_user_timeout": 3000, "application_name": "mnara inbox"}
_WRITE_TIMEOUT_S = 3.0
"""The rail gives up after some 8 s; the spool needs its share of them."""


class DatabaseGone(Exception):
    """An outage: no connection, a broken one, or no answer in time. Try again later."""


class RowsRefused(Exception):
    """The database answered, and refused the rows: one of them is not as it must be."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One callback as it came. spool_key: set when it waited in the spool."""

    tenant_id: uuid.UUID
    shortcode_id: uuid.UUID
    kind: str
    raw: bytes
    source: str | None
    state: str
    reason: str | None
    received_at: datetime
    spool_key: str | None = None


_SET_TENANT = "select set_config('app.tenant', %s, true)"
_INSERT = """
insert into callback (tenant_id, shortcode_id, kind, raw, source, state, reason, received_at, spool_key)
select %s, * from unnest(%b::uuid[], %b::text[], %b::bytea[], %b::text[], %b::text[], %b::text[],
                         %b::timestamptz[], %b::text[])
on conflict (tenant_id, spool_key) do nothing
"""
_NOTIFY = f"select pg_notify('{NOTIFY_CHANNEL}', '')"


class InboxWriter:
    """One connection of the app's role that commits a group of callbacks, of any tenants, in one round trip.

    It goes past SQLAlchemy for psycopg's pipeline: begin, tenant, insert, notify and commit leave together.
    Calls take turns: `cloud.payments.inbox` groups what comes at the same time.
    """

    def __init__(self, url: str) -> None:
        address = role_url(url, APP_ROLE)
        parts = {**address.translate_connect_args(username="user", database="dbname"), **address.query}
        # Not URL.render_as_string: it writes the blanks of `options` as "+", which libpq takes for plus signs.
        self._conninfo = make_conninfo(**(parts | _LIMITS))
        self._connection: psycopg.AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def write(self, rows: Sequence[InboxRow]) -> None:
        """Commit all rows or none, and wake the poster; raise DatabaseGone or RowsRefused.

        A connection that broke while it was idle (the server was restarted) is worth one new one. If it broke during
        the commit, rows may be stored twice: the poster knows a receipt it has seen.
        """
        async with self._turn:
            idle = self._connection is not None
            try:
                await self._in_time(self._write(rows))
            except DatabaseGone:
                if not idle:
                    raise
                await self._in_time(self._write(rows))

    async def ping(self) -> None:
        """Raise DatabaseGone unless the database answers."""
        async with self._turn:
            await self._in_time(self._ping())

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _in_time(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=_WRITE_TIMEOUT_S)
        if not done:
            # psycopg answers a cancellation by asking the server to cancel, which a dead link swallows too: leave
            # the task to end by itself (tcp_user_timeout) and take a new connection.
            self._connection = None
            task.add_done_callback(_forget)
            task.cancel()
            raise DatabaseGone(f"the database did not answer within {_WRITE_TIMEOUT_S} s")
        try:
            task.result()
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            await self.close()
            raise DatabaseGone(str(error)) from error
        except psycopg.Error as error:
            await self.close()
            raise RowsRefused(str(error)) from error

    async def _write(self, rows: Sequence[InboxRow]) -> None:
        connection = await self._connected()
        by_tenant = attrgetter("tenant_id")
        async with connection.pipeline(), connection.transaction():
            for tenant_id, group in groupby(sorted(rows, key=by_tenant), by_tenant):
                await connection.execute(_SET_TENANT, [str(tenant_id)], prepare=True)
                await connection.execute(_INSERT, [tenant_id, *_columns(list(group))], prepare=True)
            await connection.execute(_NOTIFY, prepare=True)

    async def _ping(self) -> None:
        connection = await self._connected()
        await connection.execute("select 1")

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        return self._connection


def _columns(rows: list[InboxRow]) -> list[list[Any]]:
    names = ("shortcode_id", "kind", "raw", "source", "state", "reason", "received_at", "spool_key")
    return [[getattr(row, name) for row in rows] for name in names]


def _forget(task: "asyncio.Future[None]") -> None:
    if not task.cancelled():
        task.exception()
