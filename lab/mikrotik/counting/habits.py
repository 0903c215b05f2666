"""How people use their line: a few habits, each a cycle of seconds and bits per second, summed without ticking.

Invented, not measured: what matters to a client of the simulator is that counters grow, at which rate at most, and
when they start again. `quiet` uses nothing, so that what is counted is exactly what `carry` was told.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many seconds at these rates, in bits per second."""

    lasts_s: int
    up_bps: int
    down_bps: int


@dataclass(frozen=True)
class Habit:
    """A cycle of stretches."""

    name: str
    stretches: tuple[Stretch, ...] = ()

    @cached_property
    def cycle_us(self) -> int:
        return sum(stretch.lasts_s for stretch in self.stretches) * 1_000_000

    @lru_cache(maxsize=1_000)  # noqa: B019  # habits are few and live as long as the program
    def bounded(self, up_bps: int, down_bps: int) -> "Habit":
        """The same habit behind a limit; 0 is no limit."""
        return Habit(self.name, tuple(
            Stretch(one.lasts_s, min(one.up_bps, up_bps or one.up_bps), min(one.down_bps, down_bps or one.down_bps))
            for one in self.stretches
        ))  # fmt: skip

    @cached_property
    def _plan(self) -> tuple[tuple[int, int, int], ...]:
        """(microseconds, up, down) of each stretch, in bits per second."""
        return tuple((one.lasts_s * 1_000_000, one.up_bps, one.down_bps) for one in self.stretches)

    @cached_property
    def _whole(self) -> tuple[int, int]:
        """What a whole cycle brings each way, in bits times microseconds per second."""
        return sum(us * up for us, up, _ in self._plan), sum(us * down for us, _, down in self._plan)

    def passed(self, at_us: int) -> tuple[int, int]:
        """(up, down) in bytes from the start of a cycle until then."""
        if not self.stretches:
            return 0, 0
        cycles, rest_us = divmod(at_us, self.cycle_us)
        up, down = self._whole[0] * cycles, self._whole[1] * cycles
        for lasts_us, up_bps, down_bps in self._plan:
            spent_us = min(rest_us, lasts_us)
            up += up_bps * spent_us
            down += down_bps * spent_us
            rest_us -= spent_us
        return up // 8_000_000, down // 8_000_000

    def rate(self, at_us: int) -> tuple[int, int]:
        """(up, down) in bits per second at that instant of the cycle."""
        if not self.stretches:
            return 0, 0
        rest_us = at_us % self.cycle_us
        for one in self.stretches:
            if rest_us < one.lasts_s * 1_000_000:
                return one.up_bps, one.down_bps
            rest_us -= one.lasts_s * 1_000_000
        return 0, 0  # unreachable: the stretches add up to the cycle

    def idle_us(self, at_us: int) -> int | None:
        """How long nothing has passed by then; None when nothing ever passes."""
        here_us, begins_us = at_us % (self.cycle_us or 1), -self.cycle_us
        last_us: int | None = None
        for one in (*self.stretches, *self.stretches):  # the cycle before and this one
            ends_us = begins_us + one.lasts_s * 1_000_000
            if begins_us <= here_us and (one.up_bps or one.down_bps):
                last_us = min(ends_us, here_us)
            begins_us = ends_us
        return None if last_us is None else here_us - last_us

    @property
    def peak_bps(self) -> int:
        """The most that passes per second, both directions together."""
        return max((one.up_bps + one.down_bps for one in self.stretches), default=0)


HABITS: dict[str, Habit] = {
    habit.name: habit
    for habit in (
        Habit("quiet"),
        Habit("idle", (Stretch(2, 8_000, 16_000), Stretch(58, 0, 0))),
        Habit("browsing", (Stretch(3, 400_000, 6_000_000), Stretch(17, 8_000, 40_000))),
        Habit("streaming", (Stretch(4, 150_000, 12_000_000), Stretch(6, 10_000, 20_000))),
        Habit("uploading", (Stretch(30, 8_000_000, 300_000), Stretch(5, 50_000, 50_000))),
    )
}


def habit_named(name: str) -> Habit:
    """One of HABITS; ValueError says which there are."""
    if name not in HABITS:
        raise ValueError(f"no habit {name!r}: take one of {', '.join(HABITS)}")
    return HABITS[name]
