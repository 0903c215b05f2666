"""The router on the network: API and API-SSL listeners, its timers, reboots and refusals."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lab.mikrotik.faults import Fault
from lab.mikrotik.network.clerk import Clerk
from lab.mikrotik.network.connection import ApiConnection
from lab.mikrotik.network.delay import Link
from lab.mikrotik.network.login import allowed_from
from lab.mikrotik.network.services import Listener, Services
from lab.mikrotik.router import Router
from lab.mikrotik.speech.language import Language
from lab.mikrotik.store.table import Row, Table

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
        self.link = Link()
        self.clerk = Clerk(router)
        self._services = Services(router.tables.get("/ip/service"), host, self._drop_service)
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
        listeners = [Listener("api", port, lambda: ApiConnection(self, tls=False))]
        if tls is not None:
            listeners.append(Listener("api-ssl", tls_port or 0, lambda: ApiConnection(self, tls=True), tls))
        await self._services.start(*listeners)
        for fault in self.router.faults:
            self._take_hold(fault)
        self._arm()

    @property
    def port(self) -> int:
        return self._services.port("api")

    @property
    def tls_port(self) -> int:
        """0 without API-SSL."""
        return self._services.port("api-ssl")

    async def listen(self) -> None:
        """Take connections (again) on the same ports."""
        await self._services.open()

    def _new_certificate(self) -> None:
        """api-ssl was given another certificate: new TLS connections get it, live ones keep what they have."""
        self._services.use("api-ssl", self.router.desk.certificates.tls_context())

    def stop_listening(self) -> None:
        """Refuse connections from now on; live ones stay."""
        self._services.close()

    async def close(self) -> None:
        """Down for good."""
        self._services.end()
        self._drop_all()
        for task in list(self._tasks):
            task.cancel()
        if self._wake is not None:
            self._wake.cancel()
        self.router.timers.on_earlier = lambda: None
        await asyncio.sleep(0)

    # -- connections --------------------------------------------------------------------------------------------

    def welcome(self, connection: ApiConnection) -> None:
        """Take this connection if its service does, else turn it away."""
        name = service_of(connection)
        service = self.router.tables.get("/ip/service").find(name)
        limit = MAX_SESSIONS
        refused = False
        if service is not None:
            refused = not service.enabled or not allowed_from(service.get("address"), connection.address)
            limit = int(service.get("max-sessions") or MAX_SESSIONS)
        fault = self.router.faults.find("session-limit")
        taken = Counter(map(service_of, self._connections))[name]
        beyond = taken >= (limit if fault is None else fault.limit)
        if refused or beyond:
            how = self.router.setup.switches.beyond_sessions
            reason = "too many sessions" if how == "fatal" and beyond and not refused else ""
            connection.turn_away(reset=how == "reset", reason=reason)
        else:
            self._connections[connection] = []

    def logged_in(self, connection: ApiConnection, user: Row) -> None:
        """Show the session in /user/active, and on recent versions in /ip/service."""
        rows = self._connections.get(connection)
        if rows is None:
            return
        while rows:  # somebody else, or he himself, on the same connection
            table, row = rows.pop()
            table.remove(row)
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

    def _drop_service(self, name: str) -> None:
        if self.router.setup.switches.service_change_drops:
            for connection in [one for one in self._connections if service_of(one) == name]:
                connection.reset()

    @property
    def is_half_booted(self) -> bool:
        """True while the fault `boot-race` keeps the menus empty."""
        race = self.router.faults.find("boot-race")
        return race is not None and self.router.now_us() - self.router.booted_us < race.seconds * 1_000_000

    # -- faults and life ----------------------------------------------------------------------------------------

    def arm(self, fault: Fault) -> None:
        """Arm a fault; some take hold at once."""
        self.router.faults.arm(fault)
        self._take_hold(fault)

    def _take_hold(self, fault: Fault) -> None:
        match fault.kind:
            case "refuse":
                self.stop_listening()
            case "cpu-load":
                self.router.load.override = fault.percent
            case "clock-1970":
                self.router.wall.ntp_answers = False
                self.router.wall.boot()
            case _:
                pass  # it waits for its occasion

    async def clear_faults(self, kind: str | None = None) -> None:
        """Disarm one kind of fault, or all."""
        faults = self.router.faults
        was_1970 = faults.find("clock-1970") is not None
        faults.clear(kind)
        if faults.find("refuse") is None:
            await self.listen()
        if faults.find("cpu-load") is None:
            self.router.load.override = None
        if was_1970 and faults.find("clock-1970") is None:
            self.router.wall.ntp_says(answers=self.router.setup.ntp_answers)

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


def service_of(connection: ApiConnection) -> str:
    """The name in /ip/service of the road a connection came by."""
    return "api-ssl" if connection.record.tls else "api"


@asynccontextmanager
async def serve(
    router: Router, *, host: str = "127.0.0.1", port: int = 0, tls_port: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:  # fmt: skip
    """A router on the network for as long as the block lasts."""
    server = Server(router, host)
    try:
        await server.start(port, tls_port, tls)
        yield server
    finally:
        await server.close()
