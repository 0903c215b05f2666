"""Events on their way to the cloud: kept on disk until the cloud has committed them, sent in order, sent again."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.store.store import Store
from protocol.limits import EVENTS_PER_BATCH_MAX
from protocol.messages import Ack, ClockQuality, Event, Events

EVENTS_MAX: Final = 50_000
"""Some 15 MB. Beyond it the oldest are dropped, and counted."""
UNACKED_MAX: Final = 8 * EVENTS_PER_BATCH_MAX
RESEND_AFTER_US: Final = 30_000_000
BATCH_BYTES_MAX: Final = 90_000
"""Before compression: well under the limit of a message."""


@dataclass(frozen=True, slots=True)
class News:
    """An event without its number yet."""

    kind: str
    at: int
    quality: ClockQuality
    entitlement: str | None
    data: dict[str, Any]


class Outbox:
    """Owned by the agent's loop."""

    def __init__(self, store: Store, *, low: int, following: int) -> None:
        self._store = store
        self.low = low
        self.next = following
        self._sent = low
        self._on_disk_low = low
        self._sent_at_us = 0
        self._refused: list[int] = []
        self.dropped = 0
        self._fresh: list[News] = []

    @property
    def count(self) -> int:
        """How many events wait for the cloud's ack."""
        return self.next - self.low

    def add(self, news: News) -> None:
        """Note an event; `commit` makes it last."""
        self._fresh.append(news)

    @property
    def fresh(self) -> bool:
        """Whether something is noted but not committed."""
        return bool(self._fresh)

    def commit(self, *, settled: Iterable[str] = (), applied: int | None = None) -> None:
        """Write what was noted to disk in one transaction, with what it put an end to."""
        events = {}
        for number, news in enumerate(self._fresh, self.next):
            event = Event(
                number=number, kind=news.kind, at=news.at, quality=news.quality, entitlement=news.entitlement,
                data=news.data,
            )  # fmt: skip
            events[number] = event.model_dump_json(exclude_none=True)
        self._store.save_events(events, settled=settled, applied=applied)
        self.next += len(events)
        self._fresh.clear()
        if self.count > EVENTS_MAX:
            self.dropped += self.count - EVENTS_MAX
            self.low = self.next - EVENTS_MAX
            self._sent = max(self._sent, self.low)

    def begin_again(self) -> None:
        """Send from the lowest unacknowledged on: the connection is new."""
        self._sent = self.low

    def next_batch(self, now_us: int) -> Events | None:
        """Return what may be sent now: what is new, or everything again when no ack came."""
        if self._sent > self.low and now_us - self._sent_at_us > RESEND_AFTER_US:
            self._sent = self.low
        if self._sent >= self.next or self._sent - self.low >= UNACKED_MAX:
            return None
        batch: list[Event] = []
        size = 0
        while self._sent < self.next and len(batch) < EVENTS_PER_BATCH_MAX and size < BATCH_BYTES_MAX:
            text = self._store.find_event(self._sent)
            self._sent += 1
            if text is not None:
                size += len(text)
                batch.append(Event.model_validate(json.loads(text)))
        self._sent_at_us = now_us
        return Events(events=batch) if batch else None

    def acknowledged(self, ack: Ack) -> None:
        """Believe the cloud that it has committed these; they are deleted from disk by `tidy`, not one by one."""
        self._refused.extend(number for number in ack.refused if self.low <= number < self.next)
        if self.low <= ack.upto < self.next:
            self.low = ack.upto + 1
            self._sent = max(self._sent, self.low)

    def tidy(self) -> None:
        """Delete settled events from disk: once in a while, because every commit is an fsync."""
        if self._on_disk_low < self.low or self._refused:
            self._store.settle_events(range(self._on_disk_low, self.low), self._refused)
            self._on_disk_low = self.low
            self._refused.clear()
