"""The lab's command line: the demo, and the simulated parts of it one by one."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from lab.clock import SystemClock
from lab.demo import Wish
from lab.demo import play as play_story
from lab.display import Display
from lab.errors import LabError
from lab.fleet.command import agents
from lab.grouped_help import GroupedHelp
from lab.house import scratch_folder
from lab.mikrotik.command import router
from lab.safaricom.command import safaricom
from lab.sms.command import sms
from lab.talk.command import ask, play, watch

# Without rich's markup, which eats everything in square brackets: help shows requests and scripts as they are typed.
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command(short_help="A simulated Safaricom.")(safaricom)
app.command(short_help="A simulated MikroTik.", cls=GroupedHelp)(router)
app.command(short_help="A simulated SMS gateway.")(sms)
app.command(short_help="A fleet of simulated agents.")(agents)
app.command(short_help="Ask a part one thing.")(ask)
app.command(short_help="Follow what happens at a part.")(watch)
app.command(short_help="Play a script against parts.")(play)


@app.callback()
def main() -> None:
    """A whole ISP on one machine, and its simulated parts one by one.

    Each part is a program of its own that prints one JSON line saying where it listens, and has a control door by which
    it is played with:

    \b
      mnara-lab router --control 127.0.0.1:7000 &      start a simulated MikroTik
      mnara-lab ask --at 127.0.0.1:7000 help           what its door knows
      mnara-lab ask --at 127.0.0.1:7000 dial user=w1 password=x
      mnara-lab watch --at 127.0.0.1:7000              follow what happens there
      mnara-lab play FILE --door router=127.0.0.1:7000 play a script against it

    `mnara-lab demo` starts everything together and plays a story in it.
    """


@app.command(short_help="Start everything and play the story.")
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
    router_version: Annotated[
        str, typer.Option(help="RouterOS of the tower's router: 6.49.18, 7.18.2, ...")
    ] = "7.18.2",
) -> None:
    """Start everything on loopback and play the story."""
    folder = (data or scratch_folder(Path(".mnara"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wish = Wish(folder, ends, json_file, subscribers, servers, agent_command, router_version)
    try:
        held = uvloop.run(play_story(wish, Display(), SystemClock()))
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
