"""The demo: build a house, play the story in it, print what it took, and stay up or end."""

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path

from lab.building import build
from lab.clock import Clock
from lab.display import Display, Line, figures_table
from lab.errors import LabError
from lab.house import House, Plans
from lab.servers import servers_of
from lab.story.script import STEPS, SUBSCRIBERS_MIN, WALLED
from lab.story.stage import Stage, Step, milliseconds

STEP_LIMIT_S = 120.0  # no step may hang the demo, whatever it forgot to limit


@dataclass(frozen=True, slots=True)
class Wish:
    """What the player asked for."""

    folder: Path
    ends: bool = False
    json_file: Path | None = None
    subscribers: int = 200
    servers: str = "embedded"
    agent_command: str | None = None
    router_version: str = "7.18.2"


async def play(wish: Wish, display: Display, clock: Clock) -> bool:
    """Build, play, and report. Returns whether every step held."""
    if wish.subscribers < SUBSCRIBERS_MIN:
        raise LabError(f"the story uses up {WALLED} expired subscribers; ask for at least {SUBSCRIBERS_MIN}")
    plans = Plans(folder=wish.folder, agent_command=wish.agent_command, router_version=wish.router_version)
    house = House(plans, servers_of(wish.servers, wish.folder), clock=clock)
    building = Line(0, "Build the ISP")
    display.lines = [building, *(Line(step.number, step.title) for step in STEPS)]
    async with house:
        with display:
            held = await _build(wish, house, display, building) and await _story(house, display)
        _report(wish, house, display, held=held)
        if not wish.ends:
            await _stay(house, display)
    return held


async def _build(wish: Wish, house: House, display: Display, line: Line) -> bool:
    async def act() -> dict[str, float]:
        await build(house, subscribers=wish.subscribers, walled=WALLED, tell=display.note)
        return {}

    return await _timed(Step(0, line.title, lambda _: act()), Stage(house, display.note), display, line)


async def _story(house: House, display: Display) -> bool:
    stage = Stage(house, display.note, walled=house.people[:WALLED], paid_up=house.people[WALLED:])
    for step, line in zip(STEPS, display.lines[1:], strict=True):
        if not await _timed(step, stage, display, line):
            return False
    return True


async def _timed(step: Step, stage: Stage, display: Display, line: Line) -> bool:
    """Play one step; whatever goes wrong in it is shown with the ends of the logs."""
    clock = stage.house.clock
    start_us = clock.monotonic_us()
    display.set_state(line, "playing")
    try:
        async with asyncio.timeout(STEP_LIMIT_S):
            line.figures = await step.play(stage)
    except Exception as error:  # noqa: BLE001  # any failure of a step is the story's answer, told with its logs
        line.took_s = milliseconds(start_us, clock.monotonic_us()) / 1000
        display.set_state(line, "broke")
        display.console.print(f"{type(error).__name__}: {error}\n{stage.house.last_words()}", markup=False)
        return False
    line.took_s = milliseconds(start_us, clock.monotonic_us()) / 1000
    display.set_state(line, "held")
    return True


def _report(wish: Wish, house: House, display: Display, *, held: bool) -> None:
    display.console.print(figures_table(display.lines))
    display.console.print("every step held" if held else f"a step broke; the logs are in {house.logs}", markup=False)
    if wish.json_file is not None:
        wish.json_file.write_text(json.dumps(figures_of(display.lines, held=held), indent=2) + "\n")


def figures_of(lines: list[Line], *, held: bool) -> dict[str, object]:
    """The run as one JSON object: whether it held, and each step's state, seconds and figures."""
    steps = [
        {"step": line.number, "title": line.title, "state": line.state, "took_s": line.took_s, "figures": line.figures}
        for line in lines
    ]
    return {"held": held, "took_s": round(sum(line.took_s or 0 for line in lines), 1), "steps": steps}


async def _stay(house: House, display: Display) -> None:
    """Print the way in, and wait for Ctrl-C."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    token = getattr(getattr(house, "cloud", None), "token", "")
    say = display.console.print
    address = f"http://127.0.0.1:{house.http_port}"
    say(f"\nThe ISP stays up. API: {address}, described at {address}/openapi.json\nToken: {token}", markup=False)
    say(f"Try: curl -H 'Authorization: Bearer {token}' {address}/v1/books", markup=False, soft_wrap=True)
    say(f"Logs and data: {house.plans.folder}\nCtrl-C ends it.", markup=False)
    with contextlib.suppress(asyncio.CancelledError):
        await ended.wait()
    say("ending ...")
