"""What the fleet's control door can be asked: more or fewer agents, some gone, all back, and what it took."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict, fields
from typing import Any

from lab.control import Answer, Handlers, Request
from lab.errors import LabError
from lab.fleet.enrolling import Recruiter
from lab.fleet.fleet import Fleet

ROWS_MAX = 20_000
WATCH_EVERY_MIN_S = 0.1
_SHORT = ("agents", "wanted", "connected", "settled", "bytes_down", "bytes_up", "connects", "resident_mib")


class Control:
    """Answers requests about one fleet; without a recruiter it cannot grow."""

    def __init__(self, fleet: Fleet, recruiter: Recruiter | None) -> None:
        self._fleet = fleet
        self._recruiter = recruiter
        self._counting = asyncio.Lock()
        self.verbs: Handlers = {
            "count": self._count, "drop": self._drop, "return": self._return, "pause": self._pause,
            "manner": self._manner, "agents": self._agents, "stats": self._stats, "events": self._events,
            "watch": self._watch,
        }  # fmt: skip

    async def _count(self, request: Request) -> Answer:
        """Show how many agents there are, or make it n=200: more are enrolled, fewer say goodbye for good."""
        async with self._counting:
            wanted = _whole(request, "n")
            missing = 0 if wanted is None else wanted - len(self._fleet.agents)
            if missing > 0:
                if self._recruiter is None:
                    raise LabError("this fleet cannot enrol more agents; start it with --cloud and --token")
                await self._recruiter.enrol(missing, self._fleet.add)
                self._fleet.come()
            elif missing < 0:
                await self._fleet.dismiss(-missing)
            return {"agents": len(self._fleet.agents)}

    def _drop(self, request: Request) -> Answer:
        """Let agents go: [n=20] [how=kill|goodbye] [forget=true: they will come back knowing nothing]."""
        how = request.get("how", "kill")
        if how not in {"kill", "goodbye"}:
            raise LabError(f"they go by kill or goodbye, not {how!r}")
        forget = bool(request.get("forget", False))
        return {"dropped": self._fleet.drop(_whole(request, "n"), how, forget=forget)}

    def _return(self, request: Request) -> Answer:
        """Let them come back: [n=20]; `stats` then says how long the storm took."""
        return {"returning": self._fleet.come(_whole(request, "n"))}

    def _pause(self, request: Request) -> Answer:
        """Apply nothing any more while staying connected; on=false goes on."""
        self._fleet.pause(on=request.get("on", True) is not False)
        return {"paused": self._fleet.manner.paused}

    def _manner(self, request: Request) -> Answer:
        """Show the switches, or change some: [apply_s=0.2] [apply_spread=0.5] [events=false] …."""
        kinds = {each.name: each.type for each in fields(self._fleet.manner) if each.name != "paused"}
        for name, value in request.items():
            if name == "do":
                continue
            if name not in kinds:
                raise LabError(f"there is no switch {name!r}; known are {', '.join(kinds)}")
            now = getattr(self._fleet.manner, name)
            if isinstance(now, bool) != isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise LabError(f"{name} is such as {now!r}, not {value!r}")
            setattr(self._fleet.manner, name, type(now)(value))
        return asdict(self._fleet.manner)

    def _agents(self, _request: Request) -> Answer:
        """Every agent: site, connected, generation held and applied, rows."""
        return {"agents": [
            {
                "agent": agent.identity.name, "site": agent.identity.answer.site_name, "connected": agent.connected,
                "epoch": agent.desired.held.epoch, "generation": agent.desired.held.generation,
                "applied": agent.applied, "rows": len(agent.desired.rows), "digest": agent.desired.held.digest,
            }
            for agent in self._fleet.agents[:ROWS_MAX]
        ]}  # fmt: skip

    def _stats(self, _request: Request) -> Answer:
        """Figures: connected, settled, bytes, lag, memory per agent, the last storm."""
        return self._fleet.stats()

    def _events(self, request: Request) -> Answer:
        """What happened to the fleet: [since=N]."""
        return {"events": self._fleet.events.after(int(request.get("since", 0)))}

    async def _watch(self, request: Request) -> AsyncGenerator[Answer, None]:
        """The main figures again and again: [every_s=1]."""
        every_s = max(WATCH_EVERY_MIN_S, float(request.get("every_s", 1.0)))
        while True:
            stats = self._fleet.stats()
            yield {name: stats[name] for name in _SHORT} | {"lag_ms_p99": stats["lag_ms"].get("p99")}
            await asyncio.sleep(every_s)


def _whole(request: Request, name: str) -> int | None:
    value: Any = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LabError(f"{name} is a whole number such as 20, not {value!r}")
    return value
