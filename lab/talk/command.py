"""The commands `mnara-lab ask`, `watch` and `play`: simulated parts asked, watched and scripted from a shell."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.door import Door, address_of
from lab.errors import LabError
from lab.talk.player import Player
from lab.talk.script import SCRIPT_BYTES_MAX, Line, read_script
from lab.talk.words import cell, facts_of, line_of, number_of, readable

LOOK_EVERY_S = 0.5
ECHO_WIDTH_MAX = 200

At = Annotated[
    str,
    typer.Option("--at", envvar="MNARA_LAB_AT", metavar="HOST:PORT", help="The part's control door."),
]
Json = Annotated[bool, typer.Option("--json", help="The answer as the door gave it: one JSON object a line.")]


def _run(act: Callable[[], Awaitable[None]]) -> None:
    """Run to the end; what goes wrong is said in words, with status 1."""
    try:
        asyncio.run(_as_coroutine(act))
    except (LabError, OSError) as error:
        typer.echo(_words(error), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _as_coroutine(act: Callable[[], Awaitable[None]]) -> None:
    await act()


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, LabError):
        return f"the door does not answer ({error}); is the part running, and is this the port of its `control`?"
    return str(error)


def ask(
    do: Annotated[str, typer.Argument(metavar="DO", help="The request; `help` lists what this door knows.")],
    facts: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What it is about.")] = None,
    *,
    at: At,
    raw: Json = False,
) -> None:
    """Ask one simulated part one thing, and print the answer.

    A value is JSON where it is JSON (true, 7, [1,2]), text otherwise; quote text that looks like JSON twice:
    password='"007"'. With MNARA_LAB_AT set, --at can be left out. Ends with status 1 if the part refuses.

    \b
      mnara-lab ask --at 127.0.0.1:7000 help
      mnara-lab ask --at 127.0.0.1:7000 dial user=w1 password=x
      mnara-lab ask --at 127.0.0.1:7000 reach user=w1 to=1.1.1.1
      mnara-lab ask --at 127.0.0.1:7000 --json rows menu=/ppp/secret
    """

    async def act() -> None:
        async with Door(*address_of(at)) as door:
            answer = await door.ask(do, **facts_of(facts or []))
        typer.echo(json.dumps(answer) if raw else _told(do, answer))

    _run(act)


def _told(do: str, answer: dict[str, Any]) -> str:
    if do == "help" and isinstance(answer.get("known"), dict):
        watches = answer.get("watches", [])
        known = {name: f"{said} (watch)".strip() if name in watches else said for name, said in answer["known"].items()}
        answer = {"known": known}
    return readable(answer, shutil.get_terminal_size((80, 24)).columns)


def watch(
    what: Annotated[
        str, typer.Argument(help="What to watch; by default `watch`, or `events` where there is none.")
    ] = "",
    facts: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What it is about.")] = None,
    *,
    at: At,
    raw: Json = False,
    last: Annotated[int, typer.Option(min=0, help="End after so many lines; 0 goes on for ever.")] = 0,
) -> None:
    """Follow what happens at a simulated part, one readable line an event, until Ctrl-C.

    What a door streams is followed live; anything else that answers with a numbered list (the router's events, writes
    and connections) is asked again twice a second, from the last number seen.

    \b
      mnara-lab watch --at 127.0.0.1:7000
      mnara-lab watch --at 127.0.0.1:7000 writes
      mnara-lab watch --at 127.0.0.1:7100 --json --last 5
    """

    async def act() -> None:
        async with Door(*address_of(at)) as door, aclosing(events_of(door, what, facts_of(facts or []))) as events:
            count = 0
            async for event in events:
                typer.echo(json.dumps(event) if raw else line_of(event))
                count += 1
                if count == last:
                    return

    _run(act)


async def events_of(door: Door, what: str, facts: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """Yield a door's events: streamed where it streams, polled by number where it lists."""
    known = await door.known()
    what = what or ("watch" if "watch" in known.requests else "events")
    if what in known.watches:
        async with aclosing(door.watch(what, **facts)) as stream:
            async for event in stream:
                yield event
        return
    since = facts.pop("since", 0)
    while True:
        for event in _rows(await door.ask(what, since=since, **facts)):
            number = number_of(event)
            if number is None:
                raise LabError(f"{what!r} gives no numbered list to follow; ask it once: mnara-lab ask … {what}")
            since = max(since, number)
            yield event
        await asyncio.sleep(LOOK_EVERY_S)


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    lists = [value for value in answer.values() if isinstance(value, list)]
    if len(lists) != 1:
        raise LabError("this is no list of events to follow; `mnara-lab ask --at … help` says what can be watched")
    return [row if isinstance(row, dict) else {"value": row} for row in lists[0]]


def play(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The script; - reads it from standard input.")],
    *,
    door: Annotated[
        list[str] | None, typer.Option(metavar="NAME=HOST:PORT", help="A door and its name in the script; repeat.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read the script, ask nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing of lines that hold.")] = False,
) -> None:
    """Play a script of requests against simulated parts; end with status 1 at the first line that does not hold.

    One request a line; # begins a comment; words are quoted as in a shell, values are read as by `mnara-lab ask`.

    \b
      at DOOR DO [NAME=VALUE]... [gives CONDITION...]
      until DOOR DO [NAME=VALUE]... gives CONDITION... [within 10s]
      refused DOOR DO [NAME=VALUE]... [gives error~TEXT]
      expect CONDITION...         what the last answer must show
      wait 500ms                  or 2s, or 1m

    A condition is name=value, != < <= > >= or ~ (contains). Names go deeper with dots: sessions.0.user, sessions.length
    (0 is the first, -1 the last). For example, as played with --door router=127.0.0.1:7000:

    \b
      # a subscriber comes online and reaches the world
      at router script text="/ppp/secret/add name=w1 remote-address=10.7.0.9"
      refused router frobnicate gives error~unknown
      at router dial user=w1 password=
      expect online=true
      until router reach user=w1 to=1.1.1.1 gives reach=true within 10s
      at router sessions gives sessions.length=1 sessions.0.user=w1
    """

    def act() -> Awaitable[None]:
        doors = dict(_named_door(each) for each in door or [])
        lines = read_script(_read(file), doors)
        return _play(doors, [] if check else lines, quiet=quiet)

    _run(act)


def _named_door(text: str) -> tuple[str, tuple[str, int]]:
    name, equals, address = text.partition("=")
    if not equals or not name.isidentifier():
        raise LabError(f"{text!r} names no door; write --door router=127.0.0.1:7000")
    return name, address_of(address)


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read(SCRIPT_BYTES_MAX + 1)
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(SCRIPT_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"the script {file} cannot be read: {error}") from error


async def _play(addresses: dict[str, tuple[str, int]], lines: list[Line], *, quiet: bool) -> None:
    def tell(line: Line, answer: Any) -> None:
        if not quiet:
            said = f"{line.number:4}  {line.text}" + (f"  ->  {cell(answer, ECHO_WIDTH_MAX)}" if answer else "")
            typer.echo(said)

    async with AsyncExitStack() as stack:
        doors = {
            name: await stack.enter_async_context(Door(*at, name=f"the door {name}")) for name, at in addresses.items()
        }
        await Player(doors, tell).play(lines)
