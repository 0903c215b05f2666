"""The command `mnara-lab safaricom`: the simulated Safaricom by itself, behind Daraja's HTTP face."""

import asyncio
import json
import random
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from lab.clock import SystemClock
from lab.control import listening_place, open_door
from lab.errors import LabError
from lab.safaricom.accounts import Account
from lab.safaricom.callbacks import callback_client
from lab.safaricom.control import Desk
from lab.safaricom.face.app import Daraja
from lab.safaricom.manner import Manner
from lab.safaricom.names import places_of
from lab.safaricom.organisations import SANDBOX_FLOAT_CENTS, App, Environment, Organisation, list_test_numbers
from lab.safaricom.phones import Habit
from lab.safaricom.rail import Rail
from lab.safaricom.server import serve

# Real results take seconds, and clients store the acknowledgement first; only `early` brings them before it.
RESULT_DELAY_S = 0.5

HELP = """
Serve a simulated Daraja until interrupted. Prints one JSON line when it listens.

Ask for a token, register, ring a phone (the sandbox's own shortcode and passkey are there):

\b
  B=http://127.0.0.1:8099
  curl -u lab-key:lab-secret "$B/oauth/v1/generate?grant_type=client_credentials"      # TOKEN=... from it
  curl -H "Authorization: Bearer $TOKEN" --json '{"ShortCode": 600638, "ResponseType": "Completed",
    "ConfirmationURL": "http://127.0.0.1:9000/c", "ValidationURL": "http://127.0.0.1:9000/v"}'
    $B/mpesa/c2b/v2/registerurl
  PASSKEY=bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919
  T=$(TZ=Africa/Nairobi date +%Y%m%d%H%M%S)
  P=$(printf 174379%s%s "$PASSKEY" $T | base64 -w0)
  curl -H "Authorization: Bearer $TOKEN" --json '{"BusinessShortCode": 174379, "Password": "'$P'",
    "Timestamp": "'$T'", "TransactionType": "CustomerPayBillOnline", "Amount": 10, "PartyA": 254708374149,
    "PartyB": 174379, "PhoneNumber": 254708374149, "CallBackURL": "http://127.0.0.1:9000/s",
    "AccountReference": "A1", "TransactionDesc": "Internet"}' $B/mpesa/stkpush/v1/processrequest

Everything else is asked at the control door (`mnara-lab ask --at 127.0.0.1:8098 help` lists it):

\b
  export MNARA_LAB_AT=127.0.0.1:8098
  mnara-lab watch                                               every push, payment and delivery
  mnara-lab ask pay msisdn=254711222333 shortcode=600638 reference=A1 amount_kes=1500
  mnara-lab ask phone msisdn=254708374149 balance_kes=50 'next=["cancel", "wrong-pin", {"does": "late"}]'
  mnara-lab ask phones 'shares={"pay": 0.8, "cancel": 0.1, "silent": 0.1}'
  mnara-lab ask manner 'set={"copies": 3, "at_once": true, "lose": 0.4, "early": true}'
  mnara-lab ask outage kind=html path=/mpesa/stk share=0.5
  mnara-lab ask outage kind=callbacks                           the backlog leaves with on=false
  mnara-lab ask truth                                           who really paid what

An organisation's own requests (status, balance, reversal, B2C) want an initiator: `testapi` with `Safaricom999!*!`
or `Safaricom123!!`, encrypted with the certificate of --certificate-out or $B/lab/certificate.pem. Its money, by the
same door:

\b
  mnara-lab ask accounts shortcode=600638
  mnara-lab ask transfer shortcode=600638 amount_kes=500        utility to working; then `withdraw`
  mnara-lab ask reverse receipt=TKL4X9Q2ZA                      by the care line: nobody is told
  mnara-lab ask initiator shortcode=600638 name=testapi locked=true
  mnara-lab ask decline role=b2c code=2006 times=3
  mnara-lab ask manner 'set={"organisation": {"results": {"queue": "done-untold"}, "pull": {"lag_s": 300}}}'
  curl "$B/lab/statement/600638.csv?account=utility&from=2026-08-01"

\b
Phones do: pay, cancel, wrong-pin, silent, late, late-expired, unreachable, or {"does": "fail", "code": "26"} for
any ResultCode; `next` is for the next prompts, `habit` for all that follow.
Outages: empty, html, soap, reset, hang, busy, spike, quota, callbacks.
"""


