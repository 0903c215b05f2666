"""One API connection: bytes in, sentences run in order, answers out, with the faults and the delay asked for."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from lab.mikrotik.errors import Fatal, FramingError, Trap, no_such_item
from lab.mikrotik.network.delay import DelayLine
from lab.mikrotik.network.login import Gate
from lab.mikrotik.network.outlet import Outlet
from lab.mikrotik.speech.commands import (
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
from lab.mikrotik.speech.printing import Replies
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.wire import MAX_BYTES_BEFORE_LOGIN, MAX_SENTENCE_BYTES, SentenceReader

if TYPE_CHECKING:
    from lab.mikrotik.network.server import Server

# Commands at work at once on one connection; the next ones wait their turn, so many and so many bytes of them.
MAX_IN_FLIGHT = 16
# Listeners cost nothing between changes and never end: they take no turn, but they too have a bound.
MAX_LISTENING = 1_000
MAX_WAITING = 10_000
MAX_WAITING_BYTES = 16 * 1024 * 1024
# Rows sent before other connections get a turn: about half a millisecond of work.
ROWS_PER_TURN = 64
EMPTY_SINCE = (7, 18)


class Running:
    """A command that is still answering; `stop` ends it."""

    def __init__(self, command: Command, stop: Callable[[], object], *, listens: bool = False) -> None:
        self.command = command
        self.stop = stop
        self.listens = listens


class ApiConnection(asyncio.Protocol):
    """Speaks with one client."""

    def __init__(self, server: Server, *, tls: bool) -> None:
        self._server = server
        self._router = server.router
        self._tls = tls
        self._reader = SentenceReader(MAX_BYTES_BEFORE_LOGIN)
        self._running: dict[int, Running] = {}
        self._started = 0
        self._waiting: deque[Command] = deque()
        self._waiting_bytes = 0
        self._access: Access | None = None

    # -- transport ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not subclasses of asyncio's
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0])
        self.peer = f"{peer[0]}:{peer[1]}"
        link = self._server.link
        self._inward = DelayLine(asyncio.get_running_loop(), self._arrived)
        self._out = Outlet(self._transport, link, self._router.faults)
        self._inward.hold(link.handshakes_s(tls=self._tls))
        self.record = self._router.journal.connection(self._router.clock.now_us(), self.peer, tls=self._tls)
        self._gate = Gate(self._router, self.address)
        self._server.welcome(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.record.closed_at_us = self._router.clock.now_us()
        self._inward.close()
        self._out.lost()
        self._waiting.clear()
        for running in list(self._running.values()):
            running.stop()
        self._running.clear()
        self._server.farewell(self)

    def pause_writing(self) -> None:
        """The client does not read: then it is not listened to either, so nothing piles up."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._out.drained()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._inward.push(data, self._server.link.one_way_s())

    def reset(self) -> None:
        """Cut the connection as a crash does."""
        self._out.reset()

    def turn_away(self, *, reset: bool, reason: str = "") -> None:
        """Do not take this connection: close it (with a reset, a word, or neither)."""
        if reset:
            self._out.reset()
        else:
            if reason:
                self._out.say(Replies(None).fatal(reason))
            self._out.end()

    # -- sentences ----------------------------------------------------------------------------------------------

    def _arrived(self, data: bytes) -> None:
        if not self._running and not self._waiting and self._out.idle and not self._reader.midway:
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
        self._out.flush()

    def _take(self, words: list[str]) -> None:
        command = parse(words)
        self.record.commands += 1
        if self._out.muted or self._router.faults.find("hang") is not None:
            return
        if self._access is None or (not command.path and command.verb == "login"):
            self._log_in(command)
        elif not command.path and command.verb == "cancel":
            self._cancel(command)
        elif self._must_wait(command):
            self._waiting.append(command)
            self._waiting_bytes += _size(command)
            if len(self._waiting) > MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
                self.reset()
        else:
            self._start(command)

    def _must_wait(self, command: Command) -> bool:
        """Untagged answers cannot be told apart, so they come one after the other; tags have a bound too."""
        if self._waiting:
            return True
        if command.tag is None:
            return any(running.command.tag is None for running in self._running.values())
        if len(self._running) < MAX_IN_FLIGHT:
            return False
        listening = sum(running.listens for running in self._running.values())
        return listening >= MAX_LISTENING or len(self._running) - listening >= MAX_IN_FLIGHT

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
            self._reader.limit_bytes = MAX_SENTENCE_BYTES
            self._access = Access(user.get("name"), self._gate.policies_of(user), self.record, self.address)
            self.record.user = user.get("name")
            self._server.logged_in(self, user)
            self._send(replies.done())
            self._out.flush()
            self._out.faulty = True
            self._out.muted = self._router.faults.take("hang-after-login") is not None

    def _start(self, command: Command) -> None:
        """Run a command now, or when the processor gets to it."""
        wait_s = self._server.clerk.command_s()
        if wait_s:
            self._spawn(command, self._run_later(command, wait_s))
        else:
            self._run(command)

    async def _run_later(self, command: Command, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self._run(command)
        self._out.flush()

    def _run(self, command: Command) -> None:
        assert self._access is not None
        menu = f"{command.path}/{command.verb}"
        self.record.menus[menu] = self.record.menus.get(menu, 0) + 1
        replies = Replies(command.tag)
        try:
            if self._server.is_half_booted and not command.path.startswith("/system"):
                self._answer_half_booted(command, replies)
                return
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
                self._spawn(command, self._stream(replies, outcome))
            case Closing():
                self._close(replies.fatal(outcome.reason))
            case Rebooting():
                if command.verb in ("reboot", "shutdown"):
                    self._send(replies.done())
                    self._out.flush()
                self._server.reboot_soon()

    def _answer_half_booted(self, command: Command, replies: Replies) -> None:
        """Menus are there, their rows are not yet."""
        if command.verb not in ("print", "getall"):
            raise no_such_item()
        self._end_listing(replies, 0)

    # -- long answers -------------------------------------------------------------------------------------------

    def _list(self, command: Command, replies: Replies, listing: Listing) -> None:
        """Few rows at once; many in turns, so that other connections and tags are served in between."""
        if len(listing.rows) > ROWS_PER_TURN or not self._server.clerk.hurried:
            self._spawn(command, self._list_in_turns(replies, listing, filtered=bool(command.queries)))
            return
        self._send(b"".join(listing.columns.encode(row, replies.row_head) for row in listing.rows))
        self._end_listing(replies, len(listing.rows))

    async def _list_in_turns(self, replies: Replies, listing: Listing, *, filtered: bool) -> None:
        rows, kept, clerk = listing.rows, listing.table.has, self._server.clerk
        if filtered:
            await asyncio.sleep(clerk.rows_s(0, scanned=len(listing.table)))
        for at in range(0, len(rows), ROWS_PER_TURN):
            turn = rows[at : at + ROWS_PER_TURN]
            await asyncio.sleep(clerk.rows_s(len(turn)))
            self._send(b"".join(
                listing.columns.encode(row, replies.row_head) for row in turn if kept(row)
            ))  # fmt: skip
            self._out.flush()
            await self._out.room()
        self._end_listing(replies, len(rows))
        self._out.flush()

    async def _stream(self, replies: Replies, streaming: Streaming) -> None:
        try:
            async for record in streaming.records:
                self._send(replies.record(record))
                self._out.flush()
                await self._out.room()
        except Trap as trap:
            self._send(replies.trap(trap.message, trap.category))
        self._send(replies.done())
        self._out.flush()

    def _end_listing(self, replies: Replies, rows: int) -> None:
        """From 7.18 on an answer without rows says so."""
        if not rows and self._router.version >= EMPTY_SINCE:
            self._send(replies.empty())
        self._send(replies.done())

    def _listen(self, command: Command, replies: Replies, listening: Listening) -> None:
        table, view, dead = listening.table, listening.view, self._router.setup.switches.dead_reads

        def tell(change: Change, row: Row) -> None:
            if change is Change.REMOVED:
                self._send(replies.record({".id": row.id, ".dead": dead}))
            elif listening.query is None or listening.query.passes(row, view.look):
                self._send(listening.columns.encode(row, replies.row_head))
            asyncio.get_running_loop().call_soon(self._out.flush)

        for row in listening.first:
            self._send(listening.columns.encode(row, replies.row_head))
        table.watchers.append(tell)
        self._remember(command, lambda: table.watchers.remove(tell), listens=True)

    def _remember(self, command: Command, stop: Callable[[], object], *, listens: bool = False) -> int:
        self._started += 1
        self._running[self._started] = Running(command, stop, listens=listens)
        return self._started

    def _spawn(self, command: Command, work: Coroutine[Any, Any, None]) -> None:
        """Answer in a task of its own, which /cancel and the end of the connection stop."""
        task = asyncio.get_running_loop().create_task(work)
        key = self._remember(command, task.cancel)
        task.add_done_callback(lambda _: self._finished(key))

    def _finished(self, key: int) -> None:
        self._running.pop(key, None)
        while self._waiting and not self._transport.is_closing():
            command = self._waiting.popleft()
            self._waiting_bytes -= _size(command)
            rest, self._waiting = self._waiting, deque()
            wait = self._must_wait(command)
            self._waiting = rest
            if wait:
                self._waiting.appendleft(command)
                self._waiting_bytes += _size(command)
                break
            self._start(command)
        self._out.flush()

    def _cancel(self, command: Command) -> None:
        """Order as measured: the trap of what is cancelled, the end of the cancel, the end of the cancelled."""
        replies = Replies(command.tag)
        wanted = command.attributes.get("tag")
        hit = [(key, running) for key, running in self._running.items() if wanted in (None, running.command.tag)]
        queued = [waiting for waiting in self._waiting if wanted in (None, waiting.tag)]
        self._waiting = deque(waiting for waiting in self._waiting if wanted not in (None, waiting.tag))
        self._waiting_bytes = sum(map(_size, self._waiting))
        tags = [*(running.command.tag for _, running in hit), *(waiting.tag for waiting in queued)]
        for tag in tags:
            self._send(Replies(tag).trap("interrupted", 2))
        self._send(replies.done())
        for key, running in hit:
            running.stop()
            self._running.pop(key, None)
        for tag in tags:
            self._send(Replies(tag).done())
        self._finished(0)  # whoever waited behind them may start

    # -- out ----------------------------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        self._out.say(data)

    def _close(self, last: bytes) -> None:
        self._send(last)
        self._out.end()


def _size(command: Command) -> int:
    """About as many bytes as the command came in."""
    return sum(len(name) + len(value) for name, value in command.attributes.items()) + sum(map(len, command.queries))
