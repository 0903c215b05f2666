"""The command line of the simulated router: `router`, to be mounted as `mnara-lab router`."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop

from lab.clock import SystemClock
from lab.mikrotik import tls
from lab.mikrotik.control import control_door
from lab.mikrotik.errors import ScriptError
from lab.mikrotik.router import DEFAULT_VERSION, Router, Setup
from lab.mikrotik.script import run_script
from lab.mikrotik.server import serve

Board = Literal["RB5009", "CHR"]
Mode = Literal["advanced", "home", "basic"]


def router(
    *,
    port: Annotated[int, typer.Option(help="API port; 0 takes a free one")] = 8728,
    tls_port: Annotated[int | None, typer.Option(help="API-SSL port; none without it")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file; self-made without it")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key")] = None,
    tls_anonymous: Annotated[bool, typer.Option(help="no certificate: anonymous DH, as RouterOS does")] = False,
    tls_certificate_out: Annotated[Path | None, typer.Option(help="write the certificate to trust here")] = None,
    control: Annotated[str, typer.Option(help="HOST:PORT of the control door")] = "127.0.0.1:0",
    version: Annotated[str, typer.Option(help="RouterOS version to be")] = DEFAULT_VERSION,
    script: Annotated[Path | None, typer.Option(help=".rsc file run at first boot")] = None,
    user: Annotated[str, typer.Option(help="first user (group full)")] = "admin",
    password: Annotated[str, typer.Option(help="his password")] = "",
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    empty: Annotated[bool, typer.Option(help="without PPPoE server, firewall and addresses")] = False,
    ntp_answers: Annotated[bool, typer.Option(help="whether NTP, once configured, gives the time")] = True,
    board: Annotated[Board, typer.Option(help="a CHR has no routerboard and no sensors")] = "RB5009",
    device_mode: Annotated[Mode, typer.Option(help="what it may do; only advanced has hotspot")] = "advanced",
    connections: Annotated[int, typer.Option(help="connections a subscriber opens when online")] = 2,
) -> None:
    """Run a simulated MikroTik until interrupted. Prints one JSON line when it listens."""
    setup = Setup(
        version=version, user=user, password=password, empty=empty, ntp_answers=ntp_answers,
        connections_per_session=connections, board=board, device_mode=device_mode,
    )  # fmt: skip
    machine = Router(setup)
    if script is not None:
        try:
            run_script(machine, script.read_text(encoding="utf-8"))
        except (ScriptError, OSError) as error:
            typer.echo(f"{script}: {error}", err=True)
            raise typer.Exit(1) from error
    identity = None
    if tls_port is not None:
        identity = _identity(host, tls_certificate, tls_key, anonymous=tls_anonymous)
        if tls_certificate_out is not None:
            tls_certificate_out.write_text(identity.certificate_pem)
    uvloop.run(_run(machine, host, port, tls_port, identity, control))


def _identity(host: str, certificate: Path | None, key: Path | None, *, anonymous: bool) -> tls.TlsIdentity:
    if anonymous:
        return tls.anonymous()
    if certificate is not None and key is not None:
        return tls.from_files(certificate, key)
    return tls.self_made(SystemClock(), host)


async def _run(
    machine: Router, host: str, port: int, tls_port: int | None, identity: tls.TlsIdentity | None, control: str
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    control_host, _, control_port = control.rpartition(":")
    context = None if identity is None else identity.context
    async with (
        serve(machine, host=host, port=port, tls_port=tls_port, tls=context) as server,
        control_door(server, control_host or "127.0.0.1", int(control_port)) as door,
    ):
        where = {"port": server.port, "tls_port": server.tls_port or None, "control": f"{control_host}:{door}"}
        typer.echo(json.dumps({"router": host, **where}))
        await stop.wait()
