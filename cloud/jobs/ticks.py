"""Ticks: what has to happen because time passed, claimed from the tables in chunks."""

from collections.abc import Callable

from cloud.db.engine import Database
from cloud.db.operator import list_tenants
from cloud.db.secrets import SecretBox
from cloud.jobs.loop import Loop
from cloud.ports import Clock, IdFactory
from cloud.services.act import Act
from cloud.services.due import CHUNK, settle_due
from cloud.services.idempotency import FORGET_CHUNK, Idempotency

DAY_S = 86_400.0


class DueTick:
    """Every second: judge anew what is due by itself, and renew from credit."""

    def __init__(
        self,
        database: Database,
        *,
        secrets: SecretBox,
        clock: Clock,
        new_id: IdFactory,
        random_below: Callable[[int], int],
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id
        self._loop = Loop("due", self.step, clock=clock, random_below=random_below)

    async def run(self) -> None:
        """Tick until cancelled."""
        await self._loop.run()

    async def step(self) -> bool:
        """Settle one chunk; say whether more may be due."""
        act = Act(self._clock.now(), self._new_id, self._secrets)
        async with self._database.worker() as connection:
            count, _ = await settle_due(connection, act)
        return count == CHUNK


class ForgetTick:
    """At the start and every day: forget the answers to repeated requests whose retention is over."""

    def __init__(self, database: Database, *, clock: Clock, random_below: Callable[[int], int]) -> None:
        self._database = database
        self._idempotency = Idempotency(database, clock)
        self._loop = Loop("forget", self.step, clock=clock, random_below=random_below, tick_s=DAY_S)

    async def run(self) -> None:
        """Tick until cancelled."""
        await self._loop.run()

    async def step(self) -> bool:
        """Forget one chunk of each tenant's; say whether more may be left."""
        async with self._database.worker() as connection:
            tenants = await list_tenants(connection)
        forgotten = [await self._idempotency.forget_old(tenant.id) for tenant in tenants]
        return FORGET_CHUNK in forgotten
