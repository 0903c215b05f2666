"""The loop: takes what the cloud, the router and time bring, one thing after another, and answers."""

from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from edge_agent.domain.site import Pending
from edge_agent.errors import StoreTrouble
from edge_agent.link.inbox import Change, Intake
from edge_agent.link.mqtt import Inbound, LinkDown, LinkSaid, LinkUp
from edge_agent.mailbox import Stop
from edge_agent.parts import Parts
from edge_agent.progress import Progress
from edge_agent.routeros.said import Said
from protocol import limits
from protocol.codec import Message, decode
from protocol.errors import ProtocolError
from protocol.messages import (
    Ack,
    Body,
    Chunk,
    Command,
    Delta,
    Gone,
    Held,
    Hello,
    Keys,
    Manifest,
    Reported,
    Result,
    Welcome,
)

log = structlog.get_logger()

VERSION: Final = "0.1.0"
REPORT_EVERY_US: Final = 60_000_000
REPORT_DELAY_US: Final = 50_000
"""An apply that is faster than this is reported by one message instead of two."""
SYNC_WAIT_US: Final = 2_000_000
"""After a welcome, so long is the newer desired state waited for before time cuts anybody."""
TIDY_EVERY_US: Final = 2_000_000
HELLO_EVERY_US: Final = 6 * 3_600_000_000
"""The clock's trust is renewed well before it ages."""
SILENCE_US: Final = 600_000_000
"""A cloud that said nothing for so long on a standing connection is asked whether it is there."""
ANSWER_US: Final = 30_000_000
FAST_IDS_MAX: Final = 300
"""A change of more entitlements is left to a whole pass."""
COMMANDS_KEPT: Final = 200
IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a message was heard, by the boot clock, and when the cloud says that it sent it."""

    heard_boot_us: int
    sent_at: int


class DeadThread(RuntimeError):
    """A thread of ours ended by itself."""


class Agent:
    """One site's agent. Everything here runs in one thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._site = parts.site
        self._time = parts.time
        self._outbox = parts.outbox
        self._intake = Intake(parts.site)
        self.progress = Progress(parts.site, parts.time, parts.outbox)
        self._refused: dict[str, int] = {}
        self._received = parts.site.held.generation
        self._commands = list(parts.loaded.commands)
        self._connection = ""
        self._nonce = ""
        self._asked_us = 0
        self._heard_us = 0
        self._report_due_us = 0
        self._tidy_due_us = 0
        self._awaited: tuple[Held, int] | None = None
        self._trouble = ""
        self._stopping = False

    # The loop

    def run(self) -> None:
        """Work until a Stop comes."""
        self._begin()
        while not self._stopping:
            said = self._parts.mailbox.take(self._wait_s())
            if said is not None:
                self._guarded(said)
            if self._parts.mailbox.empty or self._clock.boot_us() >= self._report_due_us:
                self._round()
        self._end()

    def _begin(self) -> None:
        if self._parts.loaded.set_aside:
            self.progress.news("store", None, set_aside=self._parts.loaded.set_aside)
        self._time.look()
        if self._site.known:
            self._site.rejudge_all(self._time.instant())
            self._parts.roads.start()
        self._report_due_us = self._clock.boot_us()

    def _end(self) -> None:
        self._commit()
        self._outbox.tidy()
        self._time.save()

    def goodbye(self) -> bytes:
        """Make the word with which we leave."""
        return self._frame(Gone(connection=self._connection, reason="stopped"))

    def _wait_s(self) -> float:
        now = self._clock.boot_us()
        waits = [int(IDLE_S * 1e6), self._report_due_us - now]
        if self._site.next_due_at is not None and self._awaited is None:
            instant = self._time.instant().at
            waits.append(self._site.next_due_at - instant)
        if self._intake.ask_at is not None:
            waits.append(self._intake.ask_at - now)
        return max(min(waits), 0) / 1e6

    def _guarded(self, said: LinkSaid | Said | Stop) -> None:
        """A refusal or an outage changes nothing and is counted; a bug is left to crash."""
        try:
            self._handle(said)
        except ProtocolError as error:
            self._refused[error.code] = self._refused.get(error.code, 0) + 1
            log.warning("message refused", code=error.code, why=str(error))
        except StoreTrouble as error:
            self._trouble = error.what
            log.warning("store trouble", what=error.what, fix=error.fix)

    def _handle(self, said: LinkSaid | Said | Stop) -> None:
        match said:
            case Inbound():
                self._message(said)
            case LinkUp():
                self._link_up(said)
            case LinkDown():
                self._link_down(said)
            case Stop():
                self._stopping = True
            case _:
                if self.progress.take(said):
                    self._report_soon(0)

    def _round(self) -> None:
        """What is due: time, questions, reports, events."""
        now = self._clock.boot_us()
        if self._time.look():
            self._quality_changed()
        self._time_passes(now)
        question = self._intake.due(now, self._clock.random.random())
        if question is not None:
            self._say(question)
        if now >= self._report_due_us:
            self._report()
        self._events(now)
        if self._connection:
            self._listen(now)
        self._parts.status.refresh(now, self._status)
        if dead := self._parts.find_dead_thread():
            # A bug: better to start again, with the router left as it is, than to look alive.
            raise DeadThread(dead)

    # The cloud speaks

    def _message(self, inbound: Inbound) -> None:
        identity, time = self._parts.identity, self._time
        message = decode(
            "down",
            inbound.payload,
            agent=identity.agent,
            installation=identity.installation,
            find_verifier=lambda kid: self._parts.keys.verifier(kid, time.trust, inbound.boot_us),
        )
        time.signed(message.envelope.sent_at)
        self._heard_us = inbound.boot_us
        self._body(message, Stamp(inbound.boot_us, message.envelope.sent_at))

    def _body(self, message: Message, stamp: Stamp) -> None:
        now = self._clock.boot_us()
        match message.body:
            case Delta() as delta:
                if delta.desired.epoch == self._site.held.epoch:
                    self._received = max(self._received, delta.desired.generation)
                self._change(self._intake.delta(delta, now), stamp)
            case Manifest() as manifest:
                self._change(self._intake.manifest(manifest, now), stamp)
            case Chunk() as chunk:
                self._change(self._intake.chunk(chunk, message.attachment, now), stamp)
            case Welcome() as welcome:
                self._welcome(welcome, stamp)
            case _:
                self._small(message)

    def _small(self, message: Message) -> None:
        match message.body:
            case Ack() as ack:
                self._outbox.acknowledged(ack)
            case Command() as command:
                self._command(command, message.envelope.id)
            case Keys():
                self._parts.store.save_single("keys", self._parts.keys.accept(message.attachment))
            case _:
                self._refused["unknown-kind"] = self._refused.get("unknown-kind", 0) + 1

    def _change(self, change: Change | None, stamp: Stamp) -> None:
        """Store a change and set the router to work; without one, say again what is held."""
        if change is None:
            self._report_soon(REPORT_DELAY_US)
            return
        while change is not None:
            self._make(change, stamp)
            change = self._intake.next_early(self._clock.boot_us())

    def _make(self, change: Change, stamp: Stamp) -> None:
        site, time = self._site, self._time
        generation = change.held.generation
        if change.held.epoch != site.held.epoch:
            self._received = generation
        how = Pending(generation, "delta", "", stamp.sent_at, time.at(stamp.heard_boot_us), time.now_us())
        ids = {*change.upserts, *change.removals}
        self._parts.store.save_desired(
            change.held,
            upserts={id_: row for id_, (row, _) in change.upserts.items()},
            removals=change.removals,
            pending=dict.fromkeys(ids, how) if len(ids) <= limits.DELTA_ROWS_MAX else {},
        )
        how = replace(how, stored_at=time.now_us())
        rights = [right for _, right in change.upserts.values()]
        touched = site.change(change.held, rights, change.removals, time.instant(), how)
        self._received = max(self._received, generation)
        self._to_router(touched, "many changes")
        self.progress.forget_missing(change.removals)
        self._intake.stored()
        self._synced()
        self._report_soon(REPORT_DELAY_US)

    def _to_router(self, ids: set[str], reason: str) -> None:
        if not self._site.known:
            return
        self._parts.roads.start()
        if len(ids) > FAST_IDS_MAX:
            self._parts.roads.defer(ids, reason)
        elif ids:
            self._parts.roads.submit(ids)

    def _welcome(self, welcome: Welcome, stamp: Stamp) -> None:
        if welcome.nonce != self._nonce:
            return
        self._awaited = (welcome.desired, self._clock.boot_us() + SYNC_WAIT_US)
        if self._time.welcomed(welcome, stamp.sent_at, asked_us=self._asked_us, heard_us=stamp.heard_boot_us):
            self._quality_changed()
        self._intake.caught_up(welcome.desired)
        self._synced()

    def _synced(self) -> None:
        """Once the desired state that the cloud spoke of is held, it counts as heard, and time may cut again."""
        if self._awaited is None:
            return
        desired, until_us = self._awaited
        held = self._site.held
        if (held.epoch, held.generation) < (desired.epoch, desired.generation) and self._clock.boot_us() < until_us:
            return
        self._awaited = None
        self._time.heard()
        self._to_router(self._site.rejudge_all(self._time.instant()), "the cloud is heard again")

    def _command(self, command: Command, correlation: str) -> None:
        """Do a verb at most once, and not after its deadline."""
        if command.command_id in self._commands:
            return
        self._commands = [*self._commands, command.command_id][-COMMANDS_KEPT:]
        self._parts.store.save_single("commands", self._commands)
        if self._time.now_us() > command.not_after:
            self._say(Result(command_id=command.command_id, status="expired"), correlation)
            return
        match command.verb:
            case "resync":
                self._hello()
                self._parts.roads.ask_for_pass("asked by the cloud")
                result = Result(command_id=command.command_id, status="done")
            case "diagnose":
                result = Result(command_id=command.command_id, status="done", output=self._status())
            case _:
                result = Result(command_id=command.command_id, status="unsupported")
        self._say(result, correlation)

    # The link

    def _link_up(self, said: LinkUp) -> None:
        self._connection = said.connection
        self._outbox.begin_again()
        self._hello()
        self._report_soon(0)

    def _link_down(self, said: LinkDown) -> None:
        self._connection = ""
        self._awaited = None
        self._trouble = said.reason
        if self._time.unheard():
            log.info("link down", why=said.reason)
            self._to_router(self._site.rejudge_all(self._time.instant()), "the cloud is not heard")

    def _hello(self) -> None:
        self._nonce = self._clock.new_id()
        self._asked_us = self._clock.boot_us()
        self._say(
            Hello(
                nonce=self._nonce,
                agent_version=VERSION,
                boot=self._clock.boot_id(),
                connection=self._connection,
                held=self._site.held,
                applied=self._site.applied,
                keys_version=self._parts.keys.version,
                outbox_low=self._outbox.low,
                outbox_high=self._outbox.next - 1,
                capabilities=["pppoe"],
                clock=self._time.report(),
                router=self.progress.router,
            )
        )

    def _listen(self, now_us: int) -> None:
        """A broker may stand while the cloud is gone: ask it, and without an answer it counts as not heard."""
        silent_us = now_us - max(self._heard_us, self._asked_us)
        if silent_us > SILENCE_US or now_us - self._asked_us > HELLO_EVERY_US:
            self._hello()
        elif self._heard_us < self._asked_us < now_us - ANSWER_US and self._time.unheard():
            self._to_router(self._site.rejudge_all(self._time.instant()), "the cloud is not heard")

    # Time

    def _time_passes(self, now_us: int) -> None:
        if self._awaited is not None and now_us >= self._awaited[1]:
            self._synced()
        if self._awaited is None and self._site.known:
            self._to_router(self._site.take_due(self._time.instant()), "many expiries")

    def _quality_changed(self) -> None:
        report = self._time.report()
        self.progress.news("clock", None, quality=report.quality, offset_us=report.offset_us)
        if self._site.known and self._awaited is None:
            self._to_router(self._site.rejudge_all(self._time.instant()), "the clock changed")

    # Speaking

    def _report_soon(self, delay_us: int) -> None:
        self._report_due_us = min(self._report_due_us, self._clock.boot_us() + delay_us)

    def _report(self) -> None:
        self._report_due_us = self._clock.boot_us() + REPORT_EVERY_US
        self._say(self.reported())

    def reported(self) -> Reported:
        """Say what is received, stored and applied."""
        site = self._site
        refused = dict(self._refused)
        if dropped := self._parts.mailbox.dropped:
            refused["inbox-full"] = dropped
        if self._outbox.dropped:
            refused["outbox-full"] = self._outbox.dropped
        return Reported(
            epoch=site.held.epoch,
            received=max(self._received, site.held.generation),
            stored=site.held.generation,
            applied=site.applied,
            digest=site.held.digest,
            router_digest=site.router_digest,
            failed_count=len(self.progress.failed),
            failed=self.progress.list_failed(),
            drift_repaired=self.progress.drift_repaired,
            outbox=self._outbox.count,
            refused=refused,
            clock=self._time.report(),
            router=self.progress.router,
        )

    def _events(self, now_us: int) -> None:
        try:
            self._commit()
            if now_us >= self._tidy_due_us:
                self._tidy_due_us = now_us + TIDY_EVERY_US
                self._outbox.tidy()
        except StoreTrouble as error:
            self._trouble = error.what
        if self._connection:
            while (batch := self._outbox.next_batch(now_us)) is not None:
                self._say(batch)

    def _commit(self) -> None:
        settled = self.progress.settled
        if self._outbox.fresh or settled:
            self._outbox.commit(settled=settled, applied=self._site.applied)
            self.progress.settled = []

    def _say(self, body: Body, correlation: str | None = None) -> None:
        if self._connection:
            self._parts.link.publish(self._frame(body, correlation))

    def _frame(self, body: Body, correlation: str | None = None) -> bytes:
        return self._parts.speaker.frame(
            body, now_us=self._time.now_us(), quality=self._time.quality, correlation=correlation
        )

    def _status(self) -> dict[str, Any]:
        return {
            "agent": self._parts.identity.agent,
            "site": self._parts.identity.site_name,
            "version": VERSION,
            "at_us": self._time.now_us(),
            "connected": bool(self._connection),
            "entitlements": len(self._site.targets),
            "trouble": self._trouble if not self._connection else "",
            "last_pass": self.progress.last_pass,
            "reported": self.reported().model_dump(mode="json"),
        }
