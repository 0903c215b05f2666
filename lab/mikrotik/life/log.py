"""The router's log: bounded rows with topics, written in memory, and the texts RouterOS has for what happens."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from lab.mikrotik.life.clock import RouterClock
from lab.mikrotik.store.table import Row, Table

if TYPE_CHECKING:
    from lab.mikrotik.errors import DialError
    from lab.mikrotik.ppp.admission import Caller
    from lab.mikrotik.ppp.sessions import Session

# RouterOS keeps this many lines in memory unless told otherwise.
MAX_ROWS = 1_000
_PPP = "pppoe,ppp,info"
_ACCOUNT = "pppoe,ppp,info,account"
_BUFFER = "memory"
# What stands behind `terminating...`, by the reason a session ends with.
_WHY_ENDED = {
    "peer-request": "hungup",
    "hung-up": "peer is not responding",
    "session-timeout": "session timeout",
    "idle-timeout": "idle timeout",
    "nas-request": "administrator request",
}


class Log:
    """Writes /log; `moments` lets a line written yesterday show its date today."""

    def __init__(self, table: Table, clock: RouterClock) -> None:
        self._table = table
        self._clock = clock
        self._rows: deque[Row] = deque()

    def write(self, topics: str, message: str) -> None:
        """One line; the oldest falls off."""
        values = {"topics": topics, "message": message, "buffer": _BUFFER}
        row = self._table.insert(values, owner=self._clock.local())
        self._rows.append(row)
        while len(self._rows) > MAX_ROWS:
            self._table.remove(self._rows.popleft())

    def forget(self) -> None:
        """Memory is gone."""
        self._rows.clear()

    def time_of(self, row: Row) -> str:
        """As it reads now."""
        return self._clock.log_time(row.owner) if isinstance(row.owner, datetime) else row.get("time")


class PppLog:
    """What the router writes about PPPoE sessions (texts as public log readers quote them)."""

    def __init__(self, log: Log, *, version: tuple[int, ...]) -> None:
        self._log = log
        self._names_mac = version >= (7,)
        self._tries = 0

    def started(self, session: Session) -> None:
        write = self._log.write
        write("pppoe,info", f"PPPoE connection established from {session.caller_id}")
        write(_ACCOUNT, f"{session.user} logged in, {session.address}{self._from(session)}")
        write(_PPP, f"{session.interface}: authenticated")
        write(_PPP, f"{session.interface}: connected")

    def refused(self, caller: Caller, error: DialError) -> None:
        """A server that makes no offer writes nothing."""
        if error.why in ("no-server", "max-sessions"):
            return
        self._tries += 1
        self._log.write("pppoe,info", f"PPPoE connection established from {caller.mac}")
        who = f"<{self._tries & 0xFFFF:04x}>"
        if error.why == "only-one":
            self._log.write(_PPP, f"<pppoe-{caller.user}>: terminating... - {error}")
        elif error.why in ("no-address", "licence"):
            self._log.write("pppoe,ppp,error", f"<pppoe-{caller.user}>: {error}")
        else:
            self._log.write("pppoe,ppp,error", f"{who}: user {caller.user} authentication failed")

    def ended(self, session: Session, reason: str, lasted_s: int) -> None:
        """Five numbers: seconds, bytes from and to the subscriber, packets from and to him."""
        if not reason or reason == "reboot":
            return  # nobody is left to write
        counters = f"{session.bytes_up} {session.bytes_down} {session.packets_up} {session.packets_down}"
        write = self._log.write
        write(_PPP, f"{session.interface}: terminating... - {_WHY_ENDED.get(reason, reason)}")
        write(_ACCOUNT, f"{session.user} logged out, {lasted_s} {counters}{self._from(session)}")
        write(_PPP, f"{session.interface}: disconnected")

    def _from(self, session: Session) -> str:
        return f" from {session.caller_id}" if self._names_mac else ""
