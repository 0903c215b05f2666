"""The installer's command line."""

import os
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Annotated

import typer

from provisioning.router_script import render
from provisioning.site_plan import PlanRefused, SitePlan

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Bring a new tower site up.")
router = typer.Typer(no_args_is_help=True, help="The site's MikroTik.")
app.add_typer(router, name="router")

PASSWORD_VARIABLE = "MNARA_ROUTER_PASSWORD"  # noqa: S105  # the variable's name, not a password


@app.callback()
def main() -> None:
    """Bring a new tower site up."""


@router.command()
def script(
    identity: Annotated[str, typer.Option(help="The router's name, e.g. TWR-KISUMU-1.")],
    pool: Annotated[str, typer.Option(help="Subscribers' addresses, e.g. 100.64.0.0/22.")],
    pay: Annotated[str, typer.Option(help="Address of the pay page.")],
    agent_address: Annotated[str, typer.Option(help="Address of the mini-PC on the router's link to it.")],
    user: Annotated[str, typer.Option(help="The agent's API user.")] = "mnara-agent",
    version: Annotated[str, typer.Option(help="RouterOS version, e.g. 7.18.2 or 6.49.17.")] = "7.18",
    interface: Annotated[str, typer.Option(help="Where subscribers' PPPoE arrives.")] = "bridge",
    prefix_pool: Annotated[str, typer.Option(help="Subscribers' IPv6, e.g. 2001:db8::/40; empty for none.")] = "",
) -> None:
    """Print the router's script; the API password comes from the environment."""
    try:
        plan = SitePlan(
            identity=identity,
            pool=IPv4Network(pool),
            pay_address=IPv4Address(pay),
            agent_address=IPv4Address(agent_address),
            user=user,
            password=os.environ.get(PASSWORD_VARIABLE, ""),
            version=_parse_version(version),
            access_interface=interface,
            prefix_pool=IPv6Network(prefix_pool) if prefix_pool else None,
        )
    except PlanRefused as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(1) from None
    except ValueError as error:
        typer.echo(f"The plan has an address that cannot be read ({error}); write it as in the examples.", err=True)
        raise typer.Exit(1) from None
    typer.echo(render(plan), nl=False)


def _parse_version(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        raise PlanRefused(f"{version!r} is not a RouterOS version; write it as /system resource shows it, e.g. 7.18.2.")
    return int(found[1]), int(found[2])
