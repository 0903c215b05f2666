"""The fleet: agents started, dropped, brought back and counted together."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Final, Literal

from lab.clock import Clock
from lab.errors import LabError
from lab.events import Events
from lab.fleet.agent import Agent, Manner, Shared
from lab.fleet.figures import Figures, resident_bytes
from lab.fleet.identity import Identity

AGENTS_MAX: Final = 20_000
OPENING_AT_ONCE: Final = 64
LOOK_EVERY_S: Final = 0.02
_KIB: Final = 1_024


class Fleet:
    """Owns the agents' tasks; every method belongs to the loop."""

    def __init__(self, clock: Clock, chance: random.Random, *, opening_at_once: int = OPENING_AT_ONCE) -> None:
        self.agents: list[Agent] = []
        self.manner = Manner()
        self.figures = Figures()
        self.events = Events(clock, 10_000)
        self._clock = clock
        self._shared = Shared(self.manner, self.figures, clock, chance, asyncio.Semaphore(opening_at_once))
        self._chance = chance
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bytes_before = resident_bytes()
        self._storm: asyncio.Task[None] | None = None
        self.storm: dict[str, float] = {}
        """The last coming of many: how many, and how long until all of them were connected and had what they want."""

    def add(self, identity: Identity) -> None:
        """Start an agent; it connects when `come` says so. Raises LabError when there are too many."""
        if len(self.agents) >= AGENTS_MAX:
            raise LabError(f"one process plays at most {AGENTS_MAX} agents; start another for more")
        agent = Agent(identity, self._shared)
        self.agents.append(agent)
        self._tasks[identity.name] = asyncio.create_task(agent.run(), name=identity.name)

    def come(self, count: int | None = None) -> int:
        """Let so many of those who stay away connect, all by default; returns how many."""
        away = [agent for agent in self.agents if not agent.wanted.is_set()][:count]
        for agent in away:
            agent.wanted.set()
        if away:
            self.events.note("coming", agents=len(away))
            if self._storm is not None:
                self._storm.cancel()
            self._storm = asyncio.create_task(self._measure(away))
        return len(away)

    async def _measure(self, coming: Sequence[Agent]) -> None:
        """Time until all are connected, and until all hold and have applied a desired state."""
        began_us = self._clock.monotonic_us()
        storm: dict[str, float] = {"agents": len(coming)}
        self.storm = storm
        for name, seen in (("connected_s", _is_connected), ("settled_s", _is_settled)):
            while not all(seen(agent) or not agent.wanted.is_set() for agent in coming):  # noqa: ASYNC110  # each of thousands would wake us
                await asyncio.sleep(LOOK_EVERY_S)
            storm[name] = round((self._clock.monotonic_us() - began_us) / 1e6, 3)
            self.events.note(name.removesuffix("_s"), agents=len(coming), after_s=storm[name])

    def drop(self, count: int | None, how: Literal["goodbye", "kill"], *, forget: bool = False) -> int:
        """Let so many go, chosen at random, all by default; they stay away until `come`."""
        here = [agent for agent in self.agents if agent.wanted.is_set()]
        gone = here if count is None or count >= len(here) else self._chance.sample(here, count)
        for agent in gone:
            agent.leave(how, forget=forget)
        self.events.note("dropped", agents=len(gone), how=how)
        return len(gone)

    def pause(self, *, on: bool) -> None:
        """Apply nothing from now on; or apply what was kept back, and go on."""
        self.manner.paused = on
        if not on:
            for agent in self.agents:
                agent.apply_rest()

    async def dismiss(self, count: int) -> None:
        """End so many agents for good, with a goodbye."""
        for agent in self.agents[len(self.agents) - count :]:
            agent.leave("goodbye")
            task = self._tasks.pop(agent.identity.name)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        del self.agents[len(self.agents) - count :]

    async def close(self) -> None:
        """Say goodbye and end."""
        if self._storm is not None:
            self._storm.cancel()
        self.drop(None, "goodbye")
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
        self.agents.clear()

    def stats(self) -> dict[str, Any]:
        """Everything that is counted."""
        count = len(self.agents)
        grown = resident_bytes() - self._bytes_before
        return {
            "agents": count,
            "wanted": sum(agent.wanted.is_set() for agent in self.agents),
            "connected": sum(agent.connected for agent in self.agents),
            "settled": sum(map(_is_settled, self.agents)),
            "rows": sum(len(agent.desired.rows) for agent in self.agents),
            "storm": self.storm,
            "resident_mib": round(resident_bytes() / _KIB / _KIB, 1),
            "kib_per_agent": round(grown / _KIB / count, 1) if count else 0.0,
            **self.figures.as_json(),
        }


def _is_connected(agent: Agent) -> bool:
    return agent.connected


def _is_settled(agent: Agent) -> bool:
    return agent.connected and agent.desired.known and agent.applied == agent.desired.held.generation