def safaricom(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="HTTP port; 0 takes a free one.")] = 8099,
    control: Annotated[str, typer.Option(help="HOST:PORT of the control door.")] = "127.0.0.1:8098",
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file, with --tls-key: speak https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    consumer_key: Annotated[str, typer.Option(help="The app's key.")] = "lab-key",
    consumer_secret: Annotated[str, typer.Option(help="The app's secret.")] = "lab-secret",  # noqa: S107  # guards nothing
    environment: Annotated[str, typer.Option(help="sandbox, or production: no simulate, URLs only once.")] = "sandbox",
    shortcode: Annotated[list[str] | None, typer.Option(help="More shortcodes: NUMBER:PASSKEY; repeatable.")] = None,
    phones: Annotated[str, typer.Option(help="Shares of what phones do: pay=0.9,cancel=0.1")] = "pay=1",
    after: Annotated[float, typer.Option(help="Seconds that people take to answer a prompt.")] = 5.0,
    sandbox_float: Annotated[
        float,
        typer.Option("--float", min=0, max=1e9, help="Shillings in each account of the sandbox's own shortcodes."),
    ] = SANDBOX_FLOAT_CENTS / 100,
    manner: Annotated[str, typer.Option(help='Switches as JSON: {"lose": 0.4}; see the control door.')] = "{}",
    certificate_out: Annotated[Path | None, typer.Option(help="Write the certificate for passwords here.")] = None,
    trust: Annotated[Path | None, typer.Option(help="PEM file: certificates of receivers to believe.")] = None,
    resolve: Annotated[
        list[str] | None, typer.Option(help="NAME=HOST:PORT: where callbacks to that name go; repeatable.")
    ] = None,
    clock: Annotated[str, typer.Option(help="Only: real.")] = "real",
    seed: Annotated[int, typer.Option(help="Replays a run.")] = 1,
) -> None:
    """Serve a simulated Daraja."""
    if clock != "real":
        raise typer.BadParameter("a program has only the real clock; tests hold the hands from inside Python")
    if bool(tls_certificate) != bool(tls_key):
        raise typer.BadParameter("https wants both, --tls-certificate and --tls-key")
    try:
        client = callback_client(trust, places_of(resolve or []))
        rail = Rail(
            clock=SystemClock(), chance=random.Random(seed), client=client,  # noqa: S311  # replayable, not secret
            environment=_environment(environment),
        )  # fmt: skip
        _furnish(rail, shortcode or [], phones, after, manner, sandbox_float)
        rail.directory.add_app(App(consumer_key, consumer_secret, environment=rail.directory.environment))
        place = listening_place(control)
    except (ValueError, TypeError, OSError, LabError) as error:
        raise typer.BadParameter(str(error)) from None
    try:
        if certificate_out:
            certificate_out.write_bytes(rail.initiators.key.certificate_pem)
        uvloop.run(_run(rail, (host, port), place, (tls_certificate, tls_key) if tls_certificate and tls_key else None))
    except (LabError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


safaricom.__doc__ = HELP


def _environment(said: str) -> Environment:
    if said == "production":
        return "production"
    if said == "sandbox":
        return "sandbox"
    raise typer.BadParameter("the environment is sandbox or production")


def _furnish(rail: Rail, shortcodes: list[str], phones: str, after_s: float, manner: str, float_kes: float) -> None:
    """Everything that options say of the rail. ValueError for what makes no sense."""
    rail.good_day = Manner().changed({"organisation": {"results": {"delay_s": RESULT_DELAY_S}}})
    try:
        said = json.loads(manner)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ValueError(f'{manner!r} is no JSON object of switches, as in {{"lose": 0.4}}')  # noqa: TRY004  # an option
    rail.manner = rail.good_day.changed(said)
    rail.phones.share(_shares(phones))
    rail.phones.after_s = Habit(after_s=after_s).after_s
    for each in shortcodes:
        number, _, passkey = each.partition(":")
        if not (number.isascii() and number.isdecimal() and 5 <= len(number) <= 7):
            raise ValueError(f"{number!r} is no shortcode: 5 to 7 digits, and a passkey behind a colon")
        rail.directory.add(Organisation(number, passkey=passkey) if passkey else Organisation(number))
    if float_kes and rail.directory.environment == "sandbox":
        for number in list_test_numbers():
            for account in (Account.UTILITY, Account.WORKING):
                rail.core.deposit(number, account, round(float_kes * 100), rail.clock.now_us())


def _shares(said: str) -> dict[str, float]:
    try:
        return {does: float(share) for does, _, share in (each.partition("=") for each in said.split(","))}
    except ValueError:
        raise ValueError(f"{said!r} are no shares; write pay=0.9,cancel=0.1") from None


async def _run(rail: Rail, at: tuple[str, int], control: tuple[str, int], tls: tuple[Path, Path] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    face, host = Daraja(rail), at[0]
    async with serve(face, *at, tls=tls) as port, open_door(Desk(face).handlers(), *control) as door:
        url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        typer.echo(json.dumps({"safaricom": url, "control": f"{control[0]}:{door}"}))
        await stop.wait()
    await rail.close()
