"""The outgoing side of a connection: answers go out in one piece, through the wire, the faults and a bound."""

from __future__ import annotations

import asyncio
import socket
import struct

from lab.mikrotik.faults import Faults
from lab.mikrotik.network.delay import DelayLine, Link

# A client that does not read is sent no more rows above this; the kernel holds some more.
HIGH_WATER_BYTES = 1024 * 1024
# What cannot wait (changes told to a listener) may pile up so far; then the connection is cut.
MAX_UNSENT_BYTES = 16 * 1024 * 1024
# Closing with this set sends a reset instead of a goodbye.
_RESET = struct.pack("ii", 1, 0)


class Outlet:
    """Where answers go. `faulty` is set once login is over: faults of replies hit only what comes after it."""

    def __init__(self, transport: asyncio.Transport, link: Link, faults: Faults) -> None:
        self._transport = transport
        self._link = link
        self._faults = faults
        self._said: list[bytes] = []
        self._line = DelayLine(asyncio.get_running_loop(), self._deliver)
        self._room = asyncio.Event()
        self._room.set()
        self.faulty = False
        self.muted = False

    @property
    def idle(self) -> bool:
        """True when nothing is said or under way."""
        return not self._said and self._line.empty

    @property
    def unsent_bytes(self) -> int:
        return self._line.size_bytes + self._transport.get_write_buffer_size()

    def say(self, data: bytes) -> None:
        """Something to go out with the next flush."""
        if data:
            self._said.append(data)

    def flush(self) -> None:
        """Everything said so far goes out in one piece."""
        if not self._said or self._transport.is_closing():
            return
        data = b"".join(self._said)
        self._said.clear()
        if self.faulty:
            if (fault := self._faults.take("cut-reply")) is not None:
                self._transport.write(data[: fault.after_bytes])
                self.reset()
                return
            if (fault := self._faults.take("stall-reply")) is not None:
                data = data[: fault.after_bytes]
                self.muted = True
        self._line.push(data, self._link.one_way_s())
        self._measure()
        if self.unsent_bytes > MAX_UNSENT_BYTES:
            self.reset()

    async def room(self) -> None:
        """Wait until the client has read enough of what was sent."""
        await self._room.wait()

    def end(self) -> None:
        """Send what was said, then say goodbye."""
        self.flush()
        self.muted = True
        self._line.finish(self._transport.close)

    def reset(self) -> None:
        """Cut the connection as a crash does."""
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def lost(self) -> None:
        """The connection is gone; whoever waits for room finds that out by himself."""
        self._line.close()
        self._room.set()

    def _deliver(self, data: bytes) -> None:
        self._transport.write(data)
        self._measure()

    def _measure(self) -> None:
        if self.unsent_bytes > HIGH_WATER_BYTES:
            self._room.clear()
        else:
            self._room.set()

    def drained(self) -> None:
        """The kernel took some."""
        self._measure()
