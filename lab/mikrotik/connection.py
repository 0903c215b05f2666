"""One API connection: bytes in, sentences run in order, answers out, with the faults and the delay asked for."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from lab.mikrotik.commands import (
    Access,
    Closing,
    Command,
    Done,
    Listening,
    Listing,
    Outcome,
    Rebooting,
    Streaming,
    parse,
)
from lab.mikrotik.delay import DelayLine
from lab.mikrotik.errors import Fatal, FramingError, Trap
from lab.mikrotik.login import Gate
from lab.mikrotik.printing import Replies
from lab.mikrotik.table import Change, Row
from lab.mikrotik.wire import SentenceReader

if TYPE_CHECKING:
    from lab.mikrotik.server import Server

# Commands at work at once on one connection; the next ones wait their turn.
MAX_IN_FLIGHT = 16
MAX_WAITING = 10_000
# Rows sent before other connections get a turn: about half a millisecond of work.
ROWS_PER_TURN = 64
# Closing with this set sends a reset instead of a goodbye.
_RESET = struct.pack("ii", 1, 0)


class Running:
    """A command that is still answering; `stop` ends it."""

    def __init__(self, command: Command, stop: Callable[[], object]) -> None:
        self.command = command
        self.stop = stop


class ApiConnection(asyncio.Protocol):
    """Speaks with one client."""

    def __init__(self, server: Server, *, tls: bool) -> None:
        self._server = server
        self._router = server.router
        self._tls = tls
        self._reader = SentenceReader()
        self._outbox: list[bytes] = []
        self._running: dict[int, Running] = {}
        self._started = 0
        self._waiting: deque[Command] = deque()
        self._access: Access | None = None
        self._muted = False
        self._writable = asyncio.Event()
        self._writable.set()

    # -- transport ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not subclasses of asyncio's
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0])
        self.peer = f"{peer[0]}:{peer[1]}"
        loop = asyncio.get_running_loop()
        self._inward = DelayLine(loop, self._arrived)
        self._outward = DelayLine(loop, self._transport.write)
        # A TCP handshake costs one round trip before the first byte, TLS 1.2 two more; then the byte's own way here.
        self._inward.hold(self._server.round_trip_s * (3.5 if self._tls else 1.5))
        self.record = self._router.journal.connection(self._router.clock.now_us(), self.peer, tls=self._tls)
        self._gate = Gate(self._router, self.address)
        if not self._server.welcome(self):
            self.reset()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.record.closed_at_us = self._router.clock.now_us()
        self._inward.close()
        self._outward.close()
        self._writable.set()
        for running in list(self._running.values()):
            running.stop()
        self._running.clear()
        self._server.farewell(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._inward.push(data, self._server.round_trip_s / 2)

    def reset(self) -> None:
        """Cut the connection as a crash does."""
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    # -- sentences ----------------------------------------------------------------------------------------------

    def _arrived(self, data: bytes) -> None:
        if not self._running and not self._waiting and self._outward.empty and not self._reader.midway:
            self.record.waves += 1
        try:
            sentences = self._reader.feed(data)
        except FramingError:
            self.reset()
            return
        for words in sentences:
            if self._transport.is_closing():
                return
            self._take(words)
        self._flush()

    def _take(self, words: list[str]) -> None:
        command = parse(words)
        self.record.commands += 1
        if self._muted or self._router.faults.find("hang") is not None:
            return
        if self._access is None or (not command.path and command.verb == "login"):
            self._log_in(command)
        elif not command.path and command.verb == "cancel":
            self._cancel(command)
        elif self._must_wait(command):
            if len(self._waiting) >= MAX_WAITING:
                self.reset()
                return
            self._waiting.append(command)
        else:
            self._start(command)

    def _must_wait(self, command: Command) -> bool:
        """Untagged answers cannot be told apart, so they come one after the other; tags have a bound too."""
        if self._waiting:
            return True
        if command.tag is None:
            return any(running.command.tag is None for running in self._running.values())
        return len(self._running) >= MAX_IN_FLIGHT

    def _log_in(self, command: Command) -> None:
        replies = Replies(command.tag)
        try:
            if command.path or command.verb != "login":
                raise Fatal("not logged in")
            user = self._gate.log_in(command.attributes)
        except Trap as trap:
            self._send(replies.trap(trap.message, trap.category) + replies.done())
        except Fatal as fatal:
            self._close(replies.fatal(str(fatal)))
        else:
            if user is None:
                self._send(replies.done(self._gate.challenge))
                return
            self._access = Access(user.get("name"), self._gate.policies_of(user), self.record, self.address)
            self.record.user = user.get("name")
            self._server.logged_in(self, user)
            self._send(replies.done())
            self._muted = self._router.faults.take("hang-after-login") is not None

    def _start(self, command: Command) -> None:
        assert self._access is not None
        menu = f"{command.path}/{command.verb}"
        self.record.menus[menu] = self.record.menus.get(menu, 0) + 1
        replies = Replies(command.tag)
        try:
            outcome = self._server.language.run(command, self._access)
        except Trap as trap:
            self._send(replies.trap(trap.message, trap.category) + replies.done())
            return
        self._answer(command, replies, outcome)

    def _answer(self, command: Command, replies: Replies, outcome: Outcome) -> None:
        match outcome:
            case Done():
                self._send(replies.done(outcome.ret))
            case Listing():
                self._list(command, replies, outcome)
            case Listening():
                self._listen(command, replies, outcome)
            case Streaming():
                task = asyncio.get_running_loop().create_task(self._stream(replies, outcome))
                key = self._remember(command, task.cancel)
                task.add_done_callback(lambda _: self._finished(key))
            case Closing():
                self._close(replies.fatal(outcome.reason))
            case Rebooting():
                if command.verb in ("reboot", "shutdown"):
                    self._send(replies.done())
                    self._flush()
                self._server.reboot_soon()

    # -- long answers -------------------------------------------------------------------------------------------

    def _list(self, command: Command, replies: Replies, listing: Listing) -> None:
        """Few rows at once; many in turns, so that other connections and tags are served in between."""
        slow = self._router.faults.find("slow-print")
        if len(listing.rows) <= ROWS_PER_TURN and slow is None:
            self._send(b"".join(listing.columns.encode(row, replies.row_head) for row in listing.rows))
            self._end_listing(replies, listing)
            return
        pause_s = ROWS_PER_TURN / slow.rows_per_s if slow is not None else 0.0
        task = asyncio.get_running_loop().create_task(self._list_in_turns(replies, listing, pause_s))
        key = self._remember(command, task.cancel)
        task.add_done_callback(lambda _: self._finished(key))

    async def _list_in_turns(self, replies: Replies, listing: Listing, pause_s: float) -> None:
        rows, kept = listing.rows, listing.table.has
        for at in range(0, len(rows), ROWS_PER_TURN):
            turn = rows[at : at + ROWS_PER_TURN]
            self._send(b"".join(
                listing.columns.encode(row, replies.row_head) for row in turn if kept(row)
            ))  # fmt: skip
            self._flush()
            await asyncio.sleep(pause_s)
            await self._writable.wait()
        self._end_listing(replies, listing)
        self._flush()

    async def _stream(self, replies: Replies, streaming: Streaming) -> None:
        async for record in streaming.records:
            self._send(replies.record(record))
            self._flush()
            await self._writable.wait()
        self._send(replies.done())
        self._flush()

    def _end_listing(self, replies: Replies, listing: Listing) -> None:
        """From 7.18 on an answer without rows says so."""
        if not listing.rows and self._router.version >= (7, 18):
            self._send(replies.empty())
        self._send(replies.done())

    def _listen(self, command: Command, replies: Replies, listening: Listening) -> None:
        table, view = listening.table, listening.view

        def tell(change: Change, row: Row) -> None:
            if change is Change.REMOVED:
                self._send(replies.record({".id": row.id, ".dead": "true"}))
            elif listening.query is None or listening.query.passes(row, view.look):
                self._send(listening.columns.encode(row, replies.row_head))
            asyncio.get_running_loop().call_soon(self._flush)

        for row in listening.first:
            self._send(listening.columns.encode(row, replies.row_head))
        table.watchers.append(tell)
        self._remember(command, lambda: table.watchers.remove(tell))

    def _remember(self, command: Command, stop: Callable[[], object]) -> int:
        self._started += 1
        self._running[self._started] = Running(command, stop)
        return self._started

    def _finished(self, key: int) -> None:
        self._running.pop(key, None)
        while self._waiting and not self._transport.is_closing():
            command = self._waiting.popleft()
            rest, self._waiting = self._waiting, deque()
            wait = self._must_wait(command)
            self._waiting = rest
            if wait:
                self._waiting.appendleft(command)
                break
            self._start(command)
        self._flush()

    def _cancel(self, command: Command) -> None:
        """Order as measured: the trap of what is cancelled, the end of the cancel, the end of the cancelled."""
        replies = Replies(command.tag)
        wanted = command.attributes.get("tag")
        hit = [(key, running) for key, running in self._running.items() if wanted in (None, running.command.tag)]
        for _, running in hit:
            self._send(Replies(running.command.tag).trap("interrupted", 2))
        self._send(replies.done())
        for key, running in hit:
            running.stop()
            self._send(Replies(running.command.tag).done())
            self._finished(key)

    # -- out ----------------------------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if data:
            self._outbox.append(data)

    def _flush(self) -> None:
        """Everything said so far goes out in one piece, through the faults that wait for a reply."""
        if not self._outbox or self._transport.is_closing():
            return
        data = b"".join(self._outbox)
        self._outbox.clear()
        if self._access is not None:
            if (fault := self._router.faults.take("cut-reply")) is not None:
                self._transport.write(data[: fault.after_bytes])
                self.reset()
                return
            if (fault := self._router.faults.take("stall-reply")) is not None:
                data = data[: fault.after_bytes]
                self._muted = True
        self._outward.push(data, self._server.round_trip_s / 2)

    def _close(self, last: bytes) -> None:
        self._send(last)
        self._flush()
        asyncio.get_running_loop().call_later(self._server.round_trip_s / 2 + 0.001, self._transport.close)
        self._muted = True
