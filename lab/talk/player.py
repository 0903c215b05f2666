"""Carrying out a script over the doors it names: what does not hold ends it, with the line and what was seen."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from lab.door import Door
from lab.errors import LabError, NotSeen, Refused
from lab.talk.script import Condition, Line
from lab.talk.words import cell
from lab.waiting import until

LOOK_EVERY_S = 0.1
SEEN_MAX = 600


class DoesNotHold(LabError):
    """A line of a script found things otherwise."""


class Player:
    """Plays lines one after another; `tell` hears of each line that held."""

    def __init__(self, doors: Mapping[str, Door], tell: Callable[[Line, Mapping[str, Any]], None]) -> None:
        self._doors = doors
        self._tell = tell
        self._last: Mapping[str, Any] = {}

    async def play(self, lines: list[Line]) -> None:
        """Play to the end, or raise DoesNotHold with the line's number, its words and what was seen."""
        for line in lines:
            try:
                await self._one(line)
            except (LabError, OSError) as error:
                raise DoesNotHold(f"line {line.number}: {line.text}\n  {error}") from error
            self._tell(line, {} if line.verb == "wait" else self._last)

    async def _one(self, line: Line) -> None:
        match line.verb:
            case "wait":
                await asyncio.sleep(line.limit_s)
            case "expect":
                _check(line.gives, self._last)
            case "until":
                await self._until(line)
            case "refused":
                self._last = await self._refusal(line)
                _check(line.gives, self._last)
            case "at":
                self._last = await self._ask(line)
                _check(line.gives, self._last)

    async def _ask(self, line: Line) -> Mapping[str, Any]:
        return await self._doors[line.door].ask(line.do, **(line.facts or {}))

    async def _refusal(self, line: Line) -> Mapping[str, Any]:
        try:
            answer = await self._ask(line)
        except Refused as refusal:
            return {"error": refusal.answer}
        raise DoesNotHold(f"it was not refused; seen: {cell(dict(answer), SEEN_MAX)}")

    async def _until(self, line: Line) -> None:
        what = " ".join(map(str, line.gives))

        def good(answer: Mapping[str, Any]) -> bool:
            self._last = answer
            return all(condition.holds(answer) for condition in line.gives)

        try:
            await until(what, lambda: self._ask(line), good, limit_s=line.limit_s, every_s=LOOK_EVERY_S)
        except NotSeen as error:
            raise DoesNotHold(str(error)) from error


def _check(conditions: tuple[Condition, ...], answer: Mapping[str, Any]) -> None:
    missing = [str(condition) for condition in conditions if not condition.holds(answer)]
    if missing:
        raise DoesNotHold(f"{' '.join(missing)} does not hold; seen: {cell(dict(answer), SEEN_MAX)}")
