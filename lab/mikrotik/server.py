"""The router on the network: API and API-SSL listeners, its timers, reboots and refusals."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lab.mikrotik.connection import ApiConnection
from lab.mikrotik.faults import Fault
from lab.mikrotik.language import Language
from lab.mikrotik.login import allowed_from
from lab.mikrotik.router import Router
from lab.mikrotik.table import Row, Table

# What a service without a `max-sessions` knob takes (older than 7.16): believed unlimited, bounded for safety.
MAX_SESSIONS = 1_000
_SERVICE_ROWS_SINCE = (7, 20)
DEFAULT_DOWN_S = 0.3


class Server:
    """Serves one router until closed."""

    def __init__(self, router: Router, host: str) -> None:
        self.router = router
        self.language = Language(router)
        self.host = host
        self.round_trip_s = 0.0
        self.port = 0
        self.tls_port = 0
        self._tls: ssl.SSLContext | None = None
        self._listeners: list[asyncio.Server] = []
        self._secure: asyncio.Server | None = None
        self._secure_port: socket.socket | None = None
        self._connections: dict[ApiConnection, list[tuple[Table, Row]]] = {}
        self._wake: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        router.timers.on_earlier = self._arm
        router.desk.on_reboot = self.reboot_soon
        router.desk.certificates.on_change = self._new_certificate

    # -- listening ----------------------------------------------------------------------------------------------

    async def start(self, port: int, tls_port: int | None, tls: ssl.SSLContext | None) -> None:
        """Bind; port 0 takes a free one, and `port`/`tls_port` say which."""
        self._loop = asyncio.get_running_loop()
        self.port = port
        self.tls_port = tls_port or 0
        self._tls = tls
        await self.listen()
        services = self.router.tables.get("/ip/service")
        for name, number in (("api", self.port), ("api-ssl", self.tls_port)):
            if (row := services.find(name)) is not None and number:
                services.change(row, {"port": str(number)})
        self._arm()

    async def listen(self) -> None:
        """Take connections (again) on the same ports."""
        if self._listeners:
            return
        plain = await self._loop.create_server(lambda: ApiConnection(self, tls=False), self.host, self.port)
        self.port = plain.sockets[0].getsockname()[1]
        self._listeners = [plain]
        if self._tls is not None:
            await self._listen_secure()

    async def _listen_secure(self) -> None:
        """The port stays open while the certificate behind it is exchanged: whoever comes meanwhile waits."""
        if self._secure_port is None:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            self._secure_port = socket.create_server((self.host, self.tls_port), family=family)
            self.tls_port = self._secure_port.getsockname()[1]
        self._secure = await self._loop.create_server(
            lambda: ApiConnection(self, tls=True), sock=self._secure_port.dup(), ssl=self._tls
        )

    def _new_certificate(self) -> None:
        """api-ssl was given another certificate: new TLS connections get it, live ones keep what they have."""
        if self._tls is None:
            return
        self._tls = self.router.desk.certificates.tls_context()
        if self._secure is not None:
            self._secure.close()
            self._secure = None
            task = self._loop.create_task(self._listen_secure())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop_listening(self) -> None:
        """Refuse connections from now on; live ones stay."""
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        if self._secure is not None:
            self._secure.close()
            self._secure = None
        if self._secure_port is not None:
            self._secure_port.close()
            self._secure_port = None

    async def close(self) -> None:
        """Down for good."""
        self.stop_listening()
        self._drop_all()
        for task in list(self._tasks):
            task.cancel()
        if self._wake is not None:
            self._wake.cancel()
        self.router.timers.on_earlier = lambda: None
        await asyncio.sleep(0)

    # -- connections --------------------------------------------------------------------------------------------

    def welcome(self, connection: ApiConnection) -> bool:
        """Whether the service takes this connection."""
        service = self.router.tables.get("/ip/service").find("api-ssl" if connection.record.tls else "api")
        limit = MAX_SESSIONS
        if service is not None:
            if not service.enabled or not allowed_from(service.get("address"), connection.address):
                return False
            limit = int(service.get("max-sessions") or MAX_SESSIONS)
        fault = self.router.faults.find("session-limit")
        if len(self._connections) >= (limit if fault is None else fault.limit):
            return False
        self._connections[connection] = []
        return True

    def logged_in(self, connection: ApiConnection, user: Row) -> None:
        """Show the session in /user/active, and on recent versions in /ip/service."""
        rows = self._connections.get(connection)
        if rows is None:
            return
        router = self.router
        router.tables.get("/user").change(user, {"last-logged-in": router.stamp()})
        router.log("system,info,account", f"user {user.get('name')} logged in from {connection.address} via api")
        active = router.tables.get("/user/active")
        rows.append((active, active.insert({
            "when": router.stamp(), "name": user.get("name"), "address": connection.address, "via": "api",
            "group": user.get("group"),
        })))  # fmt: skip
        if router.version >= _SERVICE_ROWS_SINCE:
            services = router.tables.get("/ip/service")
            name, port = ("api-ssl", self.tls_port) if connection.record.tls else ("api", self.port)
            rows.append((services, services.insert({
                "name": name, "port": str(port), "proto": "tcp", "remote": connection.peer, "dynamic": "true",
                "connection": "true", "disabled": "false", "invalid": "false", "local": f"{self.host}:{port}",
            })))  # fmt: skip

    def farewell(self, connection: ApiConnection) -> None:
        rows = self._connections.pop(connection, [])
        for table, row in rows:
            table.remove(row)
        if rows:
            who = f"user {connection.record.user} logged out from {connection.address} via api"
            self.router.log("system,info,account", who)

    def _drop_all(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    # -- faults and life ----------------------------------------------------------------------------------------

    def arm(self, fault: Fault) -> None:
        """Arm a fault; `refuse` takes hold at once."""
        self.router.faults.arm(fault)
        if fault.kind == "refuse":
            self.stop_listening()

    async def clear_faults(self, kind: str | None = None) -> None:
        """Disarm one kind of fault, or all."""
        self.router.faults.clear(kind)
        if self.router.faults.find("refuse") is None:
            await self.listen()

    async def reboot(self, down_s: float = DEFAULT_DOWN_S) -> None:
        """Drop every connection, refuse for a while, come up with new ids and without what lived in memory."""
        self.router.go_down("reboot")
        await self._stay_down(down_s)

    async def _stay_down(self, down_s: float) -> None:
        self.stop_listening()
        self._drop_all()
        await asyncio.sleep(down_s)
        self.router.come_up()
        if self.router.faults.find("refuse") is None:
            await self.listen()

    async def power_cut(self, down_s: float = DEFAULT_DOWN_S) -> None:
        """As a reboot, but nothing is written on the way down: no session's end is remembered."""
        self.router.go_down("")
        await self._stay_down(down_s)

    def reboot_soon(self) -> None:
        """Reboot after this turn of the loop."""
        task = self._loop.create_task(self.reboot())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- timers -------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        due_us = self.router.timers.next_due_us()
        if due_us is not None:
            wait_s = max(0, due_us - self.router.now_us()) / 1_000_000
            self._wake = self._loop.call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._wake = None
        self.router.run_timers()
        self._arm()


@asynccontextmanager
async def serve(
    router: Router, *, host: str = "127.0.0.1", port: int = 0, tls_port: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:  # fmt: skip
    """A router on the network for as long as the block lasts."""
    server = Server(router, host)
    await server.start(port, tls_port, tls)
    try:
        yield server
    finally:
        await server.close()
