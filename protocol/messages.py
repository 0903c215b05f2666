"""The bodies of all messages: what the cloud says down, and what an agent says up.

Down: welcome, manifest (of a snapshot) and chunk, delta, ack, command, keys. Up: hello, reported, events, resync,
result. On the will's topic: gone. Fields are only ever added, with defaults.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from protocol import limits
from protocol.entitlement import EntitlementId, Micros, Wire

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Counter = Annotated[int, Field(ge=0)]
Label = Annotated[str, Field(max_length=200)]

ClockQuality = Literal["trusted", "ntp", "holdover", "floor"]


class Body(Wire):
    """A message's body; `kind` is its name in the envelope."""

    kind: ClassVar[str]


class Held(Wire):
    """Which desired state somebody holds."""

    epoch: Counter = 0
    generation: Counter = 0
    digest: Digest = "0" * 64


# Down


class Welcome(Body):
    """The answer to a hello: its nonce comes back, so the envelope's time can be trusted."""

    kind: ClassVar[str] = "welcome"
    nonce: str = Field(max_length=64)
    desired: Held
    heard_at: Micros | None = None
    """When the hello arrived: between it and the envelope's `sent_at` the cloud worked, and nothing was in transit."""
    round_trip_bound_us: Counter = 30_000_000
    """A welcome that took longer than this since the hello says nothing about the time."""


class Manifest(Body):
    """A snapshot: the rows, joined by newlines and deflated, follow in `chunks` chunks."""

    kind: ClassVar[str] = "manifest"
    desired: Held
    count: Annotated[int, Field(ge=0, le=limits.ENTITLEMENTS_MAX)]
    sha256: Digest
    """Of the deflated bytes; it is also the snapshot's name in its chunks."""
    size_bytes: Annotated[int, Field(ge=0, le=limits.INFLATED_BYTES_MAX)]
    """Of the deflated bytes."""
    chunks: Annotated[int, Field(ge=1, le=limits.INFLATED_BYTES_MAX // limits.CHUNK_BYTES + 1)]


class Chunk(Body):
    """One part of a snapshot; its bytes are the message's attachment."""

    kind: ClassVar[str] = "chunk"
    sha256: Digest
    index: Counter


class Delta(Body):
    """What changed between two generations of one epoch. Rows are the exact texts."""

    kind: ClassVar[str] = "delta"
    base: Counter
    desired: Held
    """Digest: of the whole set after the change."""
    upserts: list[str] = Field(default_factory=list, max_length=limits.DELTA_ROWS_MAX)
    removals: list[EntitlementId] = Field(default_factory=list, max_length=limits.DELTA_ROWS_MAX)


class Ack(Body):
    """Events up to and including this outbox number are committed in the cloud, and may be deleted on site."""

    kind: ClassVar[str] = "ack"
    upto: Counter
    refused: list[Counter] = Field(default_factory=list, max_length=limits.EVENTS_PER_BATCH_MAX)
    """Events the cloud will never take: they are settled, but set aside on site for a look."""


class Command(Body):
    """A verb, done at most once and not after its deadline; desired state is never a command."""

    kind: ClassVar[str] = "command"
    command_id: str = Field(max_length=64)
    verb: str = Field(max_length=32)
    """resync | diagnose | renew-certificate; an unknown verb is answered `unsupported`."""
    not_after: Micros
    arguments: dict[str, Any] = Field(default_factory=dict)


class Keys(Body):
    """A new key list, as the root-signed frame in the attachment."""

    kind: ClassVar[str] = "keys"
    version: Counter


# Up


class ClockReport(Wire):
    """How the site knows the time."""

    quality: ClockQuality = "floor"
    offset_us: int | None = None
    """Site minus cloud at the last welcome."""


class RouterReport(Wire):
    """How the router is."""

    reachable: bool = False
    since: Micros | None = None
    identity: Label = ""
    version: Label = ""
    uptime_s: Counter | None = None
    cpu_load_percent: Counter | None = None
    trouble: Label = ""
    """In words, when it is not reachable or refuses us."""


class FailedRow(Wire):
    """An entitlement that the router does not match, and why."""

    id: EntitlementId
    code: str = Field(max_length=64)
    """conflict | unsupported | refused | seal-broken | ..."""
    message: Label = ""
    since: Micros


class Hello(Body):
    """Said on every connection: what I am and what I hold."""

    kind: ClassVar[str] = "hello"
    nonce: str = Field(max_length=64)
    agent_version: Label
    boot: str = Field(max_length=64)
    connection: str = Field(max_length=64)
    held: Held
    applied: Counter = 0
    keys_version: Counter = 0
    outbox_low: Counter = 0
    outbox_high: Counter = 0
    capabilities: list[str] = Field(default_factory=list, max_length=64)
    clock: ClockReport = ClockReport()
    router: RouterReport = RouterReport()


class Reported(Body):
    """Three generations, never one: received, stored, applied (read back from the router)."""

    kind: ClassVar[str] = "reported"
    epoch: Counter
    received: Counter
    stored: Counter
    applied: Counter
    digest: Digest
    """Of the rows stored."""
    router_digest: Digest
    """Of the stored rows that the router was last read back to match; equals `digest` when converged."""
    failed_count: Counter = 0
    failed: list[FailedRow] = Field(default_factory=list, max_length=limits.FAILED_ROWS_MAX)
    drift_repaired: Counter = 0
    outbox: Counter = 0
    refused: dict[str, Counter] = Field(default_factory=dict)
    """Messages from the cloud that were refused, by code."""
    clock: ClockReport = ClockReport()
    router: RouterReport = RouterReport()


class Event(Wire):
    """One thing that happened on site; delivered at least once, taken exactly once by (installation, number)."""

    number: Annotated[int, Field(ge=1)]
    kind: str = Field(max_length=32)
    """applied | online | offline | cut | drift | conflict | clock | router | refused | store."""
    at: Micros
    quality: ClockQuality
    entitlement: EntitlementId | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class Events(Body):
    """A batch from the outbox, in order; closed only by the cloud's ack."""

    kind: ClassVar[str] = "events"
    events: list[Event] = Field(min_length=1, max_length=limits.EVENTS_PER_BATCH_MAX)


class Resync(Body):
    """The agent cannot go on from what it holds: it asks for a snapshot or a delta from there."""

    kind: ClassVar[str] = "resync"
    held: Held
    reason: Label
    snapshot: bool = False
    """True when even the held rows are doubted (digest mismatch, store lost)."""


class Result(Body):
    """The outcome of a command."""

    kind: ClassVar[str] = "result"
    command_id: str = Field(max_length=64)
    status: Literal["done", "failed", "expired", "unsupported"]
    output: dict[str, Any] = Field(default_factory=dict)


class Gone(Body):
    """The will, or a goodbye. Ignored unless `connection` is the current one."""

    kind: ClassVar[str] = "gone"
    connection: str = Field(max_length=64)
    reason: Label = ""


DOWN: dict[str, type[Body]] = {body.kind: body for body in (Welcome, Manifest, Chunk, Delta, Ack, Command, Keys)}
UP: dict[str, type[Body]] = {body.kind: body for body in (Hello, Reported, Events, Resync, Result, Gone)}
