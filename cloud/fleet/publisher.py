"""Sends each site what it should match, until it reports that it does.

Woken by the process itself, by NOTIFY and by reports; behind them a slow tick looks for sites that are behind. A
committed change costs one SELECT and is on the wire within a few milliseconds.
"""

import asyncio
import contextlib
from uuid import UUID

import structlog

from cloud.db import fleet
from cloud.db.engine import Connection, Database
from cloud.db.failures import DatabaseError, is_outage
from cloud.db.fleet import AgentRow, Desired
from cloud.fleet.counts import SENT
from cloud.fleet.keys import TenantKeys
from cloud.fleet.link import LinkDown
from cloud.fleet.pursuit import SNAPSHOT_PATIENCE_S, Pursuit, Send
from cloud.fleet.roster import Roster
from cloud.fleet.speaker import Speaker
from cloud.ports import Clock
from protocol.errors import Malformed
from protocol.messages import Delta, Held, Reported
from protocol.snapshot import pack

log = structlog.get_logger(__name__)

_WORKERS = 4
_SNAPSHOTS_MAX = 20
"""Snapshots on their way at once: a thousand sites that come back together must not drown the broker."""
_TICK_S = 0.2
_SWEEP_S = 15.0
_SWEEP_PAUSE_S = 0.5
_OUTAGE_PAUSE_S = 0.5

Site = tuple[UUID, UUID]
"""(tenant, site)"""


