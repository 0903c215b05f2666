"""Asking, watching and playing: what is typed, what is shown, and what a script refuses or finds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from lab.control import open_door
from lab.door import Door, address_of
from lab.errors import LabError, Refused
from lab.talk.command import events_of
from lab.talk.player import DoesNotHold, Player
from lab.talk.script import Condition, ScriptWrong, duration_of, find, read_script
from lab.talk.words import facts_of, line_of, readable, value_of


class Lamp:
    """A part that can be lit, tells of it, and shines after a while."""

    def __init__(self) -> None:
        self.lit = False
        self.asked = 0
        self.watchers = 0
        self.left = asyncio.Event()
        self.events: list[dict[str, Any]] = []
        self.handlers = {"light": self.light, "look": self.look, "watch": self.watch, "events": self.list_events}

    def light(self, request: dict[str, Any]) -> dict[str, Any]:
        """Light it, or put it out."""
        self.lit = bool(request["on"])
        self.events.append({"number": len(self.events) + 1, "at_us": 1_000_000, "kind": "lit", "on": self.lit})
        return {"lit": self.lit}

    async def look(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Whether it shines by now."""
        self.asked += 1
        return {"shines": self.lit and self.asked > 2, "asked": self.asked, "lamps": [{"name": "a"}, {"name": "b"}]}

    def list_events(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"events": [event for event in self.events if event["number"] > request.get("since", 0)]}

    async def watch(self, _request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Tell of every event."""
        self.watchers += 1
        try:
            for number in range(1_000):
                yield {"number": number}
                await asyncio.sleep(0.001 if number < 3 else 60)
        finally:
            self.watchers -= 1
            self.left.set()


@pytest_asyncio.fixture
async def lamp() -> AsyncIterator[tuple[Lamp, Door]]:
    made = Lamp()
    async with open_door(made.handlers, "127.0.0.1", 0) as port, Door("127.0.0.1", port, name="the lamp") as door:
        yield made, door


async def played(door: Door, script: str) -> list[str]:
    held: list[str] = []
    await Player({"lamp": door}, lambda line, _: held.append(line.verb)).play(read_script(script, {"lamp"}))
    return held


async def test_a_door_says_what_it_knows_and_what_can_be_watched(lamp: tuple[Lamp, Door]) -> None:
    known = await lamp[1].known()
    assert known.requests["light"] == "Light it, or put it out."
    assert known.watches == {"watch"}


async def test_a_refusal_is_raised_and_the_door_goes_on(lamp: tuple[Lamp, Door]) -> None:
    with pytest.raises(Refused, match="missing 'on'"):
        await lamp[1].ask("light")
    assert (await lamp[1].ask("light", on=True)) == {"lit": True}


async def test_a_watch_ends_at_the_part_when_the_watcher_leaves(lamp: tuple[Lamp, Door]) -> None:
    made, door = lamp
    watching = door.watch("watch")
    assert [(await anext(watching))["number"] for _ in range(4)] == [0, 1, 2, 3]
    assert made.watchers == 1
    await watching.aclose()
    async with asyncio.timeout(2):
        await made.left.wait()  # the part is silent for a minute: only the hang-up can tell it


async def test_asking_something_else_ends_a_watch(lamp: tuple[Lamp, Door]) -> None:
    reader, writer = await asyncio.open_connection(*lamp[1].address)
    writer.write(b'{"do": "watch"}\n')
    for _ in range(4):
        await reader.readline()
    writer.write(b'{"do": "light", "on": true}\n')
    assert await asyncio.wait_for(reader.readline(), 2) == b'{"lit": true}\n'
    assert lamp[0].watchers == 0
    writer.close()
    await writer.wait_closed()


async def test_events_are_polled_where_they_are_listed_and_none_is_shown_twice(lamp: tuple[Lamp, Door]) -> None:
    made, door = lamp
    for on in (True, False):
        made.light({"on": on})
    events = events_of(door, "events", {})
    assert [(await anext(events))["number"] for _ in range(2)] == [1, 2]
    made.light({"on": True})
    assert (await asyncio.wait_for(anext(events), 3))["number"] == 3
    await events.aclose()


async def test_what_is_streamed_is_followed_and_what_is_no_list_is_refused(lamp: tuple[Lamp, Door]) -> None:
    stream = events_of(lamp[1], "", {})
    assert [(await anext(stream))["number"] for _ in range(3)] == [0, 1, 2]
    await stream.aclose()
    with pytest.raises(LabError, match="numbered list"):
        await anext(events_of(lamp[1], "look", {}))


async def test_a_script_plays_until_its_end(lamp: tuple[Lamp, Door]) -> None:
    script = """
    # light it    (don't mind the quote)
    at lamp light on=true   # now
    expect lit=true
    wait 5ms
    until lamp look gives shines=true asked>=3 lamps.length=2 lamps.-1.name=b within 2s
    refused lamp frobnicate gives error~"unknown request"
    """
    assert await played(lamp[1], script) == ["at", "expect", "wait", "until", "refused"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("at lamp light on=true\nexpect lit=false", "line 2: expect lit=false\n  lit=false does not hold; seen: {"),
        ("at lamp light", "line 1: at lamp light\n  the lamp refused light: missing 'on'"),
        ("until lamp look gives shines=true within 300ms", "waited 0.3 s for shines=true; the last thing seen was"),
        ("refused lamp look", "it was not refused"),
        ("at lamp look gives asked>many", "asked>many does not hold"),
        ("at lamp look gives colour!=red", "colour!=red does not hold"),  # what is not there shows nothing
    ],
)
async def test_what_does_not_hold_is_told_with_its_line_and_what_was_seen(
    lamp: tuple[Lamp, Door], script: str, words: str
) -> None:
    with pytest.raises(DoesNotHold) as found:
        await played(lamp[1], script)
    assert words in str(found.value)


async def test_a_door_that_is_gone_is_told_with_the_line() -> None:
    async with open_door({}, "127.0.0.1", 0) as port:
        pass
    with pytest.raises(DoesNotHold, match="line 1: at lamp look"):
        await played(Door("127.0.0.1", port), "at lamp look")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("at moon look", "name it with --door moon=HOST:PORT"),
        ("until lamp look shines=true", "say after `gives` what must hold"),
        ("at lamp look gives", "say after `gives`"),
        ("at lamp look on", "write name=value"),
        ("at lamp look gives on", "is no condition"),
        ("frob lamp", "write one of"),
        ("wait", "write: wait 2s"),
        ("wait 2h", "is no duration"),
        ("wait 61m", "is no duration"),
        ("until lamp look gives a=1 within soon", "is no duration"),
        ("expect a=1", "nothing was asked before"),
        ("at lamp look text='a", "No closing quotation"),
        ("at lamp look do=x", "`do` is the request itself"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_before_anything_is_played(line: str, words: str) -> None:
    with pytest.raises(ScriptWrong, match="line 2") as wrong:
        read_script(f"# nothing\n{line}", {"lamp"})
    assert words in str(wrong.value)


def test_a_script_is_bounded() -> None:
    with pytest.raises(ScriptWrong, match="10000 lines"):
        read_script("wait 1s\n" * 10_001, {})


def test_values_are_json_where_they_are_json() -> None:
    facts = facts_of(
        ["on=true", "n=7", "text=w1", 'quoted="7"', "to=+254711", "list=[1]", "empty=", "nan=NaN", "e=a=b"]
    )
    assert facts == {
        "on": True, "n": 7, "text": "w1", "quoted": "7", "to": "+254711", "list": [1], "empty": "", "nan": "NaN",
        "e": "a=b",
    }  # fmt: skip
    assert value_of("[" * 100_000) == "[" * 100_000


def test_conditions_compare_kind_and_value() -> None:
    answer = {"on": True, "n": 7, "text": "7", "list": [{"a": "x"}], "none": None}
    for good in [("on", "=", True), ("n", ">=", 7), ("text", "=", 7), ("list.0.a", "=", "x"), ("none", "=", None),
                 ("list", "~", '"a"'), ("n", "!=", 8)]:  # fmt: skip
        assert Condition(*good).holds(answer), good
    for bad in [("on", "=", 1), ("n", "<", 7), ("n", "<", "a"), ("list.1.a", "=", "x"), ("none.x", "=", None)]:
        assert not Condition(*bad).holds(answer), bad
    assert find({"length": 3}, "length") == (True, 3)


def test_durations_and_addresses() -> None:
    assert [duration_of(text) for text in ("500ms", "2s", "1.5m")] == [0.5, 2, 90]
    assert address_of(":7000") == address_of("127.0.0.1:7000") == ("127.0.0.1", 7000)
    assert address_of("[::1]:7000") == ("::1", 7000)
    for wrong in ("7000x", "a:b", "host:70000", ""):
        with pytest.raises(LabError, match="give HOST:PORT"):
            address_of(wrong)


def test_an_answer_reads_as_names_and_tables() -> None:
    assert readable({"rows": [{"at_us": 1_000_000}]}) == "rows (1):\n  at_us\n  00:00:01.000"
    answer = {"online": True, "reason": None, "rows": [{"name": "a", "n": 1}, {"name": "longer", "x": "a\nb"}], "e": []}
    assert readable(answer) == (
        "online  true\nreason  -\nrows (2):\n  name    n  x\n  a       1\n  longer     \"a\\nb\"\ne: none"
    )  # fmt: skip


def test_an_event_reads_as_one_line() -> None:
    assert line_of({"number": 3, "at_us": 1_000_123_456, "kind": "online", "user": "w1", "m": None}) == (
        "00:16:40.123  3  online  user=w1 m=-"
    )
    assert line_of({"n": 1, "kind": "write", "values": {"name": "a"}}) == "1  write  name=a"
