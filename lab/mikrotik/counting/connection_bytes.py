"""Bytes of tracked connections: a station's traffic is taken to run over the oldest connection it has open."""

from dataclasses import dataclass

from lab.mikrotik.counting.counters import Counters, Tally
from lab.mikrotik.packets.stations import Station
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.store.tables import Tables


@dataclass(slots=True)
class _Open:
    """The connections of one station, oldest first, and its counters when the first one became that."""

    rows: dict[Row, Tally]
    since: Tally


class ConnectionBytes:
    """Watches the connection tables; rows whose owner has counters are counted."""

    def __init__(self, tables: Tables, counters: Counters) -> None:
        self._counters = counters
        self._open: dict[object, _Open] = {}
        for family in ("ip", "ipv6"):
            tables.get(f"/{family}/firewall/connection").watchers.append(self._changed)

    def of(self, row: Row) -> Tally:
        """What this connection carried so far."""
        known = self._open.get(row.owner)
        if known is None or row not in known.rows:
            return Tally()
        if next(iter(known.rows)) is row:
            self._count(row, known)
        return known.rows[row]

    def _changed(self, change: Change, row: Row) -> None:
        owner = row.owner
        if owner is None or not hasattr(owner, "packets_up"):
            return
        known = self._open.get(owner)
        if change is Change.ADDED:
            if known is None:
                known = self._open[owner] = _Open({}, self._now(owner))
            known.rows[row] = Tally()
        elif change is Change.REMOVED and known is not None and row in known.rows:
            if next(iter(known.rows)) is row:
                self._count(row, known)
            del known.rows[row]
            if not known.rows:
                del self._open[owner]
        self._past_the_queues(owner)

    def _past_the_queues(self, owner: Station | object) -> None:
        """FastTrack defeats simple queues: no limit, nothing counted, for a station whose traffic runs over such a
        connection."""
        if getattr(owner, "ended", True):
            return
        known = self._open.get(owner)
        first = next(iter(known.rows)) if known is not None else None
        on = first is not None and first.get("fasttrack") == "true"
        self._counters.fasttrack(owner, on=on)  # type: ignore[arg-type]  # it has counters: checked by who calls

    def _count(self, row: Row, known: _Open) -> None:
        now = self._now(row.owner)
        known.rows[row].add(now.less(known.since))
        known.since = now

    def _now(self, station: Station | object) -> Tally:
        one: Station = self._counters.of_station(station)  # type: ignore[arg-type]  # checked by who calls: it has counters
        return Tally(one.bytes_up, one.bytes_down, one.packets_up, one.packets_down)
