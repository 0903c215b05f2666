"""One simulated agent: says hello, verifies, holds what is desired, reports it as applied, and asks when in doubt."""

import asyncio
import base64
import random
from dataclasses import dataclass
from typing import Any, Final, Literal

from lab.clock import Clock
from lab.fleet.desired import Desired, Outcome
from lab.fleet.figures import Figures
from lab.fleet.identity import Identity
from lab.fleet.wire import Where, Wire
from protocol.codec import Message, decode, encode
from protocol.envelope import Envelope
from protocol.errors import ProtocolError
from protocol.keylist import KeyList, open_key_list
from protocol.limits import EVENTS_PER_BATCH_MAX, GAP_WAIT_S
from protocol.messages import (
    Ack,
    Body,
    Chunk,
    ClockReport,
    Command,
    Delta,
    Event,
    Events,
    Gone,
    Hello,
    Keys,
    Manifest,
    Reported,
    Result,
    Resync,
    RouterReport,
    Welcome,
)
from protocol.signing import Verifier, from_text
from protocol.topics import topic

BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 5.0
STABLE_S: Final = 60.0
"""A connection that lived shorter than this does not begin the backoff anew."""
ASK_FIRST_S: Final = 1.0
ASK_MAX_S: Final = 300.0
SNAPSHOT_WAIT_S: Final = 30.0
OUTBOX_MAX: Final = 1_000
EVENTS_PER_CHANGE_MAX: Final = 50
VERSION: Final = "lab-fleet"


@dataclass(slots=True)
class Manner:
    """How all agents of a fleet behave; may be changed at any time."""

    apply_s: float = 0.0
    """How long the router that is not there takes to match."""
    apply_spread: float = 0.0
    """The time is stretched by up to this share, at random."""
    paused: bool = False
    """Connected, storing, and applying nothing."""
    events: bool = True
    """An event `applied` for each row that a delta touched, through an outbox that the cloud acknowledges."""
    backoff_first_s: float = BACKOFF_FIRST_S
    backoff_max_s: float = BACKOFF_MAX_S


@dataclass(slots=True)
class Shared:
    """What the agents of one process have in common."""

    manner: Manner
    figures: Figures
    clock: Clock
    chance: random.Random
    openings: asyncio.Semaphore
    """How many connections may be opening at once: the handshakes of one process share one processor."""


