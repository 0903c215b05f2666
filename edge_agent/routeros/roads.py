"""The three waves for some targets on one session: read their rows, write the steps, read back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.domain.observed import Observed, Rate
from edge_agent.domain.reconcile import Plan, Refusal, cuts, newly_walled, reconcile
from edge_agent.domain.wanted import Target
from edge_agent.routeros.client import BootClock, Command, Session
from edge_agent.routeros.connections import ConnectionSearch, by_prefix
from edge_agent.routeros.read import reading_of, whole_reading
from edge_agent.routeros.write import Unseal, Writing, traps_of

CHUNK_ROWS: Final = 100
FAST_TIMEOUT_S: Final = 5.0
"""For one wave of at most CHUNK_ROWS targets; a small router needs some 10 to 50 ms for a write."""
WHOLE_TIMEOUT_S: Final = 120.0
"""For reading all our menus: a small router prints some 1,500 rows a second."""


@dataclass(frozen=True, slots=True)
class Online:
    """A live session with the right address and speed."""

    address: str
    up_bps: int
    down_bps: int


@dataclass(slots=True)
class Outcome:
    """What three waves came to. Instants by the boot clock, microseconds."""

    matched: list[Target] = field(default_factory=list)
    failed: list[tuple[Target, Refusal]] = field(default_factory=list)
    unsettled: list[Target] = field(default_factory=list)
    """Written, not refused, and still not right when read back: looked at again."""
    online: dict[str, Online] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """Entitlements that had steps."""
    waves: int = 0
    read_boot_us: int = 0
    wrote_boot_us: int = 0
    verified_boot_us: int = 0


@dataclass(frozen=True, slots=True)
class Tools:
    """What a road needs beside its session."""

    clock: BootClock
    unseal: Unseal
    base: dict[str, str]
    """The base profile's values for new speed profiles."""
    connections: ConnectionSearch
    """How live connections are found on this session."""


def three_waves(session: Session, targets: Sequence[Target], tools: Tools) -> Outcome:
    """Make the router match these targets (at most CHUNK_ROWS); raises RouterUnreachable.

    Connections that outlive a new wall are looked for in the second wave, after the wall row stands, and ended in the
    third, before the rows are read back. A router that refuses the search costs one more wave, once a session.
    """
    outcome = Outcome()
    reading = reading_of(targets)
    observed = reading.observed(session.batch(reading.commands, clock=tools.clock, timeout_s=FAST_TIMEOUT_S))
    outcome.waves, outcome.read_boot_us = 1, tools.clock.boot_us()
    plan = reconcile(observed, targets)
    refused: dict[str, Refusal] = {}
    if plan.steps:
        before = session.waves
        refused, ends = _write(session, plan, targets, tools)
        outcome.wrote_boot_us = tools.clock.boot_us()
        answers = session.batch((*ends, *reading.commands), clock=tools.clock, timeout_s=FAST_TIMEOUT_S)
        observed = reading.observed(answers[len(ends) :])
        outcome.waves, outcome.changed = 1 + session.waves - before, plan.needing
        plan = reconcile(observed, targets)
    outcome.verified_boot_us = tools.clock.boot_us()
    _conclude(outcome, targets, plan, refused, observed)
    return outcome


def _write(
    session: Session, plan: Plan, targets: Sequence[Target], tools: Tools
) -> tuple[dict[str, Refusal], list[Command]]:
    """Write the steps; returns who was refused, and the commands that end connections of the newly walled."""
    writing = Writing(tools.base, tools.unseal)
    writing.add_all(plan.steps)
    refused = {id_: Refusal("seal-broken", why) for id_, why in writing.broken.items()}
    fenced = newly_walled(plan, targets)
    looking = tools.connections.commands(fenced)
    answers = session.batch((*writing.commands, *looking), clock=tools.clock, timeout_s=FAST_TIMEOUT_S * 4)
    for id_, trap in traps_of(writing.commands, answers[: len(writing.commands)]).items():
        refused.setdefault(id_, Refusal("refused", trap[:200]))
    shown = answers[len(writing.commands) :]
    if again := tools.connections.after_refusal(shown, fenced):
        shown = session.batch(again, clock=tools.clock, timeout_s=FAST_TIMEOUT_S * 4)
    ending = Writing(tools.base, tools.unseal)
    ending.add_all(cuts(by_prefix((row for answer in shown for row in answer.rows), fenced), fenced))
    return refused, ending.commands


def _conclude(
    outcome: Outcome, targets: Sequence[Target], plan: Plan, refused: dict[str, Refusal], observed: Observed
) -> None:
    for target in targets:
        conflict = plan.refusals.get(target.id)
        if conflict is not None:
            outcome.failed.append((target, conflict))
        elif target.id not in plan.needing:
            # An error is not always "nothing happened": what was read back counts, not the trap.
            outcome.matched.append(target)
        elif target.id in refused:
            outcome.failed.append((target, refused[target.id]))
        else:
            outcome.unsettled.append(target)
        if (online := online_of(target, observed)) is not None:
            outcome.online[target.id] = online


def online_of(target: Target, observed: Observed) -> Online | None:
    """Return the live session, if it has the right's address and speed."""
    right = target.right
    if right is None or target.level == "off":
        return None
    wanted: Rate = (right.up_bps, right.down_bps)
    if observed.rates.get(right.username) != wanted:
        return None
    for session in observed.sessions.get(right.username, ()):
        if session.address == right.address:
            return Online(right.address, *wanted)
    return None


def read_whole(session: Session, tools: Tools, breathe: Callable[[], None], *, ipv6: bool) -> Observed:
    """Read all our menus."""
    reading = whole_reading(ipv6=ipv6)
    answers = session.batch(reading.commands, clock=tools.clock, timeout_s=WHOLE_TIMEOUT_S, breathe=breathe)
    return reading.observed(answers, breathe)


def ask(session: Session, commands: Iterable[Command], clock: BootClock) -> list[dict[str, str]]:
    """Ask something small, and return each answer's first row (empty when there is none)."""
    answers = session.batch(tuple(commands), clock=clock, timeout_s=FAST_TIMEOUT_S)
    return [answer.rows[0] if answer.rows else {} for answer in answers]
