"""The command `mnara-lab agents`: a fleet of simulated agents against a real cloud."""

import asyncio
import json
import random
import resource
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from lab.clock import SystemClock
from lab.cloud_door import CloudDoor
from lab.control import open_door
from lab.errors import LabError
from lab.fleet.control import Control
from lab.fleet.enrolling import Recruiter
from lab.fleet.fleet import AGENTS_MAX, OPENING_AT_ONCE, Fleet
from lab.fleet.identity import load_all

SPARE_FILES = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    cloud: str
    token: str
    count: int
    prefix: str
    data: Path
    control: str
    enrol: str
    at_once: int
    apply_s: float
    seed: int


def agents(
    *,
    cloud: Annotated[str, typer.Option(metavar="URL", help="The cloud's REST API.")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(envvar="MNARA_TOKEN", help="A token that may make sites and claims.")] = "",
    count: Annotated[int, typer.Option(min=0, max=AGENTS_MAX, help="How many agents.")] = 10,
    sites_prefix: Annotated[str, typer.Option(help="Their sites are called so, with a number.")] = "load-",
    data: Annotated[Path | None, typer.Option(help="Keep who they are here, and come back as the same.")] = None,
    control: Annotated[str, typer.Option(metavar="HOST:PORT", help="The control door.")] = "127.0.0.1:0",
    enrol: Annotated[str, typer.Option(metavar="URL", help="The enrolment door, if not where claims say.")] = "",
    at_once: Annotated[int, typer.Option(min=1, help="Connections that may be opening at once.")] = OPENING_AT_ONCE,
    apply_s: Annotated[float, typer.Option(min=0, help="How long applying a change takes.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of jitter and choice.")] = 1,
) -> None:
    """Run a fleet of simulated agents against a cloud until interrupted. Prints one JSON line when they were enrolled.

    Each agent has its own keys, enrols at a site of its own, connects by MQTT over TLS with its own certificate,
    verifies signatures and digests, holds what it is told, and reports it as applied. No router is behind it. All of
    them live on one thread; one costs some 80 KiB.

    \b
      mnara-lab agents --cloud http://127.0.0.1:8000 --token … --count 200 \\
        --data /tmp/fleet --control 127.0.0.1:7200 &
      export MNARA_LAB_AT=127.0.0.1:7200
      mnara-lab ask stats                    connected, lag, bytes, memory
      mnara-lab ask drop n=50                fifty power cuts
      mnara-lab ask drop how=goodbye forget=true
      mnara-lab ask return                   all come back at once: a storm
      mnara-lab ask pause                    they store, and apply nothing
      mnara-lab ask manner apply_s=0.2 apply_spread=1
      mnara-lab ask count n=500              300 more enrol
      mnara-lab watch                        the main figures every second

    With --data the same agents come back at the next start, without enrolling again.
    """
    folder = data or Path(tempfile.mkdtemp(prefix="mnara-fleet-"))
    wish = Wish(cloud, token, count, sites_prefix, folder, control, enrol, at_once, apply_s, seed)
    try:
        allow_files(count)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        uvloop.run(_run(wish))
    except (LabError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def allow_files(count: int) -> None:
    """Allow this process a socket for every agent, or raise LabError with what to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + SPARE_FILES
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise LabError(f"{count} agents need {needed} open files, and {hard} are allowed; run `ulimit -Hn {needed}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def _run(wish: Wish) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    chance = random.Random(wish.seed)  # noqa: S311  # jitter and choice, not a secret
    fleet = Fleet(SystemClock(), chance, opening_at_once=wish.at_once)
    fleet.manner.apply_s = wish.apply_s
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fleet.close)
        recruiter = None
        if wish.token:
            cloud = await stack.enter_async_context(CloudDoor(wish.cloud, wish.token))
            recruiter = Recruiter(cloud, wish.data, prefix=wish.prefix, enrol_url=wish.enrol)
            stack.push_async_callback(recruiter.close)
        for identity in load_all(wish.data)[: wish.count]:
            fleet.add(identity)
        kept = len(fleet.agents)
        if kept < wish.count:
            if recruiter is None:
                raise LabError(f"{wish.count - kept} agents must be enrolled; give --token (and --cloud)")
            await recruiter.enrol(wish.count - kept, fleet.add)
        fleet.come()
        host, _, port = wish.control.rpartition(":")
        host = host or "127.0.0.1"
        door = await stack.enter_async_context(open_door(Control(fleet, recruiter).verbs, host, int(port)))
        where = {"agents": wish.count, "kept": kept, "data": str(wish.data), "control": f"{host}:{door}"}
        typer.echo(json.dumps(where))
        await stop.wait()
