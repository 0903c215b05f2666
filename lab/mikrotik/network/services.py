"""The listeners of `api` and `api-ssl`: they follow /ip/service, ports, switches and all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from lab.mikrotik.store.table import Change, Row, Table

Drop = Callable[[str], None]
# Where a router listens until it is told otherwise.
DEFAULT_PORTS = {"api": "8728", "api-ssl": "8729"}


@dataclass(slots=True)
class Listener:
    """One service on the network. `server` is None while nothing listens."""

    name: str
    port: int
    make: Callable[[], asyncio.Protocol]
    tls: ssl.SSLContext | None = None
    enabled: bool = True
    server: asyncio.Server | None = None


class Services:
    """Opens and closes listeners. `drop(name)` cuts the connections of a service that moved or was disabled."""

    def __init__(self, table: Table, host: str, drop: Drop) -> None:
        self._table = table
        self._host = host
        self._drop = drop
        self._listeners: dict[str, Listener] = {}
        self._open = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def is_open(self) -> bool:
        return self._open

    def port(self, name: str) -> int:
        """Where the service listens, or would; 0 for one that is not offered."""
        listener = self._listeners.get(name)
        return 0 if listener is None else listener.port

    async def start(self, *listeners: Listener) -> None:
        """Bind (port 0 takes a free one), show the ports in the menu and follow it from now on."""
        self._listeners = {listener.name: listener for listener in listeners}
        await self.open()
        self._table.watchers.append(self._changed)

    async def open(self) -> None:
        """Take connections (again), on the ports of before."""
        async with self._turn:
            self._open = True
            for listener in self._listeners.values():
                await self._listen(listener)
        self._show()

    def close(self) -> None:
        """Refuse connections from now on; live ones stay."""
        self._open = False
        for listener in self._listeners.values():
            _shut(listener)

    def use(self, name: str, tls: ssl.SSLContext) -> None:
        """Offer another certificate to who connects from now on; nothing where the service is not offered."""
        listener = self._listeners.get(name)
        if listener is not None:
            listener.tls = tls
            self._begin(self._open_anew(listener))

    def end(self) -> None:
        """Close for good."""
        self.close()
        if self._changed in self._table.watchers:
            self._table.watchers.remove(self._changed)
        for task in list(self._tasks):
            task.cancel()

    async def _listen(self, listener: Listener) -> None:
        if listener.server is not None or not self._open or not listener.enabled:
            return
        loop = asyncio.get_running_loop()
        listener.server = await loop.create_server(listener.make, self._host, listener.port, ssl=listener.tls)
        listener.port = listener.server.sockets[0].getsockname()[1]
        if not self.is_open():  # closed while it was being opened
            _shut(listener)

    def _show(self) -> None:
        """A menu that is as delivered names our ports; they stand for 8728 and 8729."""
        for listener in self._listeners.values():
            row = self._table.find(listener.name)
            if row is not None and row.get("port") == DEFAULT_PORTS[listener.name] and listener.port:
                self._table.change(row, {"port": str(listener.port)})

    def _changed(self, _change: Change, row: Row) -> None:
        listener = self._listeners.get(row.get("name"))
        if listener is None or row.dynamic or not self._table.has(row):
            return
        port, enabled = int(row.get("port") or 0), row.enabled
        if (port, enabled) == (listener.port, listener.enabled):
            return
        if str(port) == DEFAULT_PORTS[listener.name] and enabled == listener.enabled and not self._open:
            return  # back as delivered, on the way through a reset: shown again once it is up
        self._begin(self._follow(listener, port, enabled=enabled))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_anew(self, listener: Listener) -> None:
        async with self._turn:
            _shut(listener)
            await self._listen(listener)

    async def _follow(self, listener: Listener, port: int, *, enabled: bool) -> None:
        """Move, open or close one listener, once the answer to who asked for it is on its way."""
        async with self._turn:
            _shut(listener)
            listener.port, listener.enabled = port, enabled
            try:
                await self._listen(listener)
                invalid = "false"
            except OSError:
                invalid = "true"  # the port is somebody else's
            row = self._table.find(listener.name)
            if row is not None and row.get("invalid") != invalid:
                self._table.change(row, {"invalid": invalid})
            self._drop(listener.name)


def _shut(listener: Listener) -> None:
    if listener.server is not None:
        listener.server.close()
        listener.server = None