class Agent:
    """Runs as one task. Everything else of it happens in callbacks of the loop."""

    def __init__(self, identity: Identity, shared: Shared) -> None:
        self.identity = identity
        self.desired = Desired()
        self.applied = 0
        self.connected = False
        self.wanted = asyncio.Event()
        """Cleared, the agent stays away."""
        self._shared = shared
        self._answer = identity.answer
        self._root = Verifier(from_text(self._answer.root_key, 32))
        self._keys: KeyList = self._open_keys(base64.b64decode(self._answer.key_list), 0)
        self._verifiers: dict[str, Verifier] = {}
        start = shared.clock.now_us()
        self._sequence = start  # grows over restarts, as long as the clock does
        self._boot = f"b-{start:x}"
        self._connection = ""
        self._nonce = ""
        self._refused: dict[str, int] = {}
        self._outbox: dict[int, Event] = {}
        self._event_number = start
        self._changed_at_us: int | None = None
        self._applying: asyncio.TimerHandle | None = None
        self._asking: asyncio.TimerHandle | None = None
        self._ask_pause_s = ASK_FIRST_S
        self._wire: Wire | None = None

    # -- the connection -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and reconnect, for ever, whenever it is wanted."""
        failures = 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self.wanted.wait()
                began_s = loop.time()
                why = await self._one_connection()
                if not self.wanted.is_set():
                    failures = 0
                    continue
                failures = 0 if loop.time() - began_s > STABLE_S else failures + 1
                self._shared.figures.failures[why[:80]] += 1
                cap_s = min(self._manner.backoff_max_s, self._manner.backoff_first_s * 2 ** min(failures, 12))
                await asyncio.sleep(self._shared.chance.uniform(0, cap_s))  # full jitter
        finally:
            self._stop_asking()
            self._stop_applying()
            if self._wire is not None:
                self._wire.close("the fleet ends")

    @property
    def _manner(self) -> Manner:
        return self._shared.manner

    async def _one_connection(self) -> str:
        """Connect and stay until it ends; returns why it ended."""
        figures = self._shared.figures
        self._connection = f"c-{self._next():x}"
        try:
            async with self._shared.openings:
                if not self.wanted.is_set():
                    return "not wanted any more"
                began_us = self._shared.clock.monotonic_us()
                wire = self._wire = Wire(self._where(), self.identity.tls_context, self._hear)
                await wire.open(self._frame(Gone(connection=self._connection, reason="will")))
        except OSError as error:
            return f"{type(error).__name__}: {error}"
        figures.opens_us.append(self._shared.clock.monotonic_us() - began_us)
        figures.connects += 1
        self.connected = True
        self._hello()
        why = await wire.lost
        self.connected = False
        self._wire = None
        self._stop_asking()
        return why

    def _where(self) -> Where:
        name, shard, broker = self._answer.agent, self._answer.shard, self._answer.broker
        topics = [topic(shard, name, stream) for stream in ("dn", "up", "lw")]
        return Where(broker.host, broker.port, name, *topics)

    def leave(self, how: Literal["goodbye", "kill"], *, forget: bool = False) -> None:
        """Go and stay away: with a goodbye, or as a power cut does. With `forget` it will come back knowing nothing."""
        self.wanted.clear()
        wire = self._wire
        if wire is not None and how == "goodbye":
            wire.say(self._where().will, self._frame(Gone(connection=self._connection, reason="goodbye")))
            wire.goodbye()
        elif wire is not None:
            wire.close("killed")
        if forget:
            self.desired.forget()
            self.applied = 0
            self._outbox.clear()
        if how == "kill":
            self._boot = f"b-{self._next():x}"
            self._stop_applying()  # whoever is only offline goes on applying

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _stop_applying(self) -> None:
        if self._applying is not None:
            self._applying.cancel()
            self._applying = None

    # -- speaking -----------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _frame(self, body: Body, correlation: str | None = None) -> bytes:
        number = self._next()
        envelope = Envelope(
            kind=body.kind, id=f"m-{number:x}", agent=self._answer.agent, installation=self._answer.installation,
            sequence=number, sent_at=self._shared.clock.now_us(), correlation=correlation,
            body=body.model_dump(mode="json"),
        )  # fmt: skip
        return encode("up", envelope, self.identity.signer)

    def _say(self, body: Body, correlation: str | None = None) -> bool:
        if self._wire is None:
            return False
        payload = self._frame(body, correlation)
        said = self._wire.say(self._where().up, payload)
        if said:
            self._shared.figures.said[body.kind] += 1
            self._shared.figures.bytes_up += len(payload)
        return said

    def _hello(self) -> None:
        self._nonce = f"n-{self._next():x}"
        self._say(
            Hello(
                nonce=self._nonce, agent_version=VERSION, boot=self._boot, connection=self._connection,
                held=self.desired.held, applied=self.applied, keys_version=self._keys.version,
                outbox_low=min(self._outbox, default=self._event_number + 1), outbox_high=self._event_number,
                capabilities=["pppoe"], clock=ClockReport(quality="trusted"), router=RouterReport(reachable=True),
            )
        )  # fmt: skip
        self._send_events(list(self._outbox.values()))

    def _report(self) -> None:
        held = self.desired.held
        matches = self.applied == held.generation
        self._say(
            Reported(
                epoch=held.epoch, received=held.generation, stored=held.generation,
                applied=min(self.applied, held.generation), digest=held.digest,
                router_digest=held.digest if matches else "0" * 64, outbox=len(self._outbox), refused=self._refused,
                clock=ClockReport(quality="trusted"), router=RouterReport(reachable=True, identity="simulated"),
            )
        )  # fmt: skip

    # -- hearing ------------------------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        figures = self._shared.figures
        figures.bytes_down += len(payload)
        try:
            message = decode(
                "down", payload, agent=self._answer.agent, installation=self._answer.installation,
                find_verifier=self._verifier,
            )  # fmt: skip
            figures.heard[message.envelope.kind] += 1
            self._take(message)
        except ProtocolError as error:
            figures.refused[error.code] += 1
            self._refused[error.code] = self._refused.get(error.code, 0) + 1
            self._report()

    def _take(self, message: Message) -> None:
        match message.body:
            case Delta():
                self._outcome(self.desired.delta(message.body), message)
            case Manifest():
                self._outcome(self.desired.manifest(message.body), message)
            case Chunk():
                self._outcome(self.desired.chunk(message.body, message.attachment), message)
            case _:
                self._take_other(message)

    def _take_other(self, message: Message) -> None:
        match message.body:
            case Welcome():
                self._welcome(message.body)
            case Ack():
                for number in [number for number in self._outbox if number <= message.body.upto]:
                    del self._outbox[number]
            case Keys():
                self._keys = self._open_keys(message.attachment, self._keys.version)
                self._verifiers.clear()
            case Command():
                self._command(message.body, message.envelope.id)
            case _:
                pass  # a kind of a later version: ignored, as the protocol wants

    def _welcome(self, welcome: Welcome) -> None:
        if welcome.nonce != self._nonce:
            return  # the answer to an earlier hello
        if welcome.desired == self.desired.held and self.desired.known:
            self._report()
            self.apply_rest()
        else:
            self._ask_in(SNAPSHOT_WAIT_S, "nothing came after the welcome", snapshot=False)

    def _command(self, command: Command, message_id: str) -> None:
        if command.not_after < self._shared.clock.now_us():
            self._say(Result(command_id=command.command_id, status="expired"), message_id)
            return
        known = command.verb in {"resync", "diagnose"}
        if command.verb == "resync":
            self._ask_in(0.0, "told to", snapshot=True)
        self._say(Result(command_id=command.command_id, status="done" if known else "unsupported"), message_id)

    def _open_keys(self, frame: bytes, at_least: int) -> KeyList:
        return open_key_list(frame, root=self._root, tenant=self._answer.tenant, at_least=at_least)

    def _verifier(self, kid: str) -> Verifier:
        found = self._verifiers.get(kid)
        if found is None:
            found = self._verifiers[kid] = self._keys.verifier(kid)
        return found

    # -- desired state ------------------------------------------------------------------------------------------

    def _outcome(self, outcome: Outcome | None, message: Message) -> None:
        match outcome:
            case "stored":
                self._stored(message)
            case "known":
                self._report()  # it was sent again: what was said before did not arrive
            case "waiting":
                self._ask_in(SNAPSHOT_WAIT_S, "the snapshot is not complete", snapshot=True)
            case "gap":
                self._ask_in(GAP_WAIT_S, "a gap before the delta", snapshot=False)
            case "another-epoch":
                self._ask_in(0.0, "another epoch", snapshot=not self.desired.known)
            case "digest":
                self._ask_in(0.0, "the digest does not hold", snapshot=True)
            case None:
                pass

    def _stored(self, message: Message) -> None:
        touched = self.desired.touched
        self._changed_at_us = self._changed_at_us or message.envelope.sent_at
        self._ask_pause_s = ASK_FIRST_S
        self._stop_asking()
        self._outcome(self.desired.early(), message)
        self._begin_to_apply(touched)

    def _begin_to_apply(self, touched: list[str]) -> None:
        manner = self._manner
        wait_s = manner.apply_s * (1 + self._shared.chance.random() * manner.apply_spread)
        if wait_s <= 0 and not manner.paused:
            self._apply(touched)
            return
        self._report()  # stored, and not applied yet
        if self._applying is None and not manner.paused:
            self._applying = asyncio.get_running_loop().call_later(wait_s, self._apply, touched)

    def apply_rest(self) -> None:
        """Apply what a pause or a power cut kept back."""
        if self.desired.known and self.applied != self.desired.held.generation and self._applying is None:
            self._begin_to_apply([])

    def _apply(self, touched: list[str]) -> None:
        self._applying = None
        if self._manner.paused:
            return
        self.applied = self.desired.held.generation
        self._report()
        if self._changed_at_us is not None:
            self._shared.figures.lags_us.append(self._shared.clock.now_us() - self._changed_at_us)
            self._changed_at_us = None
        if self._manner.events and touched:
            self._note(touched[:EVENTS_PER_CHANGE_MAX])

    def _note(self, touched: list[str]) -> None:
        now_us, fresh = self._shared.clock.now_us(), []
        for row_id in touched:
            if len(self._outbox) >= OUTBOX_MAX:
                del self._outbox[min(self._outbox)]
            self._event_number += 1
            data: dict[str, Any] = {"generation": self.applied, "access": "simulated"}
            event = Event(
                number=self._event_number, kind="applied", at=now_us, quality="trusted", entitlement=row_id, data=data
            )
            self._outbox[event.number] = event
            fresh.append(event)
        self._send_events(fresh)

    def _send_events(self, events: list[Event]) -> None:
        for at in range(0, len(events), EVENTS_PER_BATCH_MAX):
            self._say(Events(events=events[at : at + EVENTS_PER_BATCH_MAX]))

    def _ask_in(self, wait_s: float, reason: str, *, snapshot: bool) -> None:
        """Ask the cloud after a while, unless something is stored before; one question at a time."""
        if self._asking is not None:
            if wait_s > 0:
                return
            self._asking.cancel()
        self._asking = asyncio.get_running_loop().call_later(wait_s, self._ask, reason, snapshot)

    def _ask(self, reason: str, snapshot: bool) -> None:  # noqa: FBT001  # call_later passes no names
        self._say(Resync(held=self.desired.held, reason=reason, snapshot=snapshot or not self.desired.known))
        pause_s = ASK_FIRST_S + self._shared.chance.uniform(0, self._ask_pause_s)
        self._ask_pause_s = min(self._ask_pause_s * 2, ASK_MAX_S)
        self._asking = asyncio.get_running_loop().call_later(pause_s, self._ask, reason, snapshot)
