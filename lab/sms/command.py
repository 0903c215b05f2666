"""The command `mnara-lab sms`: the simulated SMS gateway by itself."""

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
import uvloop

from lab.clock import SystemClock
from lab.control import listening_place, open_door
from lab.errors import LabError
from lab.sms.app import SmsFace
from lab.sms.control import Control
from lab.sms.gateway import Gateway
from lab.sms.message import Account
from lab.sms.numbers import TELCOS
from lab.web import serve_http


def sms(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="HTTP port; 0 takes a free one.")] = 8097,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    control: Annotated[str, typer.Option(metavar="HOST:PORT", help="The control door.")] = "127.0.0.1:0",
    username: Annotated[str, typer.Option(help="Africa's Talking's username.")] = "sandbox",
    api_key: Annotated[str, typer.Option(help="The key of both families.")] = "lab-key",
    partner_id: Annotated[str, typer.Option(help="The white-label family's partnerID.")] = "1",
    balance: Annotated[float, typer.Option(min=0, help="Shillings at the start.")] = 10_000.0,
    sender: Annotated[list[str] | None, typer.Option(help="A registered sender id; repeat. None: all pass.")] = None,
    reports_to: Annotated[str, typer.Option(metavar="URL", help="Where Africa's Talking posts reports.")] = "",
    pushes_to: Annotated[str, typer.Option(metavar="URL", help="Where the white-label family posts them.")] = "",
    seed: Annotated[int, typer.Option(help="Replays a run.")] = 1,
) -> None:
    """Run a simulated SMS gateway until interrupted. Prints one JSON line when it listens.

    It has both faces at once: Africa's Talking (POST /version1/messaging, /version1/messaging/bulk, GET /version1/user)
    and the white-label family of TextSMS, Celcom Africa and Advanta (/api/services/sendsms, sendbulk, getdlr,
    getbalance). Behind them are phones whose inboxes say what really arrived.

    \b
      mnara-lab sms --port 8097 --control 127.0.0.1:7100 &
      curl -H apiKey:lab-key -H Accept:application/json \\
        --data-urlencode username=sandbox --data-urlencode to=+254711000001 \\
        --data-urlencode message=Habari 127.0.0.1:8097/version1/messaging
      export MNARA_LAB_AT=127.0.0.1:7100
      mnara-lab ask inbox number=+254711000001     what the phone received
      mnara-lab ask phone number=+254711000001 state=off
      mnara-lab ask manner lose=0.1 outage=html outage_share=0.5
      mnara-lab ask manner reset=true              a good day again
      mnara-lab ask balance set=0.5                nearly nothing left
      mnara-lab ask reports to=http://127.0.0.1:8000/hooks/sms
      mnara-lab watch                              live

    `mnara-lab ask manner` lists all switches: what nobody knows of the real gateways, and what goes wrong with them.
    """
    every = frozenset(telco.name for telco in TELCOS)
    account = Account(
        username, api_key, partner_id, balance=round(balance * 10_000), senders=dict.fromkeys(sender or [], every)
    )
    gateway_seed = random.Random(seed)  # noqa: S311  # a simulation that can be replayed, not a secret
    for url in filter(None, (reports_to, pushes_to)):
        if not url.startswith(("http://", "https://")):
            raise typer.BadParameter(f"{url!r} is no address for reports; it begins with http:// or https://")
    try:
        uvloop.run(_run(account, gateway_seed, (host, port), listening_place(control), (reports_to, pushes_to)))
    except LabError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@asynccontextmanager
async def running_gateway(gateway: Gateway, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve a gateway's HTTP face for as long as the block lasts; yields its port."""
    try:
        async with serve_http(SmsFace(gateway).app, host, port) as bound:
            yield bound
    finally:
        await gateway.close()


async def _run(
    account: Account, chance: random.Random, at: tuple[str, int], control: tuple[str, int], reports: tuple[str, str]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = Gateway(clock=SystemClock(), chance=chance, account=account)
    gateway.reports.addresses = {"africas-talking": reports[0], "white-label": reports[1]}
    async with (
        running_gateway(gateway, *at) as port,
        open_door(Control(gateway).verbs, *control) as door,
    ):
        typer.echo(json.dumps({"sms": at[0], "port": port, "control": f"{control[0]}:{door}"}))
        await stop.wait()
