"""Take callbacks in: commit them in groups, or let them wait in the spool while the database is gone.

While one group is being committed the next gathers, so one caller waits for one commit, and a thousand callers
a second share some of them.
"""

import asyncio
import base64
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Protocol
from uuid import UUID

from cloud.db.inbox import DatabaseGone, InboxRow, RowsRefused
from cloud.payments.spool import Segment, Spool, SpoolFull, SpoolRecord
from cloud.ports import Clock

GROUP_MAX = 100
WAITING_MAX = 5_000
"""Some seconds of the fastest intake measured; beyond it the rail must slow down."""
RETRY_AFTER_S = 1.0
"""How long the database is left alone after it failed, so that an outage costs each caller no timeout."""
DRAIN_EVERY_S = 1.0

_log = logging.getLogger(__name__)


class InboxUnavailable(Exception):
    """Neither database nor disk takes the callback: the rail must send it again."""


class Writer(Protocol):
    """Commits a group of rows: `cloud.db.inbox.InboxWriter`, or one that fails as a test says."""

    async def write(self, rows: Sequence[InboxRow]) -> None:
        """Commit all rows or none; raise DatabaseGone or RowsRefused."""
        ...

    async def ping(self) -> None:
        """Raise DatabaseGone unless the database answers."""
        ...


class Inbox:
    """The one road of a process by which callbacks are stored before they are answered.

    `on_stored` is called after each commit: a poster in the same process need not wait for its notification.
    """

    def __init__(
        self,
        writer: Writer,
        drain_writer: Writer,
        spool: Spool,
        clock: Clock,
        on_stored: Callable[[], None] = lambda: None,
    ) -> None:
        self._writer = writer
        self._drain_writer = drain_writer
        self._spool = spool
        self._clock = clock
        self._on_stored = on_stored
        self._waiting: deque[tuple[InboxRow, asyncio.Future[None]]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._retry_at_s = 0.0

    @property
    def waiting(self) -> int:
        """How many callbacks wait for their commit."""
        return len(self._waiting)

    @property
    def spooled_bytes(self) -> int:
        """How much waits in the spool for the database."""
        return self._spool.size_bytes()

    async def store(self, row: InboxRow) -> None:
        """Return once the callback is on disk, in the database or the spool; else raise InboxUnavailable."""
        if len(self._waiting) >= WAITING_MAX:
            raise InboxUnavailable(f"{WAITING_MAX} callbacks wait already")
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, stored))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._store_waiting())
        # Shielded: a client that hangs up must not take the group down with it.
        await asyncio.shield(stored)

    async def drain(self) -> int:
        """Move what waits in the spool into the inbox, each record once; return how many there were."""
        if await asyncio.to_thread(self._spool.is_empty):
            return 0
        await self._drain_writer.ping()
        moved = 0
        with closing(self._spool.drain()) as segments:
            for segment in segments:
                moved += await self._drain_segment(segment)
        _log.warning("moved %d callbacks from the spool into the inbox", moved)
        return moved

    async def drain_forever(self) -> None:
        """Drain at the start and whenever the database is back, until cancelled."""
        while True:
            try:
                await self.drain()
            except DatabaseGone:
                _log.info("the spool waits for the database")
            except OSError:
                _log.exception("the spool cannot be read; check the disk")
            await self._clock.sleep(DRAIN_EVERY_S)

    async def _store_waiting(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
            try:
                await self._store_group([row for row, _ in group])
            except BaseException as error:
                _settle(group, error)
                if not isinstance(error, InboxUnavailable):
                    raise
            else:
                _settle(group, None)

    async def _store_group(self, rows: list[InboxRow]) -> None:
        if self._clock.monotonic_s() < self._retry_at_s:
            await self._keep(rows)
            return
        try:
            await self._write(rows)
        except DatabaseGone as error:
            _log.warning("the database is gone, callbacks wait in the spool: %s", error)
            self._retry_at_s = self._clock.monotonic_s() + RETRY_AFTER_S
            await self._keep(rows)

    async def _write(self, rows: list[InboxRow]) -> None:
        try:
            await self._writer.write(rows)
            self._on_stored()
        except RowsRefused:
            if len(rows) > 1:
                for row in rows:
                    await self._write([row])
                return
            _log.exception("the database refused a callback; it is kept in the spool")
            await self._keep(rows)

    async def _keep(self, rows: list[InboxRow]) -> None:
        try:
            await asyncio.to_thread(self._spool.append, [_encode(row) for row in rows])
        except SpoolFull as error:
            _log.exception("callbacks can be stored nowhere; the rail is asked to send them again")
            raise InboxUnavailable(str(error)) from error

    async def _drain_segment(self, segment: Segment) -> int:
        records, moved, refused = segment.records(), 0, False
        while batch := await asyncio.to_thread(_take, records):
            moved += len(batch)
            if not await self._drained(batch):
                for row in batch:
                    refused |= not await self._drained([row])
        await asyncio.to_thread(segment.set_aside if refused else segment.remove)
        return moved

    async def _drained(self, rows: list[InboxRow]) -> bool:
        try:
            await self._drain_writer.write(rows)
        except RowsRefused:
            _log.exception("the database refused %d callbacks of the spool", len(rows))
            return False
        return True


def _settle(group: Sequence[tuple[InboxRow, "asyncio.Future[None]"]], error: BaseException | None) -> None:
    for _, stored in group:
        if stored.done():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error if isinstance(error, InboxUnavailable) else InboxUnavailable(str(error)))
            stored.exception()  # seen: whoever waited may have hung up


def _take(records: Iterator[SpoolRecord]) -> list[InboxRow]:
    return [_decode(record) for record in islice(records, GROUP_MAX)]


def _encode(row: InboxRow) -> bytes:
    fields = {
        "tenant_id": str(row.tenant_id),
        "shortcode_id": str(row.shortcode_id),
        "kind": row.kind,
        "raw": base64.b64encode(row.raw).decode(),
        "source": row.source,
        "state": row.state,
        "reason": row.reason,
        "received_at": row.received_at.isoformat(),
    }
    return json.dumps(fields).encode()


def _decode(record: SpoolRecord) -> InboxRow:
    fields = json.loads(record.payload)
    return InboxRow(
        tenant_id=UUID(fields["tenant_id"]),
        shortcode_id=UUID(fields["shortcode_id"]),
        kind=fields["kind"],
        raw=base64.b64decode(fields["raw"]),
        source=fields["source"],
        state=fields["state"],
        reason=fields["reason"],
        received_at=datetime.fromisoformat(fields["received_at"]),
        spool_key=record.key,
    )
