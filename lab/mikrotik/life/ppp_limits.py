"""What ends a PPP session by itself: its time, its silence, its bytes, and a peer that answers no more."""

from collections.abc import Callable

from lab.mikrotik.counting.counters import Counters
from lab.mikrotik.packets.stations import Station
from lab.mikrotik.ppp.sessions import Session, Sessions
from lab.mikrotik.switches import Switches
from lab.mikrotik.timers import Timers

# A byte limit is looked at no more often than this, and no less often than that, while a habit runs.
MIN_LOOK_US = 100_000
MAX_LOOK_US = 600_000_000


class PppLimits:
    """Starts the timers of a session; `Sessions` cancels them when it ends."""

    def __init__(
        self, sessions: Sessions, counters: Counters, timers: Timers, now_us: Callable[[], int], switches: Switches
    ) -> None:
        self._sessions = sessions
        self._counters = counters
        self._timers = timers
        self._now_us = now_us
        self._switches = switches

    def started(self, session: Session) -> None:
        """A session began."""
        if session.session_timeout_us:
            self._in(session, session.session_timeout_us, lambda: self._sessions.end(session, "session-timeout"))
        if session.idle_timeout_us:
            self._in(session, session.idle_timeout_us, lambda: self._look_at_silence(session))
        if session.limit_up or session.limit_down:
            self.look_at_bytes(session)

    def carried(self, station: Station) -> None:
        """Traffic was counted by hand."""
        if isinstance(station, Session) and (station.limit_up or station.limit_down) and self._is_over(station):
            self._sessions.end(station, self._switches.byte_limit_reason)

    def vanished(self, session: Session) -> None:
        """The peer is gone without a word: the keepalive finds out, if there is one."""
        self._counters.silence(session)
        if session.keepalive_us is not None:
            reason = self._switches.keepalive_reason
            self._in(session, session.keepalive_us, lambda: self._sessions.end(session, reason))

    def look_at_bytes(self, session: Session) -> None:
        """End a session that used up its bytes; else look again when it may have, at its habit's fastest."""
        if session.ended:
            return
        self._counters.of_station(session)
        if self._is_over(session):
            self._sessions.end(session, self._switches.byte_limit_reason)
            return
        peak_bps = self._counters.peak_bps(session)
        if not peak_bps:
            return  # quiet: only `carry` adds, and tells
        left = min(
            limit - used
            for limit, used in ((session.limit_up, session.bytes_up), (session.limit_down, session.bytes_down))
            if limit
        )
        wait_us = max(MIN_LOOK_US, min(MAX_LOOK_US, left * 8_000_000 // peak_bps))
        self._in(session, wait_us, lambda: self.look_at_bytes(session))

    def _look_at_silence(self, session: Session) -> None:
        left_us = session.idle_timeout_us - self._counters.idle_us(session)
        if left_us <= 0:
            self._sessions.end(session, "idle-timeout")
        else:
            self._in(session, left_us, lambda: self._look_at_silence(session))

    def _in(self, session: Session, wait_us: int, act: Callable[[], None]) -> None:
        session.timers.append(self._timers.at(self._now_us() + wait_us, act))
        if len(session.timers) > 8:  # those that ran are not needed any more
            session.timers[:] = [timer for timer in session.timers if timer.due_us > self._now_us()]

    def _is_over(self, session: Session) -> bool:
        return bool(
            (session.limit_up and session.bytes_up >= session.limit_up)
            or (session.limit_down and session.bytes_down >= session.limit_down)
        )
