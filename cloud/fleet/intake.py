"""Takes in what agents say: nothing is believed before its signature, and nothing is acknowledged before its commit.

Each transaction asks again whether the agent is revoked. What is malformed, forged, foreign or old is counted and
changes nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

import structlog

from cloud.clock import micros
from cloud.db import fleet
from cloud.db.engine import Connection, Database
from cloud.db.failures import DatabaseError, is_conflict, is_outage
from cloud.db.fleet import AgentRow
from cloud.fleet.counts import REFUSED, TAKEN
from cloud.fleet.events import check, fits
from cloud.fleet.link import Arrived, LinkDown
from cloud.fleet.publisher import Publisher
from cloud.fleet.roster import Roster
from cloud.fleet.speaker import Speaker
from cloud.ports import Clock
from protocol.codec import Message, decode
from protocol.errors import Forged, ProtocolError
from protocol.messages import Ack, Body, Events, Gone, Held, Hello, Keys, Reported, Result, Resync, Welcome
from protocol.signing import Verifier
from protocol.topics import parse_topic

log = structlog.get_logger(__name__)

_WORKERS = 4
_WAITING_MAX = 1_000
"""Per worker; when all are full, the link's inbox fills and then drops, and agents repeat what was not acknowledged."""
_OUTAGE_PAUSE_S = 0.25
_CONFLICT_TRIES = 5
_SEQUENCE_MAX = 2**63


class Refusal(Exception):
    """A message that changes nothing, by its code."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message being taken in."""

    connection: Connection
    agent: AgentRow
    message: Message


