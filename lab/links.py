"""A stretch of network in front of a TCP door, which can be slow, lossy, cut or made to forget.

Both ends connect through it as they would through an uplink. The delay is a delay line: what is sent back to back
arrives back to back, later; a sleep per chunk would make a pipeline of ten commands cost ten delays.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass

from lab.clock import Clock

CHUNK_BYTES = 64 * 1024
LINE_CHUNKS_MAX = 256  # 16 MiB under way in one direction; then the sender is held back, as by a full window
PASSAGES_KEPT = 10_000
RETRANSMIT_S = 0.2  # TCP's smallest retransmission timeout: what a lost packet costs everything behind it
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


@dataclass(slots=True)
class Passage:
    """One connection that came to the link: when it came, and when the far side first answered it."""

    number: int
    opened_at_us: int
    answered_at_us: int | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    closed_at_us: int | None = None


class Link:
    """A TCP proxy with a temper. `up` is away from whoever connects, `down` is back to them."""

    def __init__(self, name: str, host: str, port: int, *, clock: Clock, chance: random.Random) -> None:
        self.name = name
        self.target = (host, port)
        self.up_s = 0.0
        self.down_s = 0.0
        self.loss = 0.0
        self.passages: deque[Passage] = deque(maxlen=PASSAGES_KEPT)
        self.clock = clock
        self.chance = chance
        self.whole = asyncio.Event()
        self.whole.set()
        self._count = 0
        self._server: asyncio.Server | None = None
        self._wires: set[_Wire] = set()

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=CHUNK_BYTES)
        return self.port

    @property
    def port(self) -> int:
        """The port that the link listens on."""
        assert self._server is not None, "the link is not open"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def standing(self) -> int:
        """How many connections stand now."""
        return len(self._wires)

    def delay(self, *, up_ms: float, down_ms: float) -> None:
        """Make every byte take so long from now on; what is under way keeps its own time."""
        self.up_s, self.down_s = up_ms / 1000, down_ms / 1000

    def lose(self, share: float) -> None:
        """Lose this share of packets; TCP repairs it, so it shows as waits of a retransmission."""
        self.loss = share

    def black_hole(self) -> None:
        """Let packets vanish both ways while connections seem to stand; new ones hang in their handshake."""
        self.whole.clear()

    def restore(self, *, forget: bool = False) -> None:
        """End the black hole. With `forget`, a NAT on the way has forgotten the old connections: both ends get RST."""
        if forget:
            self.reset()
        self.whole.set()

    def reset(self) -> None:
        """Tear every standing connection down by RST."""
        for wire in list(self._wires):
            wire.abort()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is None:
            return
        self._server.close()
        self.reset()
        self.whole.set()
        for wire in list(self._wires):
            await wire.ended.wait()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        wire = _Wire(self, reader, writer, Passage(self._count, self.clock.now_us()))
        self.passages.append(wire.passage)
        self._wires.add(wire)
        try:
            await wire.carry()
        finally:
            self._wires.discard(wire)
            wire.passage.closed_at_us = self.clock.now_us()
            wire.ended.set()


class _Wire:
    """One connection through the link."""

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passage: Passage
    ) -> None:
        self.link = link
        self.passage = passage
        self.ended = asyncio.Event()
        self._reader = reader
        self._writers = [writer]
        self._tasks: list[asyncio.Task[None]] = []

    async def carry(self) -> None:
        """Carry bytes both ways until both sides have said all, or one breaks."""
        near = self._writers[0]
        # The kernel answered the SYN at once, where the real far end would take a round trip: the first bytes pay it.
        up = _Line(self, upward=True, debt_s=self.link.up_s + self.link.down_s)
        down = _Line(self, upward=False)
        taking = asyncio.create_task(up.take_in(self._reader))
        self._tasks.append(taking)
        try:
            await self.link.whole.wait()
            if near.is_closing() or self._reader.at_eof():
                return  # gave up while the link was dark: its SYN never arrived anywhere
            far_reader, far = await asyncio.open_connection(*self.link.target, limit=CHUNK_BYTES)
            self._writers.append(far)
            self._tasks += [
                asyncio.create_task(up.give_out(far)),
                asyncio.create_task(down.take_in(far_reader)),
                asyncio.create_task(down.give_out(near)),
            ]
            await asyncio.gather(*self._tasks)
        except (OSError, asyncio.CancelledError):
            self.abort()
        finally:
            await self._let_go()

    def abort(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            sock: socket.socket | None = writer.get_extra_info("socket")
            if sock is not None and not writer.is_closing():
                with contextlib.suppress(OSError):  # the other side may have closed it in this very moment
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()

    async def _let_go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):  # a reset shows up again here; it was dealt with
                await writer.wait_closed()


class _Line:
    """One direction of a wire: chunks with the instant at which each comes out. An empty chunk is the end."""

    def __init__(self, wire: _Wire, *, upward: bool, debt_s: float = 0.0) -> None:
        self._wire = wire
        self._link = wire.link
        self._upward = upward
        self._debt_s = debt_s
        self._held_until = 0.0
        self._chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LINE_CHUNKS_MAX)

    async def take_in(self, reader: asyncio.StreamReader) -> None:
        """Stamp what comes in with the time at which it goes out."""
        while True:
            chunk = await reader.read(CHUNK_BYTES)
            await self._chunks.put((self._due(), chunk))
            if not chunk:
                return

    def _due(self) -> float:
        """Order is kept: nothing overtakes a chunk that waits for its retransmission."""
        due = asyncio.get_running_loop().time() + (self._link.up_s if self._upward else self._link.down_s)
        due, self._debt_s = due + self._debt_s, 0.0
        if self._link.loss and self._link.chance.random() < self._link.loss:
            due += RETRANSMIT_S
        self._held_until = max(due, self._held_until)
        return self._held_until

    async def give_out(self, writer: asyncio.StreamWriter) -> None:
        """Hand every chunk on when it is due, and not while the link is dark."""
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await self._chunks.get()
            if (wait_s := due - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            await self._link.whole.wait()
            if not chunk:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            self._count(len(chunk))
            writer.write(chunk)
            await writer.drain()

    def _count(self, size: int) -> None:
        passage = self._wire.passage
        if self._upward:
            passage.bytes_up += size
            return
        passage.bytes_down += size
        if passage.answered_at_us is None:
            passage.answered_at_us = self._link.clock.now_us()
