"""The poster: takes confirmations from the inbox as they come; none is lost and none is booked twice.

`wake` it when a callback was stored (the process calls it on NOTIFY, or at once when it stored one itself); a slow
tick stands behind it.
Whatever stops it, the rows stay `new` in the inbox: starting again is all the recovery there is.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from cloud.db import failures
from cloud.db.engine import Database
from cloud.db.secrets import SecretBox
from cloud.jobs.loop import CONFLICTS_MAX, Loop
from cloud.ports import Clock, IdFactory, PaymentRail
from cloud.services.act import Act
from cloud.services.post_callbacks import BATCH, Posted, post_callbacks, post_or_park_one

_log = logging.getLogger(__name__)


class Poster:
    """Posts batches of at most `BATCH`; what arrives while one is posted is the next one."""

    def __init__(
        self,
        database: Database,
        *,
        rails: Mapping[str, PaymentRail],
        secrets: SecretBox,
        clock: Clock,
        new_id: IdFactory,
        random_below: Callable[[int], int],
    ) -> None:
        self._database = database
        self._rails = rails
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id
        self._singly = 0
        self._conflicts = 0
        self._loop = Loop("poster", self.step, clock=clock, random_below=random_below)

    def wake(self) -> None:
        """Look into the inbox now."""
        self._loop.wake()

    async def run(self) -> None:
        """Post until cancelled."""
        await self._loop.run()

    async def step(self) -> bool:
        """Post one batch; say whether more may be waiting."""
        if self._singly:
            return await self._step_singly()
        try:
            posted = await self._transact(post_callbacks)
        except Exception as error:
            if failures.is_outage(error) or self._is_worth_another_try(error):
                raise
            # One row of the batch is poison. Posted one by one, it is parked alone and the others go on.
            _log.warning("a batch failed; posting its callbacks one by one", extra={"error": type(error).__name__})
            self._singly, self._conflicts = BATCH, 0
            return True
        self._conflicts = 0
        return posted.count == BATCH

    async def _step_singly(self) -> bool:
        try:
            patient = self._conflicts < CONFLICTS_MAX
            posted = await self._transact(partial(post_or_park_one, patient=patient))
        except Exception as error:
            self._conflicts += failures.is_conflict(error)
            raise
        self._singly, self._conflicts = self._singly - 1, 0
        return posted.count > 0

    def _is_worth_another_try(self, error: Exception) -> bool:
        """Say whether this is two transactions meeting: the same conflict again and again is something else."""
        self._conflicts += failures.is_conflict(error)
        return failures.is_conflict(error) and self._conflicts < CONFLICTS_MAX

    async def _transact(self, verb: Callable[..., Awaitable[Posted]]) -> Posted:
        act = Act(self._clock.now(), self._new_id, self._secrets)
        async with self._database.worker() as connection:
            return await verb(connection, act, self._rails)
