"""The slow road: reads all our menus, and puts right what is wrong out of the fast road's way."""

import threading
from collections.abc import Iterator
from typing import Final

from edge_agent.domain.observed import Observed
from edge_agent.domain.orphans import with_strays
from edge_agent.domain.reconcile import Refusal, reconcile
from edge_agent.domain.wanted import Target
from edge_agent.errors import AgentError
from edge_agent.routeros.client import Session
from edge_agent.routeros.line import Line
from edge_agent.routeros.pace import Pace
from edge_agent.routeros.roads import Online, Tools, online_of, read_whole, three_waves
from edge_agent.routeros.rules import read_rules
from edge_agent.routeros.said import Found, PassEnded, RouterState, RulesRead, Settled, Shared

PIECE_ROWS: Final = 50
"""Judged and told in pieces, so that neither this thread nor the loop holds the interpreter for long."""
REPAIR_ROWS: Final = 50
AGAIN_FIRST_S: Final = 1.0
AGAIN_MAX_S: Final = 60.0


class SlowRoad:
    """A thread with a session of its own."""

    def __init__(self, shared: Shared, every_s: float) -> None:
        self._shared = shared
        self._every_s = every_s
        self._line = Line(shared.address, shared.clock, shared.clock.random, shared.connection_query)
        self._wake = threading.Condition()
        self._reason = ""
        self._again_s = AGAIN_FIRST_S
        self._stopping = False
        self.thread = threading.Thread(target=self._run, name="slow-road", daemon=True)

    def ask(self, reason: str) -> None:
        """Have a pass made now; several askings before it begins are one."""
        with self._wake:
            self._reason = self._reason or reason
            self._wake.notify()

    def stop(self) -> None:
        """Ask the thread to end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def _run(self) -> None:
        wait_s = self._every_s
        while (reason := self._next_reason(wait_s)) is not None:
            try:
                wait_s = self._pause_after(whole=self._one_pass(reason))
            except AgentError as error:
                self._shared.post(RouterState(self._line.health, error.what))
                self._sleep(self._line.drop())
                self.ask(reason)
        self._line.close()

    def _next_reason(self, wait_s: float) -> str | None:
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or self._reason, wait_s)
            reason, self._reason = self._reason or "time", ""
            return None if self._stopping else reason

    def _sleep(self, pause_s: float) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._stopping, pause_s)

    def _pause_after(self, *, whole: bool) -> float:
        """A pass that left something open is made again soon, less and less often."""
        if whole:
            self._again_s = AGAIN_FIRST_S
            return self._every_s
        pause_s, self._again_s = self._again_s, min(self._again_s * 2, AGAIN_MAX_S)
        return min(pause_s, self._every_s)

    def _one_pass(self, reason: str) -> bool:
        shared, clock = self._shared, self._shared.clock
        began_us, cpu_us = clock.boot_us(), clock.thread_us()
        session = self._session()
        since = shared.claims.begin_pass()
        tools = Tools(clock, shared.unseal, self._line.base, self._line.connections)
        pace = Pace(clock)
        observed = read_whole(session, tools, pace.breathe, ipv6=True)
        read_us = clock.boot_us()
        shared.post(RulesRead(tuple(read_rules(session, clock))))
        wrong = self._judge(observed, since, read_us, pace)
        whole, repaired = True, set()
        for chunk in _chunks(list(wrong.values()), REPAIR_ROWS):
            settled, changed = self._repair(chunk, since, tools)
            whole = whole and settled
            repaired |= changed
        ended = PassEnded(reason, whole, frozenset(repaired), clock.boot_us() - began_us, clock.thread_us() - cpu_us)
        shared.post(ended)
        return whole

    def _session(self) -> Session:
        """A road that told of trouble says itself that it is over: the other one may never have met it."""
        reopened = not self._line.open
        session = self._line.session()
        if reopened:
            self._shared.post(RouterState(self._line.health, "", not self._line.base))
        return session

    def _judge(self, observed: Observed, since: int, read_us: int, pace: Pace) -> dict[str, Target]:
        """Tell what is right as it is; returns what is not."""
        shared = self._shared
        targets = dict(shared.targets)
        wrong = {
            id_: target for id_, target in with_strays(observed, targets).items() if shared.claims.untouched(id_, since)
        }
        for piece in _chunks(list(targets.values()), PIECE_ROWS):
            plan = reconcile(observed, piece)
            matched: list[Target] = []
            failed: list[tuple[Target, Refusal]] = []
            online: dict[str, Online] = {}
            away: set[str] = set()
            for target in piece:
                if target.id in wrong or not shared.claims.untouched(target.id, since):
                    continue
                if target.id in plan.needing:
                    wrong[target.id] = target
                elif target.id in plan.refusals:
                    failed.append((target, plan.refusals[target.id]))
                else:
                    matched.append(target)
                    if (seen := online_of(target, observed)) is not None:
                        online[target.id] = seen
                    elif target.right is not None and target.right.username not in observed.sessions:
                        away.add(target.id)
            shared.post(Found(matched, failed, online, away, read_us))
            pace.breathe()
        return wrong

    def _repair(self, chunk: list[Target], since: int, tools: Tools) -> tuple[bool, set[str]]:
        """Three waves for those that nobody touched meanwhile; tells whether all were settled, and who was changed."""
        held = self._shared.claims.take_untouched((target.id for target in chunk), since)
        try:
            mine = [target for target in chunk if target.id in held]
            if not mine:
                return True, set()
            outcome = three_waves(self._line.session(), mine, tools)
        finally:
            self._shared.claims.release(held)
        self._shared.post(Settled("slow", outcome))
        return not outcome.unsettled, outcome.changed


def _chunks(targets: list[Target], size: int) -> Iterator[list[Target]]:
    for start in range(0, len(targets), size):
        yield targets[start : start + size]
