"""The command line of the simulated router: `router`, to be mounted as `mnara-lab router`."""

import asyncio
import json
import signal
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
import uvloop

from lab.clock import SystemClock
from lab.errors import LabError
from lab.mikrotik import tls
from lab.mikrotik.control import control_door
from lab.mikrotik.errors import ScriptError
from lab.mikrotik.faults import parse
from lab.mikrotik.network.delay import Link
from lab.mikrotik.network.server import serve
from lab.mikrotik.router import DEFAULT_VERSION, Router, Setup
from lab.mikrotik.script import run_script
from lab.mikrotik.teaching import HELP
from lab.mikrotik.wishes import WishError, address_of, fault_lines, switch_lines, switches_of, version_of


def _in(panel: str, text: str, *names: str, **more: Any) -> Any:
    """An option in one of the groups of --help."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


_PORT = {"min": 0, "max": 65_535}
_WHERE, _WHAT = "Where it listens", "What router it is"
_WORLD, _TROUBLE = "The world around it", "Distance and trouble"
_SWITCH = _in(_WHAT, "Turn a belief that nobody verified; repeatable; `list` shows them.", metavar="NAME=VALUE")
_FAULT = _in(_TROUBLE, "Arm a fault; repeatable; `list` shows them.", metavar="KIND[,NAME=VALUE]...")

Board = Literal["RB5009", "CHR"]
Mode = Literal["advanced", "home", "basic"]
HabitName = Literal["quiet", "idle", "browsing", "streaming", "uploading"]


def router(
    *,
    host: Annotated[str, _in(_WHERE, "Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, _in(_WHERE, "API; 0 takes a free one.", **_PORT)] = 8728,
    tls_port: Annotated[int | None, _in(_WHERE, "API-SSL; none without it.", **_PORT)] = None,
    tls_certificate: Annotated[Path | None, _in(_WHERE, "PEM file; self-made without it.")] = None,
    tls_key: Annotated[Path | None, _in(_WHERE, "PEM file of its key.")] = None,
    tls_anonymous: Annotated[bool, _in(_WHERE, "No certificate: anonymous DH.", "--tls-anonymous")] = False,
    tls_certificate_out: Annotated[Path | None, _in(_WHERE, "Write the certificate to trust here.")] = None,
    control: Annotated[str, _in(_WHERE, "HOST:PORT of the control door.")] = "127.0.0.1:0",
    version: Annotated[str, _in(_WHAT, "RouterOS to be: 6.42.12, 6.49.18, 7.9.2, 7.18.2, ...")] = DEFAULT_VERSION,
    user: Annotated[str, _in(_WHAT, "First user, in the group full.")] = "admin",
    password: Annotated[str, _in(_WHAT, "His password.")] = "",
    script: Annotated[Path | None, _in(_WHAT, "An .rsc file, run at first boot.")] = None,
    empty: Annotated[bool, _in(_WHAT, "Without PPPoE server, firewall and addresses.", "--empty")] = False,
    board: Annotated[Board, _in(_WHAT, "A CHR has no routerboard and no sensors.")] = "RB5009",
    device_mode: Annotated[Mode, _in(_WHAT, "What it may do; only advanced has hotspot.")] = "advanced",
    switch: Annotated[list[str] | None, _SWITCH] = None,
    ntp_answers: Annotated[bool, _in(_WORLD, "Whether NTP, once configured, gives the time.")] = True,
    ntp_delay_s: Annotated[float, _in(_WORLD, "Seconds that NTP takes to answer after a boot.", min=0)] = 0.0,
    connections: Annotated[int, _in(_WORLD, "Connections a subscriber opens when online.", min=0)] = 2,
    habit: Annotated[HabitName, _in(_WORLD, "How everybody uses the line.")] = "quiet",
    seed: Annotated[int, _in(_WORLD, "Replays what chance decides.")] = 1,
    delay_ms: Annotated[float, _in(_TROUBLE, "A round trip to it, in milliseconds.")] = 0.0,
    loss: Annotated[
        float, _in(_TROUBLE, "Share of what is sent that is lost and sent again (0.05), by TCP's time-outs.")
    ] = 0.0,
    fault: Annotated[list[str] | None, _FAULT] = None,
) -> None:
    """Run a simulated MikroTik until interrupted; HELP is what --help shows."""
    _list_if_asked(fault, fault_lines())
    _list_if_asked(switch, switch_lines())
    try:
        setup = Setup(
            version=version_of(version), user=user, password=password, empty=empty, ntp_answers=ntp_answers,
            connections_per_session=connections, ntp_delay_s=ntp_delay_s, habit=habit, seed=seed,
            switches=switches_of(switch or ()), board=board, device_mode=device_mode,
        )  # fmt: skip
        machine = _machine(setup, script, fault or ())
        link = Link.of(delay_ms / 1_000, loss, seed)
        door = address_of(control)
        if tls_port is None and (tls_certificate or tls_key or tls_anonymous or tls_certificate_out):
            raise WishError("there is no TLS without a port for it; say --tls-port 8729, or 0 for a free one.")
        identity = None if tls_port is None else _identity(host, tls_certificate, tls_key, anonymous=tls_anonymous)
        if tls_certificate_out is not None and identity is not None:
            tls_certificate_out.write_text(identity.certificate_pem)
        uvloop.run(_run(machine, host, port, tls_port, identity, door, link))
    except LabError as error:
        _give_up(str(error), error)
    except OSError as error:
        _give_up(f"{error}; say another --host, --port, --tls-port, --control or file.", error)


router.__doc__ = HELP


def _give_up(sentence: str, why: Exception) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1) from why


def _list_if_asked(wishes: list[str] | None, lines: Iterable[str]) -> None:
    if wishes and "list" in wishes:
        for line in lines:
            typer.echo(line)
        raise typer.Exit


def _machine(setup: Setup, script: Path | None, faults: Iterable[str]) -> Router:
    """The router, its first boot done, its faults armed."""
    machine = Router(setup)
    if script is not None:
        try:
            run_script(machine, script.read_text(encoding="utf-8"))
        except (ScriptError, OSError) as error:
            raise LabError(f"{script}: {error}") from error
    for text in faults:
        machine.faults.arm(parse(text))
    return machine


def _identity(host: str, certificate: Path | None, key: Path | None, *, anonymous: bool) -> tls.TlsIdentity:
    if anonymous:
        return tls.anonymous()
    if (certificate is None) != (key is None):
        raise WishError("a certificate and its key belong together; say --tls-certificate and --tls-key, or neither.")
    if certificate is not None and key is not None:
        try:
            return tls.from_files(certificate, key)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise WishError(f"{certificate} and {key} are no certificate and its key in PEM: {error}.") from error
    return tls.self_made(SystemClock(), host)


async def _run(
    machine: Router, host: str, port: int, tls_port: int | None, identity: tls.TlsIdentity | None,
    control: tuple[str, int], link: Link,
) -> None:  # fmt: skip
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    control_host, control_port = control
    context = None if identity is None else identity.context
    async with (
        serve(machine, host=host, port=port, tls_port=tls_port, tls=context) as server,
        control_door(server, control_host, control_port) as door,
    ):
        server.link = link
        where = {"port": server.port, "tls_port": server.tls_port or None, "control": f"{control_host}:{door}"}
        typer.echo(json.dumps({"router": host, **where}))
        await stop.wait()
