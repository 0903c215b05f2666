"""Bytes and packets of everybody online, of queues and ports, worked out when somebody reads.

A station's traffic is what `carry` was told plus its habit since it came. Nothing ticks: a *line* knows up to when it
is counted, and a reading counts on from there, into the queues its packets go through and the two ports they pass.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lab.mikrotik.counting.habits import HABITS, Habit, habit_named
from lab.mikrotik.counting.queues import Chain, Queues, limit_of
from lab.mikrotik.fields.packet_sizes import DOWN_PACKET_BYTES, UP_PACKET_BYTES
from lab.mikrotik.packets.stations import Station, Stations
from lab.mikrotik.packets.traffic import UPLINK
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.store.tables import Tables

# Sums over many lines are counted at most this often: a print of a thousand rows reads one instant.
READING_US = 200_000
# One line is counted at most this often: the columns of one row read one instant.
SAME_INSTANT_US = 1_000


@dataclass(slots=True)
class Tally:
    """Bytes and packets both ways: `up` is what subscribers send."""

    up: int = 0
    down: int = 0
    packets_up: int = 0
    packets_down: int = 0

    def add(self, other: "Tally") -> None:
        self.up += other.up
        self.down += other.down
        self.packets_up += other.packets_up
        self.packets_down += other.packets_down

    def less(self, other: "Tally") -> "Tally":
        return Tally(
            self.up - other.up, self.down - other.down, self.packets_up - other.packets_up,
            self.packets_down - other.packets_down,
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Line:
    """One station and how far it is counted."""

    station: Station
    port: str
    wish: Habit
    phase_us: int
    begun_us: int
    habit: Habit = HABITS["quiet"]
    told: Tally = field(default_factory=Tally)
    """What of the station's counters the queues and ports have been told."""
    start: tuple[int, int] = (0, 0)
    """What the habit brings from the start of its cycle to `begun_us`, in bytes."""
    modelled: tuple[int, int, int, int] = (0, 0, 0, 0)
    """What it has brought since: bytes up, down, packets up, down."""
    counted_us: int = 0
    chain: Chain = ()
    carried_us: int = 0
    fasttracked: bool = False
    """Its packets go past all simple queues."""

    @property
    def busy(self) -> bool:
        return bool(self.habit.stretches)


