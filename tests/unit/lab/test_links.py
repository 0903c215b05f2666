"""The link delays without queueing, hides, resets and forgets."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from lab.clock import SystemClock
from lab.links import Link


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = Link("test", "127.0.0.1", port, clock=SystemClock(), chance=random.Random(1))
    await made.open()
    yield made
    await made.close()
    server.close()
    await server.wait_closed()


async def test_bytes_pass_both_ways_and_the_end_is_passed_on(link: Link) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"x" * 300_000)
    writer.write_eof()
    assert len(await reader.read(-1)) == 300_000
    writer.close()
    await writer.wait_closed()


async def test_ten_commands_sent_back_to_back_cost_one_round_trip(link: Link) -> None:
    link.delay(up_ms=50, down_ms=50)
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    loop = asyncio.get_running_loop()
    writer.write(b"hello")
    start = loop.time()
    await reader.readexactly(5)
    assert 0.2 <= loop.time() - start < 0.3  # the first bytes pay for the handshake, too
    start = loop.time()
    for _ in range(10):
        writer.write(b"command")
        await asyncio.sleep(0.002)
    await reader.readexactly(70)
    assert 0.1 <= loop.time() - start < 0.2
    writer.close()
    await writer.wait_closed()


async def test_a_black_hole_shows_nothing_and_what_was_sent_arrives_when_it_ends(link: Link) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"before")
    await reader.readexactly(6)
    link.black_hole()
    writer.write(b"during")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.1)
    link.restore()
    assert await asyncio.wait_for(reader.readexactly(6), 1) == b"during"
    writer.close()
    await writer.wait_closed()


async def test_a_connection_made_in_the_dark_stands_only_when_the_link_is_back(link: Link) -> None:
    link.black_hole()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"hello")
    await asyncio.sleep(0.05)
    assert link.passages[-1].answered_at_us is None
    link.restore()
    assert await asyncio.wait_for(reader.readexactly(5), 1) == b"hello"
    assert link.passages[-1].answered_at_us is not None
    writer.close()
    await writer.wait_closed()


async def test_a_link_that_forgot_resets_the_old_connections(link: Link) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"before")
    await reader.readexactly(6)
    link.black_hole()
    link.restore(forget=True)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.readexactly(1), 1)
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()


async def test_a_lost_packet_holds_up_everything_behind_it_but_nothing_is_missing(link: Link) -> None:
    link.lose(1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    start = asyncio.get_running_loop().time()
    writer.write(b"once")
    assert await reader.readexactly(4) == b"once"
    assert asyncio.get_running_loop().time() - start >= 0.4
    writer.close()
    await writer.wait_closed()


async def test_nobody_behind_the_link_means_a_reset(link: Link) -> None:
    link.target = ("127.0.0.1", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.readexactly(1), 1)
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()