class Publisher:
    """Everything for `run` is in memory and can be rebuilt from reports; the database holds what is desired."""

    def __init__(self, database: Database, roster: Roster, speaker: Speaker, clock: Clock) -> None:
        self._database = database
        self._roster = roster
        self._speaker = speaker
        self._clock = clock
        self._pursuits: dict[Site, Pursuit] = {}
        self._ready: asyncio.Queue[Site] = asyncio.Queue()
        self._queued: set[Site] = set()
        self._busy: set[Site] = set()
        self._again: set[Site] = set()
        self._snapshots: dict[Site, float] = {}
        self._sweep_now = asyncio.Event()

    # What wakes it

    def wake(self, tenant_id: UUID, site_id: UUID) -> None:
        """Say that a site's desired state may have grown; call it from the loop's thread."""
        site = (tenant_id, site_id)
        if site in self._busy:
            self._again.add(site)
        elif site not in self._queued:
            self._queued.add(site)
            self._ready.put_nowait(site)

    def wake_text(self, payload: str) -> None:
        """Take a notice's payload: `tenant/site`; what does not parse is left to the sweep."""
        tenant, _, site = payload.partition("/")
        try:
            self.wake(UUID(tenant), UUID(site))
        except ValueError:
            self.sweep_soon()

    def sweep_soon(self) -> None:
        """Look at every site that is behind: notices may have been missed, or the link is back."""
        self._sweep_now.set()

    def greeted(self, agent: AgentRow, held: Held, applied: int = 0, *, doubted: bool = False) -> None:
        """An agent said what it holds, and up to which generation its router matches."""
        site = (agent.tenant_id, agent.site_id)
        pursuit = self._pursuits.setdefault(site, Pursuit((0, 0), (0, 0)))
        pursuit.greeted(held, applied, doubted=doubted)
        self._snapshots.pop(site, None)
        self.wake(*site)

    def reported(self, agent: AgentRow, report: Reported) -> None:
        """An agent said what its router matches."""
        site = (agent.tenant_id, agent.site_id)
        stored = (report.epoch, report.stored)
        pursuit = self._pursuits.setdefault(site, Pursuit(stored, stored))
        pursuit.reported(report.epoch, report.stored, report.applied, report.digest)
        if pursuit.snapshot_until_s is None:
            self._snapshots.pop(site, None)
        if not pursuit.settled:
            self.wake(*site)

    def forget(self, agent: AgentRow) -> None:
        """An agent was revoked or replaced: what was assumed of it is void."""
        site = (agent.tenant_id, agent.site_id)
        self._pursuits.pop(site, None)
        self._snapshots.pop(site, None)

    # The loops

    async def run(self) -> None:
        """Work until cancelled; a bug in one site's turn ends everything, an outage is waited out."""
        async with asyncio.TaskGroup() as group:
            for number in range(_WORKERS):
                group.create_task(self._work(), name=f"publisher-{number}")
            group.create_task(self._tick(), name="publisher-tick")
            group.create_task(self._sweep(), name="publisher-sweep")

    async def _work(self) -> None:
        while True:
            site = await self._ready.get()
            self._queued.discard(site)
            self._busy.add(site)
            try:
                await self._serve(site)
            except DatabaseError as error:
                if not is_outage(error):
                    raise
                log.warning("publisher_waits_for_database", error=type(error).__name__)
                await asyncio.sleep(_OUTAGE_PAUSE_S)
                self._again.add(site)
            finally:
                self._busy.discard(site)
                if site in self._again:
                    self._again.discard(site)
                    self.wake(*site)

    async def _tick(self) -> None:
        """Wake the sites whose report is overdue."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = self._clock.monotonic_s()
            for site, pursuit in self._pursuits.items():
                if pursuit.resend_at_s is not None and now_s >= pursuit.resend_at_s and self._speaker.up:
                    self.wake(*site)

    async def _sweep(self) -> None:
        """Find the sites that are behind, whatever was missed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP_S):
                    await self._sweep_now.wait()
            self._sweep_now.clear()
            try:
                async with self._database.worker() as connection:
                    behind = await fleet.list_behind(connection)
            except DatabaseError as error:
                if not is_outage(error):
                    raise
                await asyncio.sleep(_OUTAGE_PAUSE_S)
                self._sweep_now.set()
                continue
            for found in behind:
                site = (found.tenant_id, found.site_id)
                if site not in self._pursuits:
                    stored = (found.reported_epoch, found.stored)
                    self._pursuits[site] = Pursuit(stored, stored)
                if self._pursuits[site].resend_at_s is None:
                    self.wake(*site)
            await asyncio.sleep(_SWEEP_PAUSE_S)

    # One site's turn

    async def _serve(self, site: Site) -> None:
        pursuit = self._pursuits.get(site)
        if not self._speaker.up:
            return  # `sweep_soon` is called when the link is back
        if pursuit is None:
            # Nothing was heard of its agent since we started: the sweep reads what it last reported.
            self.sweep_soon()
            return
        now_s = self._clock.monotonic_s()
        base = pursuit.base(now_s)
        async with self._database.worker() as connection:
            agent = await self._roster.find_at(connection, site[1])
            if agent is None:
                self._pursuits.pop(site, None)
                return
            changed = await fleet.load_changes(connection, *site, base)
            keys = await self._roster.keys(connection, site[0], self._clock.now())
            if pursuit.sent[1] != base:
                return  # the agent spoke meanwhile, and that has queued another turn
            what = pursuit.decide(changed.held, len(changed.rows), now_s)
            if what is Send.DELTA and not self._send_delta(pursuit, agent, keys, changed, base):
                what = Send.SNAPSHOT
            whole = await self._load_snapshot(connection, site, pursuit) if what is Send.SNAPSHOT else None
        if whole is not None:
            await self._send_snapshot(site, pursuit, agent, keys, whole)

    def _send_delta(self, pursuit: Pursuit, agent: AgentRow, keys: TenantKeys, changed: Desired, base: int) -> bool:
        """Send what is newer than `base`; False if it does not fit in one message."""
        delta = Delta(
            base=base,
            desired=changed.held,
            upserts=[row for _, row in changed.rows if row is not None],
            removals=[str(subscription) for subscription, row in changed.rows if row is None],
        )
        now_s = self._clock.monotonic_s()
        try:
            self._speaker.say(agent, keys, delta)
        except Malformed:
            return False
        except LinkDown:
            pursuit.not_sent(now_s)
            return True
        pursuit.delta_sent(now_s)
        SENT.labels("delta").inc()
        return True

    async def _load_snapshot(self, connection: Connection, site: Site, pursuit: Pursuit) -> Desired | None:
        """Read the whole state if a snapshot may go out now; otherwise come back later."""
        now_s = self._clock.monotonic_s()
        for lost in [other for other, until_s in self._snapshots.items() if now_s >= until_s]:
            del self._snapshots[lost]
        if len(self._snapshots) >= _SNAPSHOTS_MAX and site not in self._snapshots:
            pursuit.snapshot_wanted, pursuit.resend_at_s = True, now_s + _TICK_S
            return None
        self._snapshots[site] = now_s + SNAPSHOT_PATIENCE_S
        return await fleet.load_whole(connection, *site)

    async def _send_snapshot(
        self, site: Site, pursuit: Pursuit, agent: AgentRow, keys: TenantKeys, whole: Desired
    ) -> None:
        rows = [row for _, row in whole.rows if row is not None]
        # Deflating and hashing thousands of rows takes tens of milliseconds: not on the loop.
        packed, chunks = await asyncio.to_thread(pack, rows, epoch=whole.held.epoch, generation=whole.held.generation)
        manifest = packed.desired
        if manifest.digest != whole.held.digest:
            log.error("desired_digest_was_wrong", site=str(site[1]), generation=manifest.generation)
            async with self._database.worker() as connection:
                await fleet.mend_digest(connection, *site, manifest)
            pursuit.target = manifest
        try:
            self._speaker.say(agent, keys, packed)
            for chunk, part in chunks:
                self._speaker.say(agent, keys, chunk, attachment=part)
                await asyncio.sleep(0)
        except LinkDown:
            self._snapshots.pop(site, None)
            pursuit.not_sent(self._clock.monotonic_s())
            pursuit.snapshot_wanted = True
            return
        pursuit.snapshot_sent(manifest, self._clock.monotonic_s())
        SENT.labels("snapshot").inc()
        log.info(
            "snapshot_sent", agent=agent.name, rows=len(rows), epoch=manifest.epoch, generation=manifest.generation
        )
