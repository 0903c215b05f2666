"""Ties the living parts together: who is told when a session begins or ends, a setting is written, a router boots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.life.config_log import ConfigLog
from lab.mikrotik.life.log import PppLog
from lab.mikrotik.life.ppp_limits import PppLimits
from lab.mikrotik.ppp.sessions import Session
from lab.mikrotik.speech.commands import Access, Command, Outcome

if TYPE_CHECKING:
    from lab.mikrotik.router import Router


class Life:
    """Order matters: what is counted is settled before it is logged, and before its rows go."""

    def __init__(self, router: Router) -> None:
        self._router = router
        switches = router.setup.switches
        self.limits = PppLimits(router.sessions, router.counters, router.timers, router.now_us, switches)
        self.config_log = ConfigLog(router.log_rows, router.tables, full=switches.full_config_log)
        self.ppp_log = PppLog(router.log_rows, version=router.version)
        self._reason: str | None = None
        router.sessions.on_start += [
            self._count,
            self.limits.started,
            self.ppp_log.started,
            self._open_connections,
        ]
        router.sessions.on_end += [self._ended, lambda session, _reason: router.modems.dropped(session)]
        router.sessions.on_refused.append(self.ppp_log.refused)
        router.stations.on_carry.append(self.limits.carried)
        router.wall.on_change.append(self._clock_changed)

    def _count(self, session: Session) -> None:
        self._router.counters.attend(session)

    def _ended(self, session: Session, reason: str) -> None:
        self._router.counters.dismiss(session)
        lasted_us = self._router.now_us() - session.since_us
        self.ppp_log.ended(session, reason, lasted_us // 1_000_000)

    def _open_connections(self, session: Session) -> None:
        for at in range(self._router.setup.connections_per_session):
            self._router.traffic.connect(session, f"203.0.113.{at % 250 + 1}", "tcp", 443)

    def written(self, command: Command, access: Access, outcome: Outcome) -> None:
        """A write was done."""
        self._router.load.write()
        self.config_log.written(command, access, outcome)

    def _clock_changed(self, before: str, after: str, how: str) -> None:
        """NTP's lines are quoted from routers; one for the hand is believed to be written like any other change."""
        if how:
            topics = "system,clock,critical,info" if self._router.version >= (7,) else "system,info"
            self._router.log(topics, f"{how} change time {before} => {after}")

    def going_down(self, reason: str) -> None:
        """Without a reason the power failed."""
        self._reason = reason

    def came_up(self) -> None:
        """Memory is empty; the first line tells how it went down."""
        router = self._router
        router.log_rows.forget()
        router.counters.reboot()
        router.load.reboot()
        if self._reason:
            router.log("system,info", "router rebooted")
        elif router.version >= (7,):
            text = "router rebooted without proper shutdown, probably power outage"
            router.log("system,error,critical", text)
        else:
            router.log("system,error,critical", "router was rebooted without proper shutdown")
        router.wall.boot()
