"""Keeps the embedded PostgreSQL running: starts or adopts it, starts it again when it dies, stops it last."""

import asyncio

import psycopg
import structlog

from cloud.embedded.cluster import Cluster
from cloud.embedded.errors import EmbeddedError

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.1
_RESTART_WAIT_MAX_S = 5.0


class PostgresKeeper:
    """One cluster, watched."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def start(self) -> str:
        """Return the address of a server that answers; one that survived our predecessor is taken over as it is."""
        await asyncio.to_thread(self._cluster.prepare)
        await asyncio.to_thread(self._cluster.start)
        return self._cluster.url()

    async def stop(self) -> None:
        """Stop the server; `watch` must have ended."""
        await asyncio.to_thread(self._cluster.stop)

    async def watch(self) -> None:
        """Restart without end, with growing pauses: a full disk may be emptied, and the cloud waits for its
        database."""
        pause_s = _LOOK_EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            if self._cluster.running_pid() is not None:
                pause_s = _LOOK_EVERY_S
                continue
            log.warning("postgres_died")
            try:
                await asyncio.to_thread(self._cluster.start)
                log.info("postgres_restarted")
            except (EmbeddedError, psycopg.Error, OSError):
                log.exception("postgres_restart_failed", retry_in_s=pause_s)
                pause_s = min(pause_s * 2, _RESTART_WAIT_MAX_S)
