"""The embedded parts of one process: what it runs while it has the data folder's lock."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cloud.embedded.broker import AgentBroker, BrokerSettings
from cloud.embedded.cluster import open_cluster
from cloud.embedded.owner import DataFolder
from cloud.embedded.postgres import PostgresKeeper

log = structlog.get_logger(__name__)

ListRevoked = Callable[[], Awaitable[set[str]]]
"""Reads the names of revoked agents; waits as long as the database is away."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be run here, and what others are told of it."""

    database: bool
    broker: BrokerSettings | None
    broker_address: tuple[str, int]


class EmbeddedParts:
    """Waits for the lock, then runs what is wanted until stopped. `revoked` is the broker's list of whom to refuse."""

    def __init__(self, folder: DataFolder, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._keeper: PostgresKeeper | None = None
        self._broker: AgentBroker | None = None
        self.revoked: set[str] = set()

    @property
    def has_broker(self) -> bool:
        """Tell whether the broker runs in this process."""
        return self._broker is not None

    async def run(self, list_revoked: ListRevoked) -> None:
        """Take the lock as soon as it is free, start everything, and keep it running."""
        await self._folder.wait_to_own()
        host, port = self._wanted.broker_address
        facts = {"pid": os.getpid(), "broker": {"host": host, "port": port}}
        self._folder.write_runtime(**facts, database="embedded" if self._wanted.database else "dsn")
        async with asyncio.TaskGroup() as group:
            if self._wanted.database:
                self._keeper = PostgresKeeper(await asyncio.to_thread(open_cluster, self._folder.path))
                self._folder.write_database_url(await self._keeper.start())
                group.create_task(self._keeper.watch(), name="postgres-keeper")
            if self._wanted.broker is not None:
                # Nobody may connect before it is known who is revoked.
                self.revoked = await list_revoked()
                broker = AgentBroker(self._wanted.broker, lambda peer: peer.name in self.revoked)
                await broker.start()
                self._broker = broker
                log.info("broker_started", host=self._wanted.broker.host, port=self._wanted.broker.port)
            log.info("embedded_parts_run", database=self._wanted.database, broker=self._wanted.broker is not None)

    async def throw_out(self, name: str) -> bool:
        """Refuse an agent from now on and end its connection, if the broker is ours."""
        self.revoked.add(name)
        return self._broker is not None and await self._broker.throw_out(name)

    async def stop(self) -> None:
        """Stop the broker, then the database, then let another process have the lock."""
        if self._broker is not None:
            await self._broker.shutdown()
        if self._keeper is not None:
            await self._keeper.stop()
        self._folder.let_go()
