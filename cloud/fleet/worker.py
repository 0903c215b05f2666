"""The fleet's part of a worker process: link, publisher and intake, and what to do when an agent is revoked."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from cloud.db import fleet
from cloud.db.engine import Database
from cloud.db.failures import DatabaseError
from cloud.db.notify import AGENTS, DESIRED
from cloud.db.secrets import SecretBox
from cloud.fleet.ca import Authority
from cloud.fleet.ca_store import tls_context
from cloud.fleet.counts import LINK_UP
from cloud.fleet.intake import Intake
from cloud.fleet.link import Link, LinkSettings
from cloud.fleet.mosquitto import write_revoked
from cloud.fleet.publisher import Publisher
from cloud.fleet.revocation import take_over
from cloud.fleet.roster import Roster
from cloud.fleet.speaker import Speaker
from cloud.ports import Clock
from protocol.topics import everyone_filter

log = structlog.get_logger(__name__)

_CRL_EVERY_S = 24 * 3600.0
_CHANGED_MAX = 1_000
_TAKE_OVER_TRIES = 3


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Where the broker is, and how it learns of revocations."""

    cloud_broker: tuple[str, int]
    agents_broker: tuple[str, int]
    client_id: str
    broker_files: Path | None
    """The folder of a mosquitto of ours; None when the embedded broker asks us itself."""


class FleetWorker:
    """Everything that talks to agents: give `notices` and `missed` to the process's listener, and keep `run` going."""

    def __init__(
        self,
        settings: FleetSettings,
        database: Database,
        authority: Authority,
        box: SecretBox,
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        self._settings = settings
        self._database = database
        self._authority = authority
        self._clock = clock
        self._changed: asyncio.Queue[str] = asyncio.Queue(_CHANGED_MAX)
        self.link = self._make_link()
        self.roster = Roster(box)
        speaker = Speaker(self.link, clock, new_id)
        self.publisher = Publisher(database, self.roster, speaker, clock)
        self._intake = Intake(database, self.roster, speaker, self.publisher, clock, new_id)
        self.link.on_connected = self.publisher.sweep_soon

    @property
    def notices(self) -> Mapping[str, Callable[[str], None]]:
        """Return what to call for which channel."""
        return {DESIRED: self.publisher.wake_text, AGENTS: self._agent_changed}

    def missed(self) -> None:
        """Notices may have been missed: believe nothing that is in memory."""
        self.roster.forget_all()
        self.publisher.sweep_soon()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.link.run(), name="link")
            group.create_task(self.publisher.run(), name="publisher")
            group.create_task(self._intake.run(self.link.inbox), name="intake")
            group.create_task(self._see_changes(), name="revocation")
            if self._settings.broker_files is not None:
                group.create_task(self._reissue_list(), name="revocation-list")
            while True:
                LINK_UP.set(self.link.up)
                await self._clock.sleep(1.0)

    def _make_link(self) -> Link:
        host, port = self._settings.cloud_broker
        issued = self._authority.issue_cloud_client(self._settings.client_id, self._clock.now())
        tls = tls_context(issued, server=False, trusted_pem=self._authority.agents.pem)
        filters = [everyone_filter("up"), everyone_filter("lw")]
        # Jitter need not be repeatable here, only different in each process.
        jitter = random.Random(self._settings.client_id)  # noqa: S311  # no secret
        return Link(LinkSettings(host, port, self._settings.client_id, tls, filters), self._clock, jitter)

    # Revocation

    def _agent_changed(self, name: str) -> None:
        known = self.roster.forget(name)
        if known is not None:
            self.publisher.forget(known)
        with suppress(asyncio.QueueFull):
            self._changed.put_nowait(name)

    async def _see_changes(self) -> None:
        while True:
            name = await self._changed.get()
            try:
                async with self._database.worker() as connection:
                    agent = await self.roster.find(connection, name)
            except DatabaseError as error:
                log.warning("agent_change_not_read", agent=name, error=type(error).__name__)
                continue  # the transactions refuse a revoked agent all the same
            if agent is not None and not agent.active:
                await self._keep_out(name)

    async def _keep_out(self, name: str) -> None:
        """Have mosquitto refuse the agent, then end its connection: the other way round it would come back."""
        folder = self._settings.broker_files
        if folder is None:
            return  # the embedded broker is told by the process that runs it
        await self._write_list(folder)
        for _ in range(_TAKE_OVER_TRIES):
            if await take_over(self._authority, self._settings.agents_broker, name, self._clock.now()):
                log.info("agent_thrown_out", agent=name)
                return
            await self._clock.sleep(1.0)
        log.warning("agent_not_thrown_out", agent=name, advice="restart mosquitto to end the revoked connection")

    async def _reissue_list(self) -> None:
        while self._settings.broker_files is not None:
            try:
                await self._write_list(self._settings.broker_files)
                await self._clock.sleep(_CRL_EVERY_S)
            except DatabaseError:
                await self._clock.sleep(1.0)

    async def _write_list(self, folder: Path) -> None:
        now = self._clock.now()
        async with self._database.worker() as connection:
            revoked = await fleet.list_revoked(connection, now)
        serials = [(serial, at) for _, serial, at in revoked]
        if not await asyncio.to_thread(write_revoked, folder, self._authority, serials, now):
            log.warning("mosquitto_not_told", advice="reload mosquitto so that it reads crl.pem", folder=str(folder))
