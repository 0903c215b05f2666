"""The lab's command line: the demo, and the simulated parts of it one by one."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from lab.clock import SystemClock
from lab.demo import Wish, play
from lab.display import Display
from lab.errors import LabError
from lab.house import scratch_folder
from lab.mikrotik.command import router
from lab.safaricom.command import safaricom

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A whole ISP on one machine.")
app.command()(safaricom)
app.command()(router)


@app.callback()
def main() -> None:
    """A whole ISP on one machine."""


@app.command()
def demo(
    *,
    ends: Annotated[
        bool, typer.Option("--exit", help="End after the story; status 0 only if every step held.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for everything; by default a new one.")] = None,
    subscribers: Annotated[int, typer.Option(help="How many subscribers live here.")] = 200,
    servers: Annotated[str, typer.Option(help="embedded, or debian: PostgreSQL 15 and mosquitto.")] = "embedded",
    agent_command: Annotated[str | None, typer.Option(help="Another installation's mnara-agent.")] = None,
) -> None:
    """Start everything on loopback and play the story."""
    folder = (data or scratch_folder(Path(".mnara"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wish = Wish(folder, ends, json_file, subscribers, servers, agent_command)
    try:
        held = uvloop.run(play(wish, Display(), SystemClock()))
    except LabError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if held and ends and data is None:
        # Nobody will look into it: 60 MB a run. After a step that broke, the logs are what is left to read.
        shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(0 if held else 1)


if __name__ == "__main__":
    app()
