"""Verbs of the living parts: watch an interface, start counters anew, set the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from lab.mikrotik.errors import BadValueError, Trap
from lab.mikrotik.fields.packet_sizes import DOWN_PACKET_BYTES, UP_PACKET_BYTES, packets_per_s
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Streaming, Verb, Verbs
from lab.mikrotik.speech.edit import rows_meant

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

DEFAULT_INTERVAL_US = 1_000_000
MIN_INTERVAL_US = 10_000
# A monitor left running this long ends by itself, so that a forgotten client costs nothing for ever.
MAX_SECTIONS = 100_000
_KNOWN = frozenset(("interface", "once", "duration", "interval", ".proplist", "numbers", "aggregate"))


def verbs(router: Router) -> Verbs:
    """What these parts bring to the language."""
    parts = _Verbs(router)
    found: Verbs = {
        ("/interface", "monitor-traffic"): Verb(parts.monitor, policy="read", writes=False),
        ("/interface", "reset-counters"): Verb(parts.reset_interfaces),
        ("/queue/simple", "reset-counters"): Verb(parts.reset_queues),
        ("/queue/simple", "reset-counters-all"): Verb(parts.reset_all_queues),
        ("/system/clock", "set"): Verb(parts.set_clock),
    }
    if router.version < (7,):
        found["/interface", "reset-counters-all"] = Verb(parts.reset_all_interfaces)
    return found


class _Verbs:
    def __init__(self, router: Router) -> None:
        self._router = router

    # -- monitor-traffic ----------------------------------------------------------------------------------------

    def monitor(self, command: Command, _access: Access) -> Outcome:
        """Rates now, and again every `interval` until `duration` is over or it is cancelled."""
        said = command.attributes
        for name in said:
            if name not in _KNOWN:
                raise Trap(f"unknown parameter {name}")
        wanted = said.get("interface", said.get("numbers", ""))
        if not wanted:
            raise Trap("missing =interface=")
        rows = self._interfaces(wanted)
        once = "once" in said and said["once"] not in ("no", "false")
        interval_us = max(MIN_INTERVAL_US, _span(said, "interval") or DEFAULT_INTERVAL_US)
        duration_us = _span(said, "duration")
        sections = 1 if once else MAX_SECTIONS
        if duration_us is not None and not once:
            sections = max(1, min(MAX_SECTIONS, -(-duration_us // interval_us)))
        return Streaming(self._records(rows, sections, interval_us, said.get(".proplist"), plain=once))

    def _interfaces(self, wanted: str) -> list[Row]:
        try:
            return rows_meant(self._router.tables.get("/interface"), wanted)
        except Trap:
            raise Trap("input does not match any value of interface", 1) from None

    async def _records(
        self, rows: list[Row], sections: int, interval_us: int, wanted: str | None, *, plain: bool
    ) -> AsyncIterator[dict[str, str]]:
        table = self._router.tables.get("/interface")
        names = wanted.split(",") if wanted else None
        for section in range(sections):
            if section:
                await asyncio.sleep(interval_us / 1_000_000)
            for row in rows:
                if not table.has(row):
                    return
                record = self._rates(row) | ({} if plain else {".section": str(section)})
                yield record if names is None else {name: record[name] for name in names if name in record}

    def _rates(self, row: Row) -> dict[str, str]:
        counters = self._router.counters
        up, down = counters.rate_of_interface(row)
        ways = {"rx": (up, UP_PACKET_BYTES), "tx": (down, DOWN_PACKET_BYTES)}
        if counters.is_uplink(row):
            ways = {"rx": ways["tx"], "tx": ways["rx"]}
        record = {"name": row.get("name")}
        for way, (bits_per_s, packet_bytes) in ways.items():
            packets = packets_per_s(bits_per_s, packet_bytes)
            record |= {
                f"{way}-packets-per-second": str(packets), f"{way}-bits-per-second": str(bits_per_s),
                f"fp-{way}-packets-per-second": str(packets), f"fp-{way}-bits-per-second": str(bits_per_s),
                f"{way}-drops-per-second": "0", f"{way}-errors-per-second": "0",
            }  # fmt: skip
        return record

    # -- counters -----------------------------------------------------------------------------------------------

    def reset_interfaces(self, command: Command, _access: Access) -> Outcome:
        for row in self._meant("/interface", command):
            self._router.counters.reset_interface(row)
        return Done()

    def reset_all_interfaces(self, _command: Command, _access: Access) -> Outcome:
        for row in self._router.tables.get("/interface"):
            self._router.counters.reset_interface(row)
        return Done()

    def reset_queues(self, command: Command, _access: Access) -> Outcome:
        for row in self._meant("/queue/simple", command):
            self._router.counters.reset_queue(row)
        return Done()

    def reset_all_queues(self, _command: Command, _access: Access) -> Outcome:
        for row in self._router.tables.get("/queue/simple"):
            self._router.counters.reset_queue(row)
        return Done()

    def _meant(self, path: str, command: Command) -> list[Row]:
        said = command.attributes
        return rows_meant(self._router.tables.get(path), said.get(".id", said.get("numbers")))

    # -- clock --------------------------------------------------------------------------------------------------

    def set_clock(self, command: Command, _access: Access) -> Outcome:
        """Time and date move the clock; the rest is stored as in any menu."""
        router, said = self._router, dict(command.attributes)
        date, time = said.pop("date", None), said.pop("time", None)
        zone = said.get("time-zone-name")
        if zone is not None and not router.wall.is_zone(zone):
            raise Trap("input does not match any value of time-zone-name", 1)
        table = router.tables.get("/system/clock")
        if said:
            router.editor.set(table, [table.rows[0]], said)
        if date is not None or time is not None:
            router.wall.set_by_hand(date, time)
        return Done()


def _span(said: dict[str, str], name: str) -> int | None:
    if name not in said:
        return None
    try:
        return duration_us(said[name])
    except BadValueError as error:
        raise Trap(f"invalid value for argument {name}", 1) from error
