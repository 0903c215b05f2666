"""The command `mnara-lab rail`: the simulated Safaricom by itself, behind Daraja's HTTP face."""

import random
from typing import Annotated

import typer
import uvicorn

from lab.clock import SystemClock
from lab.safaricom.face.app import Daraja
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import App
from lab.safaricom.rail import Rail


def rail(
    *,
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 8099,
    consumer_key: Annotated[str, typer.Option(help="The app's key.")] = "lab-key",
    consumer_secret: Annotated[str, typer.Option(help="The app's secret.")] = "lab-secret",  # noqa: S107  # guards nothing
    copies: Annotated[int, typer.Option(help="Confirmations per payment.")] = 1,
    lose: Annotated[float, typer.Option(help="Share of confirmations never sent.")] = 0.0,
    retries: Annotated[int, typer.Option(help="After a timeout or a non-2xx answer.")] = 0,
    validation: Annotated[bool, typer.Option(help="Ask the validation address first.")] = False,
    seed: Annotated[int, typer.Option(help="Replays a run.")] = 1,
) -> None:
    """Serve a simulated Daraja: OAuth, register, simulate, and a statement at /lab/statement/<shortcode>."""
    clock = SystemClock()
    simulated = Rail(clock=clock, chance=random.Random(seed))  # noqa: S311  # replayable, not secret
    simulated.manner = Manner(copies=copies, lose=lose, retries=retries, validation=validation)
    simulated.directory.add_app(App(consumer_key, consumer_secret))
    uvicorn.run(Daraja(simulated), host="127.0.0.1", port=port, log_level="warning")
