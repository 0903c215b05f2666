"""LISTEN: wakes loops the moment something is committed. A hint only: every loop has a slow tick behind it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
import structlog
from psycopg import sql

log = structlog.get_logger(__name__)

DESIRED = "mnara_desired"
"""A site's desired state grew; payload: `<tenant_id>/<site_id>`."""
INBOX = "mnara_inbox"
"""Callbacks were stored."""
AGENTS = "mnara_agents"
"""An agent was enrolled or revoked; payload: its name."""

_RETRY_MAX_S = 2.0
_QUIET_S = 20.0
"""After so long without a notice the connection is tried with a query: a dead one may look merely quiet."""


Wake = Callable[[str], None]


async def listen(url: str, wake: Mapping[str, Sequence[Wake]], on_connected: Callable[[], None]) -> None:
    """Call each of `wake[channel]` with the payload of each notice, for ever. `on_connected` is called whenever
    notices may have been missed."""
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    pause_s = 0.1
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(address, autocommit=True, connect_timeout=5)
            async with connection:
                for channel in wake:
                    await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                pause_s = 0.1
                on_connected()
                await _pass_on(connection, wake)
        except psycopg.Error as error:
            log.warning("listen_interrupted", error=str(error).strip().partition("\n")[0])
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _RETRY_MAX_S)


async def _pass_on(connection: psycopg.AsyncConnection[Any], wake: Mapping[str, Sequence[Wake]]) -> None:
    while True:
        async for notice in connection.notifies(timeout=_QUIET_S):
            for call in wake[notice.channel]:
                call(notice.payload)
        await connection.execute("select 1")
