"""The road into the inbox: groups, bounds, and what happens to each caller when something fails."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from cloud.db.inbox import DatabaseGone, InboxRow, RowsRefused
from cloud.payments.inbox import GROUP_MAX, RETRY_AFTER_S, WAITING_MAX, Inbox, InboxUnavailable
from cloud.payments.spool import Spool

NOW = datetime(2026, 8, 17, 12, 0, tzinfo=UTC)
POISON = b"poison"


class HandClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic_s(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class FakeDatabase:
    """Commits groups, or is gone, or refuses poison; keeps spool keys unique as the table does."""

    def __init__(self) -> None:
        self.groups: list[list[InboxRow]] = []
        self.gone = False
        self.tried = 0

    @property
    def bodies(self) -> list[bytes]:
        return [row.raw for group in self.groups for row in group]

    async def write(self, rows: Sequence[InboxRow]) -> None:
        self.tried += 1
        await asyncio.sleep(0.001)
        if self.gone:
            raise DatabaseGone("unplugged")
        if any(row.raw == POISON for row in rows):
            raise RowsRefused("poison")
        held = {row.spool_key for group in self.groups for row in group if row.spool_key}
        self.groups.append([row for row in rows if row.spool_key not in held])

    async def ping(self) -> None:
        if self.gone:
            raise DatabaseGone("unplugged")


class Desk:
    """An inbox with its fakes."""

    def __init__(self, folder: Path) -> None:
        numbers = count()
        self.database, self.clock = FakeDatabase(), HandClock()
        self._folder = folder
        self.spool = Spool(folder, lambda: f"{next(numbers):08d}")
        self.woken = 0
        self.inbox = Inbox(self.database, self.database, self.spool, self.clock, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def set_aside(self) -> list[Path]:
        return list(self._folder.iterdir())

    async def store(self, *bodies: bytes) -> None:
        await asyncio.gather(*(self.inbox.store(_row(body)) for body in bodies))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _row(raw: bytes) -> InboxRow:
    return InboxRow(UUID(int=1), UUID(int=2), "confirmation", raw, "203.0.113.7", "quarantined", "odd: \u00e9", NOW)


def _bodies(n: int) -> list[bytes]:
    return [b"%d" % number for number in range(n)]


async def test_what_comes_during_a_commit_shares_the_next_one(desk: Desk) -> None:
    await desk.store(*_bodies(250))
    assert desk.database.bodies == _bodies(250)
    assert [len(group) for group in desk.database.groups] == [GROUP_MAX, GROUP_MAX, 50]
    assert desk.woken == 3


async def test_more_than_may_wait_is_refused_at_once(desk: Desk) -> None:
    first = [asyncio.create_task(desk.inbox.store(_row(b"x"))) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    refused = [asyncio.create_task(desk.inbox.store(_row(b"y"))) for _ in range(200)]
    ends = await asyncio.gather(*refused, return_exceptions=True)
    await asyncio.gather(*first)
    assert {type(end) for end in ends} <= {InboxUnavailable, type(None)}
    assert InboxUnavailable in {type(end) for end in ends}
    assert desk.database.bodies.count(b"x") == WAITING_MAX


async def test_a_caller_that_hangs_up_takes_nobody_down(desk: Desk) -> None:
    leaving = asyncio.create_task(desk.inbox.store(_row(b"leaving")))
    await asyncio.sleep(0)
    leaving.cancel()
    await desk.store(b"staying")
    assert sorted(desk.database.bodies) == [b"leaving", b"staying"]


async def test_an_outage_is_tried_again_after_a_pause_and_the_spool_keeps_the_rest(desk: Desk) -> None:
    desk.database.gone = True
    for body in _bodies(5):
        await desk.store(body)
    assert desk.database.tried == 1
    desk.clock.seconds += RETRY_AFTER_S
    desk.database.gone = False
    await desk.store(b"after")
    assert desk.database.bodies == [b"after"]
    assert await desk.inbox.drain() == 5
    assert desk.database.bodies == [b"after", *_bodies(5)]
    assert desk.spool.is_empty()


async def test_a_row_comes_out_of_the_spool_as_it_went_in(desk: Desk) -> None:
    desk.database.gone = True
    await desk.store(b"\x00\xff")
    desk.database.gone = False
    await desk.inbox.drain()
    [[row]] = desk.database.groups
    assert row == InboxRow(**{**_fields(_row(b"\x00\xff")), "spool_key": row.spool_key})
    assert row.spool_key


def _fields(row: InboxRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in InboxRow.__slots__}


async def test_one_poisoned_row_is_kept_aside_and_the_others_are_committed(desk: Desk) -> None:
    await desk.store(b"one", POISON, b"two")
    assert sorted(desk.database.bodies) == [b"one", b"two"]
    await desk.inbox.drain()
    assert {path.suffix for path in desk.set_aside()} == {".damaged"}


async def test_a_drain_that_the_database_interrupts_goes_on_later_without_doubles(desk: Desk) -> None:
    desk.database.gone = True
    for _ in range(2):
        await desk.store(*_bodies(150))
        desk.spool.rotate()
    desk.database.gone = False
    drained = desk.database.write

    async def dies_after_two(rows: Sequence[InboxRow]) -> None:
        if len(desk.database.groups) == 2:
            raise DatabaseGone("unplugged")
        await drained(rows)

    desk.database.write = dies_after_two  # type: ignore[method-assign]  # the fake dies in the middle
    with pytest.raises(DatabaseGone):
        await desk.inbox.drain()
    desk.database.write = drained  # type: ignore[method-assign]  # and is back
    await desk.inbox.drain()
    assert sorted(desk.database.bodies) == sorted(_bodies(150) * 2)


async def test_the_drain_loop_outlives_outages(desk: Desk) -> None:
    desk.database.gone = True
    await desk.store(b"one")
    loop = asyncio.create_task(desk.inbox.drain_forever())
    await asyncio.sleep(0.05)
    desk.database.gone = False
    async with asyncio.timeout(5):
        while not desk.database.groups:  # noqa: ASYNC110 - the loop has no event to wait for
            await asyncio.sleep(0.005)
    loop.cancel()
    assert desk.database.bodies == [b"one"]
