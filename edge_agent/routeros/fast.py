"""The fast road: what just changed reaches the router in at most three waves for each hundred entitlements."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_agent.domain.wanted import Target
from edge_agent.errors import AgentError
from edge_agent.routeros.line import Line
from edge_agent.routeros.read import sessions_reading
from edge_agent.routeros.roads import CHUNK_ROWS, FAST_TIMEOUT_S, Tools, online_of, three_waves
from edge_agent.routeros.said import RouterState, Settled, Shared, WentOnline

HEALTH_EVERY_US: Final = 20_000_000
WATCH_FIRST_US: Final = 100_000
WATCH_MAX_US: Final = 5_000_000
WATCH_UNTIL_US: Final = 120_000_000
"""A subscriber who has not dialled again by then is told of by no event."""
TRIES_MAX: Final = 2
"""Then the slow road is asked to look."""


@dataclass(slots=True)
class _Watched:
    """Somebody whose session should come back soon."""

    target: Target
    next_us: int
    pause_us: int
    until_us: int


class FastRoad:
    """A thread with a session of its own."""

    def __init__(self, shared: Shared, ask_for_pass: Callable[[str], None]) -> None:
        self._shared = shared
        self._ask_for_pass = ask_for_pass
        self._line = Line(shared.address, shared.clock, shared.clock.random, shared.connection_query)
        self._wake = threading.Condition()
        self._todo: dict[str, int] = {}
        """Ids and how often they were tried."""
        self._watched: dict[str, _Watched] = {}
        self._stopping = False
        self._health_due_us = 0
        self._uptime_s = 0
        self.thread = threading.Thread(target=self._run, name="fast-road", daemon=True)

    def submit(self, ids: Iterable[str]) -> None:
        """Have these looked at now."""
        chosen = list(ids)
        self._shared.claims.touch(chosen)
        with self._wake:
            self._todo.update(dict.fromkeys(chosen, 0))
            self._wake.notify()

    def stop(self) -> None:
        """Ask the thread to end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def _run(self) -> None:
        while (chunk := self._next_chunk()) is not None:
            try:
                if not self._line.open:
                    self._reopen()
                if chunk:
                    self._do(chunk)
                self._look_at_watched()
                self._look_at_health()
            except AgentError as error:
                self._put_back(chunk)
                self._after_trouble(error)
        self._line.close()

    def _next_chunk(self) -> dict[str, int] | None:
        """Wait for work; an empty chunk means something else is due; None means stop."""
        with self._wake:
            if not self._todo and not self._stopping:
                self._wake.wait(self._idle_s())
            if self._stopping:
                return None
            return {id_: self._todo.pop(id_) for id_ in list(self._todo)[:CHUNK_ROWS]}

    def _idle_s(self) -> float:
        due = min([self._health_due_us, *(watched.next_us for watched in self._watched.values())])
        return max((due - self._shared.clock.boot_us()) / 1e6, 0.0)

    def _put_back(self, chunk: dict[str, int]) -> None:
        with self._wake:
            self._todo = {**chunk, **self._todo}

    def _reopen(self) -> None:
        self._line.session()
        self._uptime_s = self._line.health.uptime_s or 0
        self._health_due_us = self._shared.clock.boot_us() + HEALTH_EVERY_US
        self._shared.post(RouterState(self._line.health, "", not self._line.base))
        self._ask_for_pass("connected")

    def _after_trouble(self, error: AgentError) -> None:
        self._shared.post(RouterState(self._line.health, error.what))
        pause_s = self._line.drop()
        with self._wake:
            self._wake.wait_for(lambda: self._stopping, pause_s)

    def _do(self, chunk: dict[str, int]) -> None:
        shared = self._shared
        held = shared.claims.take(chunk)
        try:
            targets = [target for id_ in chunk if (target := shared.targets.get(id_)) is not None]
            if not targets:
                return
            session = self._line.session()
            tools = Tools(shared.clock, shared.unseal, self._line.base, self._line.connections)
            outcome = three_waves(session, targets, tools)
        finally:
            shared.claims.release(held)
        shared.post(Settled("fast", outcome))
        self._again({target.id: chunk[target.id] for target in outcome.unsettled})
        self._watch(target for target in outcome.matched if target.id not in outcome.online)

    def _again(self, unsettled: dict[str, int]) -> None:
        """A session that dialled between two waves is met by a second try; anything else is for the slow road."""
        if any(tries + 1 >= TRIES_MAX for tries in unsettled.values()):
            self._ask_for_pass("failed step")
        with self._wake:
            for id_, tries in unsettled.items():
                if tries + 1 < TRIES_MAX:
                    self._todo.setdefault(id_, tries + 1)

    def _watch(self, targets: Iterable[Target]) -> None:
        now = self._shared.clock.boot_us()
        for target in targets:
            self._watched.pop(target.id, None)
            if target.right is not None and target.level == "full":
                self._watched[target.id] = _Watched(target, now + WATCH_FIRST_US, WATCH_FIRST_US, now + WATCH_UNTIL_US)

    def _look_at_watched(self) -> None:
        now = self._shared.clock.boot_us()
        due = [w for w in self._watched.values() if w.next_us <= now][:CHUNK_ROWS]
        if not due:
            return
        reading = sessions_reading([watched.target for watched in due])
        answers = self._line.session().batch(reading.commands, clock=self._shared.clock, timeout_s=FAST_TIMEOUT_S)
        observed = reading.observed(answers)
        for watched in due:
            online = online_of(watched.target, observed)
            if online is not None:
                self._shared.post(WentOnline(watched.target, online))
            if online is not None or now >= watched.until_us or self._is_outdated(watched.target):
                del self._watched[watched.target.id]
            else:
                watched.pause_us = min(watched.pause_us * 2, WATCH_MAX_US)
                watched.next_us = now + watched.pause_us

    def _is_outdated(self, target: Target) -> bool:
        current = self._shared.targets.get(target.id)
        return current is None or current.right is not target.right or current.level != target.level

    def _look_at_health(self) -> None:
        now = self._shared.clock.boot_us()
        if now < self._health_due_us:
            return
        health = self._line.check_health()
        self._health_due_us = now + HEALTH_EVERY_US
        if health.uptime_s is not None:
            if health.uptime_s < self._uptime_s:
                self._ask_for_pass("router rebooted")
            self._uptime_s = health.uptime_s
        self._shared.post(RouterState(health, "", not self._line.base))
