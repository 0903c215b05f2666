"""The command line: enrol, run, status, check."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from edge_agent.errors import AgentError

if TYPE_CHECKING:
    from edge_agent.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

# One malloc arena for all threads: by default each gets its own, and memory freed in one is not used by the others.
_LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}

DataOption = Annotated[Path | None, typer.Option("--data", help="The agent's folder. Default: MNARA_AGENT_DATA.")]


@contextmanager
def _in_words() -> Iterator[None]:
    """Say what is wrong and what to do, and end with status 1."""
    try:
        yield
    except AgentError as error:
        _fail(error.what, error.fix)
    except PermissionError as error:
        _fail(f"{error.filename} may not be read or written", "run the agent as the user who owns its data folder")


def _fail(what: str, fix: str) -> NoReturn:
    typer.echo(f"error: {what}.", err=True)
    typer.echo(f"do:    {fix}.", err=True)
    raise typer.Exit(1)


def _settings(data: Path | None) -> "Settings":
    from edge_agent.settings import Settings  # noqa: PLC0415 - only for this command

    settings = Settings()
    return settings.model_copy(update={"data": data}) if data else settings


@app.command()
def enrol(
    cloud: Annotated[str, typer.Option(help="The cloud's enrolment address, https://HOST:8443.")],
    claim: Annotated[str, typer.Option(help="The claim code of this site.")],
    ca_pin: Annotated[str, typer.Option(help="sha256:HEX of the cloud's certificate authority.")],
    router_host: Annotated[str, typer.Option(help="The router's address.")],
    router_user: Annotated[str, typer.Option(help="The router's user for the agent.")],
    router_password_file: Annotated[Path, typer.Option(help="A file with that user's password.")],
    router_port: Annotated[int, typer.Option(help="8728, or 8729 with TLS.")] = 8728,
    router_tls: Annotated[bool, typer.Option("--router-tls", help="Use api-ssl.")] = False,  # noqa: FBT002 - a flag
    data: DataOption = None,
) -> None:
    """Make this machine the agent of a site."""
    from edge_agent.setup import RouterChoice, enrol_site  # noqa: PLC0415 - only for this command

    with _in_words():
        choice = RouterChoice(router_host, router_port, router_user, router_password_file, router_tls)
        identity = enrol_site(_settings(data).data, cloud=cloud, claim=claim, ca_pin=ca_pin, router=choice)
    typer.echo(f"enrolled as {identity.agent} at {identity.site_name}")


@app.command()
def run(data: DataOption = None) -> None:
    """Work until stopped."""
    from edge_agent.clock import Clock  # noqa: PLC0415 - only for this command
    from edge_agent.link.certificate import check_certificate  # noqa: PLC0415 - only for this command
    from edge_agent.store.identity import DataFolder  # noqa: PLC0415 - only for this command

    path = _settings(data).data
    with _in_words():
        folder = DataFolder(path)
        folder.get_identity()
        check_certificate(folder.certificate_path, Clock().wall_us())
    environment = {**os.environ, "MNARA_AGENT_DATA": str(path), **_LEAN}
    # The process becomes the service: this command line's library is 10 MB that a tower does not have to spare.
    os.execve(sys.executable, [sys.executable, "-m", "edge_agent.service"], environment)  # noqa: S606 - no shell is meant


@app.command()
def status(
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole status as JSON.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what the running agent holds and what the router matches."""
    from edge_agent.status import StatusFile, runtime_folder  # noqa: PLC0415 - only for this command

    settings = _settings(data)
    found = StatusFile(runtime_folder(settings.data, settings.runtime_dir)).find()
    if found is None:
        _fail(f"no agent of {settings.data} is running", "start it: systemctl start mnara-agent")
    if as_json:
        typer.echo(json.dumps(found))
        return
    reported = found["reported"]
    router = reported["router"]
    typer.echo(f"{found['agent']} at {found['site']}, version {found['version']}")
    typer.echo(f"cloud:   {'connected' if found['connected'] else 'not connected: ' + found['trouble']}")
    typer.echo(f"router:  {router['version'] if router['reachable'] else 'not reachable: ' + router['trouble']}")
    typer.echo(f"desired: {reported['stored']}, applied {reported['applied']}, failed {reported['failed_count']}")
    typer.echo(f"clock:   {reported['clock']['quality']};  events waiting: {reported['outbox']}")


@app.command()
def check(data: DataOption = None) -> None:
    """Check identity, store, router, its rules and their order, and broker; status 1 if something is wrong."""
    from edge_agent.checks import run_checks  # noqa: PLC0415 - only for this command

    good = True
    with _in_words():
        for finding in run_checks(_settings(data).data):
            sign = typer.style("ok   ", fg="green") if finding.good else typer.style("WRONG", fg="red")
            typer.echo(f"{sign} {finding.name}: {finding.text}")
            good = good and finding.good
    if not good:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