class Counters:
    """The lines of all stations; readings of rows."""

    def __init__(self, tables: Tables, stations: Stations, now_us: Callable[[], int], *, habit: str, seed: int) -> None:
        self._now_us = now_us
        self._random = random.Random(seed)  # noqa: S311  # where in its cycle a habit starts
        self._habit = habit_named(habit)
        self._habits: dict[str, Habit] = {}
        self._queues = Queues(tables)
        self._lines: dict[Station, Line] = {}
        self._of_row: dict[Row, Tally] = {}
        self._zero_of_row: dict[Row, Tally] = {}
        self._members: dict[Row, dict[Line, None]] = {}
        self._ports: dict[str, Tally] = {}
        self._settled_us = -1
        self._stale_since_us: int | None = None
        self._version = self._queues.version
        self._queues.table.watchers.append(self._queue_changed)
        for path in ("/queue/simple", "/interface"):
            tables.get(path).watchers.append(self._forget_row)
        stations.on_carry.append(self._carried)

    # -- who is counted -----------------------------------------------------------------------------------------

    def attend(self, station: Station) -> Line:
        """Count this station from now on; its line when it is counted already."""
        line = self._lines.get(station)
        if line is None:
            wish = self._habits.get(station.name, self._habit)
            phase_us = self._random.randrange(wish.cycle_us) if wish.stretches else 0
            port = getattr(station, "port", "") or station.interface
            line = self._lines[station] = Line(station, port, wish, phase_us, self._now_us())
            line.carried_us = line.begun_us
            self._begin(line, line.begun_us)
        return line

    def resume(self, station: Station) -> None:
        """Count on from what the station has carried by now: a device that was away and is back."""
        self.attend(station).told = _tally_of(station)

    def requeue(self, station: Station) -> None:
        """A queue of the station's own came or went: what passed until now went the old way."""
        self._refresh()
        line = self._lines.get(station)
        if line is None:
            return
        now_us = self._now_us()
        self._settle(line, now_us)
        self._leave(line)
        self._begin(line, now_us)

    def dismiss(self, station: Station) -> None:
        """It is gone: what it used stays in the queues and ports it passed."""
        self._refresh()
        line = self._lines.pop(station, None)
        if line is not None:
            self._settle(line, self._now_us())
            self._leave(line)

    def set_habit(self, name: str, habit: str) -> None:
        """The habit of a user from now on, online or not."""
        self._refresh()
        self._habits[name] = habit_named(habit)
        now_us = self._now_us()
        for station in [one for one in self._lines if one.name == name]:
            self._change_wish(self._lines[station], HABITS[habit], now_us)

    def silence(self, station: Station) -> None:
        """Its user sends nothing any more, whatever his habit."""
        self._refresh()
        self._change_wish(self.attend(station), HABITS["quiet"], self._now_us())

    def fasttrack(self, station: Station, *, on: bool) -> None:
        """From now on its packets go past the simple queues, or through them again."""
        self._refresh()
        line = self.attend(station)
        if line.fasttracked == on:
            return
        now_us = self._now_us()
        self._settle(line, now_us)
        self._leave(line)
        line.fasttracked = on
        self._begin(line, now_us)

    def idle_us(self, station: Station) -> int:
        """How long nothing has passed; for ever, of one that is not counted (any more)."""
        now_us = self._now_us()
        line = self._lines.get(station)
        if line is None:
            return now_us
        since_us = now_us - max(line.carried_us, 0)
        if not line.busy:
            return since_us
        idle_us = line.habit.idle_us(line.phase_us + now_us - line.begun_us)
        return since_us if idle_us is None else min(since_us, idle_us)

    def peak_bps(self, station: Station) -> int:
        """The most this station's habit passes per second, both directions together; 0 when it is quiet."""
        line = self._lines.get(station)
        return 0 if line is None else line.habit.peak_bps

    # -- readings -----------------------------------------------------------------------------------------------

    def of_station(self, station: Station) -> Station:
        """The station, its counters brought up to now."""
        self._refresh()
        if (line := self._lines.get(station)) is not None and line.habit.stretches:
            now_us = self._now_us()
            if now_us - line.counted_us >= SAME_INSTANT_US:
                self._settle(line, now_us)
        return station

    def of_queue(self, row: Row) -> Tally:
        """What went through a queue since it was made or reset."""
        self._catch_up(row)
        return self._of_row.get(row, _NOTHING).less(self._zero_of_row.get(row, _NOTHING))

    def of_interface(self, row: Row) -> Tally:
        """What passed a port or a session's interface since it was made or reset; `up` is what the subscribers sent,
        whichever way that is for the interface."""
        return self._whole_of_interface(row).less(self._zero_of_row.get(row, _NOTHING))

    def rate_of_queue(self, row: Row) -> tuple[int, int]:
        """(up, down) in bits per second right now."""
        self._refresh()
        return _sum_rates(self._members.get(row, ()), self._now_us())

    def rate_of_interface(self, row: Row) -> tuple[int, int]:
        """(up, down) in bits per second right now."""
        self._refresh()
        now_us = self._now_us()
        if row.owner is not None:
            line = self._lines.get(row.owner)  # type: ignore[call-overload]  # whoever owns an interface is a station or unknown
            return _sum_rates((line,) if line is not None else (), now_us)
        name = row.get("name")
        return _sum_rates((line for line in self._lines.values() if name in (UPLINK, line.port)), now_us)

    def is_uplink(self, row: Row) -> bool:
        return row.get("name") == UPLINK and row.owner is None

    def reset_queue(self, row: Row) -> None:
        """Its counters start again at nothing."""
        self._catch_up(row)
        self._zero_of_row[row] = self._of_row.get(row, _NOTHING).less(_NOTHING)

    def reset_interface(self, row: Row) -> None:
        self._zero_of_row[row] = self._whole_of_interface(row).less(_NOTHING)

    def reboot(self) -> None:
        """Nothing counted survives."""
        for counted in (self._of_row, self._zero_of_row, self._ports):
            counted.clear()

    # -- counting -----------------------------------------------------------------------------------------------

    def _whole_of_interface(self, row: Row) -> Tally:
        if row.owner is not None:
            line = self._lines.get(row.owner)  # type: ignore[call-overload]  # as above
            return Tally() if line is None else _tally_of(self.of_station(line.station))
        self._settle_all()
        return self._ports.get(row.get("name"), _NOTHING)

    def _catch_up(self, row: Row) -> None:
        """Bring a queue's counters up to now: its one station's, or everybody's when it serves several."""
        self._refresh()
        members = self._members.get(row, {})
        if len(members) > 1:
            self._settle_all()
        for line in members if len(members) == 1 else ():
            if line.busy:
                self._settle(line, self._now_us())

    def _settle_all(self) -> None:
        self._refresh()
        now_us = self._now_us()
        if 0 <= now_us - self._settled_us < READING_US:
            return
        for line in list(self._lines.values()):
            if line.station.ended:
                self.dismiss(line.station)
            elif line.busy:
                self._settle(line, now_us)
        self._settled_us = self._now_us()

    def _carried(self, station: Station) -> None:
        """Somebody counted traffic on a station himself, just now: it goes through the queues as they are now, even
        when what passed before has yet to be counted through those of before."""
        line = self.attend(station)
        before, line.told = line.told, _tally_of(station)
        carried = line.told.less(before)
        self._refresh()
        line.told = line.told.less(carried)
        line.carried_us = self._now_us()
        self._settle(line, line.carried_us)

    def _settle(self, line: Line, at_us: int) -> None:
        """Add what the habit brought by then, and tell queues and ports what they have not been told."""
        station = line.station
        if line.busy:
            _add_modelled(line, at_us)
        now = _tally_of(station)
        more = now.less(line.told)
        if more.up or more.down:
            line.told = now
            for row in line.chain:
                self._of_row.setdefault(row, Tally()).add(more)
            for port in {line.port, UPLINK}:
                self._ports.setdefault(port, Tally()).add(more)

    def _begin(self, line: Line, at_us: int) -> None:
        """Count from here with the queues as they are now."""
        line.chain = () if line.fasttracked else self._queues.chain_of(line.station, (line.port,))
        for row in line.chain:
            self._members.setdefault(row, {})[line] = None
        if line.wish.stretches:
            line.phase_us = (line.phase_us + at_us - line.begun_us) % line.wish.cycle_us
            line.habit = line.wish.bounded(*limit_of(line.chain))
        else:
            line.habit = line.wish
        line.begun_us = line.counted_us = at_us
        line.start = line.habit.passed(line.phase_us)
        line.modelled = (0, 0, 0, 0)

    def _leave(self, line: Line) -> None:
        for row in line.chain:
            self._members.get(row, {}).pop(line, None)

    def _change_wish(self, line: Line, wish: Habit, now_us: int) -> None:
        self._settle(line, now_us)
        self._leave(line)
        line.wish = wish
        line.phase_us = self._random.randrange(wish.cycle_us) if wish.stretches else 0
        line.begun_us = now_us
        self._begin(line, now_us)

    # -- changes ------------------------------------------------------------------------------------------------

    def _queue_changed(self, _change: Change, row: Row) -> None:
        if row.owner is None and self._stale_since_us is None:
            self._stale_since_us = self._now_us()

    def _refresh(self) -> None:
        """Queues changed: what passed until then went the old way, the rest goes the new one."""
        if self._version == self._queues.version:
            return
        self._version = self._queues.version
        at_us = self._now_us() if self._stale_since_us is None else self._stale_since_us
        self._stale_since_us = None
        for line in self._lines.values():
            self._settle(line, max(at_us, line.begun_us))
            self._leave(line)
            self._begin(line, max(at_us, line.begun_us))

    def _forget_row(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            for known in (self._of_row, self._zero_of_row, self._members):
                known.pop(row, None)


_NOTHING = Tally()


def _tally_of(station: Station) -> Tally:
    return Tally(station.bytes_up, station.bytes_down, station.packets_up, station.packets_down)


def _add_modelled(line: Line, at_us: int) -> None:
    line.counted_us = at_us
    up, down = line.habit.passed(line.phase_us + at_us - line.begun_us)
    up, down = up - line.start[0], down - line.start[1]
    packets_up, packets_down = -(-up // UP_PACKET_BYTES), -(-down // DOWN_PACKET_BYTES)
    station, before = line.station, line.modelled
    station.bytes_up += up - before[0]
    station.bytes_down += down - before[1]
    station.packets_up += packets_up - before[2]
    station.packets_down += packets_down - before[3]
    line.modelled = (up, down, packets_up, packets_down)


def _sum_rates(lines: Iterator[Line] | tuple[Line, ...] | dict[Line, None], now_us: int) -> tuple[int, int]:
    rates = [line.habit.rate(line.phase_us + now_us - line.begun_us) for line in lines if line.busy]
    return sum(rate[0] for rate in rates), sum(rate[1] for rate in rates)
