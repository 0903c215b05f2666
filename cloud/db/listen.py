"""Hear NOTIFY on a connection of its own, and come back by itself when the server was away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from cloud.db import failures
from cloud.db.engine import WORKER_ROLE, role_url

_ASK_AGAIN_S = 30.0
"""How often a silent connection is tried: a server that vanished without a word must be noticed."""

_log = logging.getLogger(__name__)


async def listen(
    url: str,
    channel: str,
    heard: Callable[[str], None],
    *,
    sleep: Callable[[float], Awaitable[None]],
    random_below: Callable[[int], int],
) -> None:
    """Call `heard` with every payload, until cancelled; with "" after each connect, for what was said meanwhile."""
    attempt = 0
    while True:
        try:
            async with await _connect(url) as connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                attempt = 0
                heard("")
                await _hear(connection, heard)
        except failures.DatabaseError as error:
            attempt += 1
            _log.warning("not listening to the database (%s)", type(error).__name__, extra={"channel": channel})
            await sleep(failures.pause_s(attempt, random_below))


async def _connect(url: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
    # Not as one text: SQLAlchemy writes a space in `options` as "+", which libpq does not read back.
    address = role_url(url, WORKER_ROLE)
    parts = address.translate_connect_args(username="user", database="dbname") | dict(address.query)
    return await psycopg.AsyncConnection.connect(**parts, autocommit=True, connect_timeout=5)


async def _hear(connection: psycopg.AsyncConnection[tuple[object, ...]], heard: Callable[[str], None]) -> None:
    while True:
        async for notification in connection.notifies(timeout=_ASK_AGAIN_S):
            heard(notification.payload)
        async with asyncio.timeout(_ASK_AGAIN_S):
            await connection.execute("select 1")