class Intake:
    """Several messages at once, but those of one agent in the order they came."""

    def __init__(
        self,
        database: Database,
        roster: Roster,
        speaker: Speaker,
        publisher: Publisher,
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        self._database = database
        self._roster = roster
        self._speaker = speaker
        self._publisher = publisher
        self._clock = clock
        self._new_id = new_id
        self._lanes: list[asyncio.Queue[Arrived]] = [asyncio.Queue(_WAITING_MAX) for _ in range(_WORKERS)]
        self._outbox_low: dict[str, int] = {}
        self._gaps: dict[str, int] = {}

    async def run(self, inbox: asyncio.Queue[Arrived]) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(self._lanes):
                group.create_task(self._work(lane), name=f"intake-{number}")
            while True:
                arrived = await inbox.get()
                await self._lanes[crc32(arrived.topic.rpartition("/")[0].encode()) % _WORKERS].put(arrived)

    async def _work(self, lane: asyncio.Queue[Arrived]) -> None:
        while True:
            arrived = await lane.get()
            conflicts = 0
            while True:
                try:
                    await self.take(arrived)
                    break
                except DatabaseError as error:
                    conflicts += is_conflict(error)
                    if not is_outage(error) and not 0 < conflicts < _CONFLICT_TRIES:
                        # The database refuses what this message says: it must not stop those of others.
                        log.exception("intake_failed", topic=arrived.topic)
                        REFUSED.labels("database").inc()
                        break
                    await asyncio.sleep(_OUTAGE_PAUSE_S if is_outage(error) else 0)

    async def take(self, arrived: Arrived) -> None:
        """Take in one message; whatever is wrong with it is counted here."""
        try:
            topic = parse_topic(arrived.topic)
            agent = await self._author(topic.agent)
            message = self._open(agent, arrived.payload)
            if message.body is None:
                raise Refusal("unknown-kind")
            await self._effect(agent, message, message.body)
            TAKEN.labels(message.envelope.kind).inc()
        except ProtocolError as error:
            self._refuse(error.code, arrived, str(error))
        except Refusal as error:
            self._refuse(str(error), arrived, "")

    def _refuse(self, code: str, arrived: Arrived, why: str) -> None:
        REFUSED.labels(code).inc()
        log.warning("message_refused", code=code, topic=arrived.topic[:100], why=why)

    async def _author(self, name: str) -> AgentRow:
        agent = self._roster.known(name)
        if agent is None and not self._roster.is_stranger(name):
            async with self._database.worker() as connection:
                agent = await self._roster.find(connection, name)
        if agent is None:
            raise Refusal("unknown-agent")
        if not agent.active:
            raise Refusal("revoked")
        return agent

    def _open(self, agent: AgentRow, payload: bytes) -> Message:
        verifier = Verifier(bytes(agent.signing_key))

        def find(kid: str) -> Verifier:
            if kid != verifier.kid:
                raise Forged(f"key {kid} is not the agent's")
            return verifier

        message = decode("up", payload, agent=agent.name, installation=agent.installation, find_verifier=find)
        if message.envelope.sequence >= _SEQUENCE_MAX:
            raise Refusal("malformed")
        return message

    async def _effect(self, agent: AgentRow, message: Message, body: Body) -> None:
        match body:
            case Hello():
                await self._hello(agent, message, body)
            case Reported():
                await self._reported(agent, message, body)
            case Events():
                await self._events(agent, message, body)
            case Resync():
                await self._resync(agent, message, body)
            case Gone():
                await self._gone(agent, body)
            case Result():
                log.info("command_result", agent=agent.name, command=body.command_id, status=body.status)
            case _:
                raise Refusal("unknown-kind")

    # One kind each

    async def _hello(self, agent: AgentRow, message: Message, hello: Hello) -> None:
        now = self._clock.now()
        async with self._database.worker() as connection:
            turn = Turn(connection, agent, message)
            await self._in_order(turn, hello.connection)
            head = await self._head(turn, hello.held)
            keys = await self._roster.keys(connection, agent.tenant_id, now)
        self._outbox_low[agent.installation] = hello.outbox_low
        welcome = Welcome(nonce=hello.nonce, desired=head, heard_at=micros(now))
        try:
            if hello.keys_version < keys.version:
                self._speaker.say(agent, keys, Keys(version=keys.version), attachment=keys.key_list)
            self._speaker.say(agent, keys, welcome, correlation=message.envelope.id)
        except LinkDown:
            return  # the agent will connect again, as we shall
        log.info("agent_connected", agent=agent.name, version=hello.agent_version, clock=hello.clock.quality)
        self._publisher.greeted(agent, hello.held, hello.applied)

    async def _reported(self, agent: AgentRow, message: Message, report: Reported) -> None:
        async with self._database.worker() as connection:
            await self._in_order(Turn(connection, agent, message))
            await fleet.save_report(connection, agent, report, self._clock.now())
        self._publisher.reported(agent, report)

    async def _events(self, agent: AgentRow, message: Message, batch: Events) -> None:
        numbers = [event.number for event in batch.events]
        if sorted(set(numbers)) != numbers:
            raise Refusal("malformed")
        now = self._clock.now()
        checked = check(batch.events, self._new_id)
        async with self._database.worker() as connection:
            if not await fleet.hear(connection, agent, message.envelope.sequence, now):
                raise self._revoked(agent)
            stored = await fleet.find_last_event(connection, agent)
            if not fits(numbers[0], stored, self._outbox_low.get(agent.installation)):
                self._gap(agent, numbers[0])
            await fleet.take_events(connection, agent, checked.taken, now)
            keys = await self._roster.keys(connection, agent.tenant_id, now)
        self._gaps.pop(agent.installation, None)
        if checked.refused:
            log.warning("events_refused", agent=agent.name, numbers=checked.refused)
        try:
            ack = Ack(upto=numbers[-1], refused=checked.refused)
            self._speaker.say(agent, keys, ack, correlation=message.envelope.id)
        except LinkDown:
            return  # the agent sends the batch again, and it changes nothing

    def _gap(self, agent: AgentRow, first: int) -> None:
        """Wait for what is missing before `first`, once: sent again the same, it is all that the agent still has."""
        earlier = self._gaps.get(agent.installation)
        if earlier == first:
            del self._gaps[agent.installation]
            log.error("events_missing", agent=agent.name, before=first)
            return
        self._gaps[agent.installation] = min(first, earlier or first)
        raise Refusal("gap")

    async def _resync(self, agent: AgentRow, message: Message, resync: Resync) -> None:
        async with self._database.worker() as connection:
            turn = Turn(connection, agent, message)
            await self._in_order(turn)
            await self._head(turn, resync.held)
        log.warning("agent_asks_resync", agent=agent.name, reason=resync.reason)
        self._publisher.greeted(agent, resync.held, doubted=resync.snapshot)

    async def _gone(self, agent: AgentRow, gone: Gone) -> None:
        async with self._database.worker() as connection:
            left = await fleet.forget_connection(connection, agent, gone.connection, self._clock.now())
        if left:
            log.info("agent_gone", agent=agent.name, reason=gone.reason)

    # What they share

    async def _in_order(self, turn: Turn, connected_as: str | None = None) -> None:
        """Refuse what is revoked or not newer than the last message."""
        sequence, now = turn.message.envelope.sequence, self._clock.now()
        if await fleet.hear_in_order(turn.connection, turn.agent, sequence, now, connected_as):
            return
        current = await self._roster.find(turn.connection, turn.agent.name)
        if current is None or not current.active:
            raise self._revoked(turn.agent)
        raise Refusal("replayed")

    def _revoked(self, agent: AgentRow) -> Refusal:
        self._roster.forget(agent.name)
        return Refusal("revoked")

    async def _head(self, turn: Turn, held: Held) -> Held:
        """Return the desired state's head. An agent ahead of it proves that our history was cut: a new epoch begins
        above it."""
        agent = turn.agent
        head = (await fleet.load_changes(turn.connection, agent.tenant_id, agent.site_id, 2**62)).held
        if (held.epoch, held.generation) > (head.epoch, head.generation):
            epoch = await fleet.raise_epoch(turn.connection, agent.tenant_id, agent.site_id, held.epoch)
            log.error("agent_was_ahead", agent=agent.name, held=held.generation, desired=head.generation, epoch=epoch)
            head = head.model_copy(update={"epoch": epoch})
        return head
