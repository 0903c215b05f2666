"""A simulated router in a thread of its own, for programs and tests that block or bring their own loop."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from lab.clock import Clock
from lab.mikrotik.ethernet.hosts import BY_DHCP
from lab.mikrotik.faults import make
from lab.mikrotik.journal import ConnectionRecord, Event, Write
from lab.mikrotik.network.server import DEFAULT_DOWN_S, Server, serve
from lab.mikrotik.packets.traffic import Reach
from lab.mikrotik.ppp.modems import DEFAULT_REDIAL_S
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.script import run_script
from lab.mikrotik.wire import from_wire, to_wire

T = TypeVar("T")
# Nothing asked of the router takes longer, except a reboot with its own waiting time.
CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RunningRouter:
    """A handle that any thread may use. `host`, `port`, `tls_port` are where the API listens."""

    host: str
    port: int
    tls_port: int
    _loop: asyncio.AbstractEventLoop
    _server: Server

    def on_router(self, act: Callable[[Router], T]) -> T:
        """Run a function on the router, in its thread."""

        async def go() -> T:
            return act(self._server.router)

        return self._wait(go())

    def _wait(self, work: Coroutine[Any, Any, T], more_s: float = 0.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S + more_s)

    # -- subscribers --------------------------------------------------------------------------------------------

    def dial(self, user: str, password: str, caller_id: str | None = None) -> str:
        """Dial once; the address given, or DialError."""
        return self.on_router(lambda router: router.dial(to_wire(user), to_wire(password), caller_id).address)

    def redial(self, user: str, password: str | None = None, every_s: float = DEFAULT_REDIAL_S) -> None:
        """A modem that dials now and after every drop."""
        word = None if password is None else to_wire(password)
        self.on_router(lambda router: router.redial(to_wire(user), word, every_s))

    def hangup(self, user: str) -> bool:
        return self.on_router(lambda router: router.hangup(to_wire(user)))

    def vanish(self, user: str) -> bool:
        """The modem loses its power without a word; False when it was not online."""
        return self.on_router(lambda router: router.vanish(to_wire(user)))

    def habit(self, user: str, habit: str) -> None:
        """How a user uses his line from now on: quiet, idle, browsing, streaming or uploading."""
        self.on_router(lambda router: router.habit(to_wire(user), habit))

    def online(self) -> dict[str, str]:
        """Address by user of everybody online."""
        return self.on_router(lambda router: {from_wire(one.user): one.address for one in router.sessions.all()})

    def reach(self, who: str, to: str, protocol: str = "tcp", port: int = 443, *, inbound: bool = False) -> Reach:
        return self.on_router(lambda router: router.reach(to_wire(who), to, protocol, port, inbound=inbound))

    def connect(
        self, who: str, to: str, protocol: str = "tcp", port: int = 443, *, fasttracked: bool | None = None
    ) -> bool:
        """Open a tracked connection; False when the rules did not let it through."""
        return self.on_router(lambda router: router.connect(to_wire(who), to, protocol, port, fasttracked=fasttracked))

    def plug_in(self, mac: str, interface: str = "bridge", *, address: str = BY_DHCP, name: str = "") -> str:
        """Put a device on the wire; the address it got (empty for none), or HostError."""
        label = to_wire(name)
        return self.on_router(lambda router: router.plug_in(mac, interface, address=address, name=label).address)

    def unplug(self, who: str) -> bool:
        """Take a device off the wire; False when there was none."""
        return self.on_router(lambda router: router.unplug(to_wire(who)))

    def hotspot_login(self, who: str, user: str = "", password: str = "") -> str:
        """Log a device in as the page would; how (`http-pap`, `cookie`, …), or HotspotError with the page's text."""
        words = to_wire(user), to_wire(password)
        return self.on_router(lambda router: router.hotspot_login(to_wire(who), *words).way)

    def hotspot_logout(self, who: str, *, erase_cookie: bool = True) -> bool:
        """The user presses "log off"; False when he was not logged in."""
        return self.on_router(lambda router: router.hotspot_logout(to_wire(who), erase_cookie=erase_cookie))

    # -- the router ---------------------------------------------------------------------------------------------

    def rows(self, menu: str) -> list[dict[str, str]]:
        """Rows of a menu with everything in them, passwords too."""
        rows = self.on_router(lambda router: router.rows(menu))
        return [{name: from_wire(value) for name, value in row.items()} for row in rows]

    def carry(self, who: str, up_bytes: int, down_bytes: int) -> bool:
        """Count traffic of a station; False when it is offline."""
        return self.on_router(lambda router: router.carry(to_wire(who), up_bytes, down_bytes))

    def set_host(self, name: str, addresses: list[str]) -> None:
        """What DNS answers for this name from now on."""
        self.on_router(lambda router: router.set_host(name, addresses))

    def script(self, text: str) -> None:
        """Run .rsc lines, as somebody at the console would."""
        self.on_router(lambda router: run_script(router, text))

    def reboot(self, down_s: float = DEFAULT_DOWN_S) -> None:
        """Reboot and wait until it listens again."""
        self._wait(self._server.reboot(down_s), down_s)

    def power_cut(self, down_s: float = DEFAULT_DOWN_S) -> None:
        self._wait(self._server.power_cut(down_s), down_s)

    # -- faults and figures -------------------------------------------------------------------------------------

    def fault(self, kind: str, **options: Any) -> None:
        """Arm a fault (see faults.py for kinds and options)."""
        self._in_loop(lambda: self._server.arm(make(kind, **options)))

    def clear_faults(self, kind: str | None = None) -> None:
        self._wait(self._server.clear_faults(kind))

    def delay(self, round_trip_s: float, loss: float = 0.0) -> None:
        """Every byte takes half of this from now on, each way; this share of what is sent is lost and sent again."""

        def change() -> None:
            self._server.link.round_trip_s, self._server.link.loss = round_trip_s, loss

        self._in_loop(change)

    def writes(self, after: int = 0) -> list[Write]:
        return self.on_router(lambda router: router.journal.writes_after(after))

    def events(self, after: int = 0, kind: str | None = None) -> list[Event]:
        return self.on_router(lambda router: router.journal.events_after(after, kind))

    def connections(self) -> list[ConnectionRecord]:
        """Every API connection so far: who, waves, commands."""
        return self.on_router(lambda router: router.journal.connections())

    def _in_loop(self, act: Callable[[], object]) -> None:
        async def go() -> None:
            act()

        self._wait(go())


@contextmanager
def running_router(
    setup: Setup | None = None, *, clock: Clock | None = None, host: str = "127.0.0.1", port: int = 0,
    tls: ssl.SSLContext | None = None, script: str = "",
) -> Iterator[RunningRouter]:  # fmt: skip
    """A router on a free port, in a thread, for as long as the block lasts."""
    ready = threading.Event()
    born: list[RunningRouter] = []
    failed: list[BaseException] = []
    stop: list[Callable[[], object]] = []

    async def live() -> None:
        router = Router(setup, clock)
        if script:
            run_script(router, script)
        async with serve(router, host=host, port=port, tls_port=0, tls=tls) as server:
            loop, end = asyncio.get_running_loop(), asyncio.Event()
            stop.append(lambda: loop.call_soon_threadsafe(end.set))
            born.append(RunningRouter(host, server.port, server.tls_port, loop, server))
            ready.set()
            await end.wait()

    def body() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits, which raises it
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=body, name="simulated-router", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield born[0]
    finally:
        stop[0]()
        thread.join(CALL_TIMEOUT_S)
        if failed:
            raise failed[0]
