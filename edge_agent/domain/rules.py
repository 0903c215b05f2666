"""Whether the router's own rules keep a walled subscriber walled: which must stand, and in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MARK: Final = "mnara-rule:"
_STAGES: Final = (("pay", "pay-back"), ("wall", "wall-in"), ("no-fasttrack-up", "no-fasttrack-down"))
_REQUIRED4: Final = ("pay", "wall", "wall-in", "no-fasttrack-up", "no-fasttrack-down")
_REQUIRED6: Final = _REQUIRED4[1:]
_FASTTRACK: Final = "fasttrack-connection"
_AGAIN: Final = "import the script of `mnara-provision router script` again: it puts the rules in order"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A row of the filter, in the router's order."""

    chain: str
    action: str
    comment: str
    disabled: bool
    jump_target: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong and what to do."""

    what: str
    fix: str


def troubles_of(rows4: Sequence[RuleRow], rows6: Sequence[RuleRow]) -> list[Trouble]:
    """Judge both filters. A router without any IPv6 rule of ours serves no IPv6."""
    troubles = _judge(rows4, _REQUIRED4, "")
    if any(row.comment.startswith(MARK) for row in rows6):
        troubles += _judge(rows6, _REQUIRED6, "IPv6: ")
    return troubles


def _judge(rows: Sequence[RuleRow], required: Iterable[str], family: str) -> list[Trouble]:
    places = _places(rows)
    absent = [name for name in required if name not in places]
    troubles = []
    if absent:
        plural = "are" if len(absent) > 1 else "is"
        troubles.append(f"{_spell(absent)} {plural} missing or disabled in the filter's chain forward")
    troubles += _out_of_order(places)
    fasttrack_at = _fasttrack_at(rows)
    late = [name for name, at in places.items() if fasttrack_at is not None and at > fasttrack_at]
    if late:
        troubles.append(f"a fasttrack rule stands above {_spell(late)}, so open connections pass the wall")
    return [Trouble(family + what, _AGAIN) for what in troubles]


def _places(rows: Sequence[RuleRow]) -> dict[str, int]:
    """Where our rules stand. Of several with one name the last counts: it is the one that may be too late."""
    return {
        row.comment[len(MARK) :]: at
        for at, row in enumerate(rows)
        if row.chain == "forward" and not row.disabled and row.comment.startswith(MARK)
    }


def _out_of_order(places: dict[str, int]) -> list[str]:
    """Tell for each two neighbouring stages the first pair that stands the wrong way round."""
    troubles = []
    for earlier, later in pairwise(_STAGES):
        wrong = [
            f"{_spell([first])} stands below {_spell([second])}"
            for first in earlier
            for second in later
            if first in places and second in places and places[first] > places[second]
        ]
        troubles += wrong[:1]
    return troubles


def _fasttrack_at(rows: Sequence[RuleRow]) -> int | None:
    """Return where forwarded packets first meet fasttrack, be it by a jump into another chain."""
    chains = {row.chain for row in rows if row.action == _FASTTRACK and not row.disabled}
    for at, row in enumerate(rows):
        if (
            row.chain == "forward"
            and not row.disabled
            and (row.action == _FASTTRACK or (row.action == "jump" and row.jump_target in chains))
        ):
            return at
    return None


def _spell(names: Iterable[str]) -> str:
    return ", ".join(MARK + name for name in names)
