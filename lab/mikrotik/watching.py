"""The router's life as it goes on, told line by line: dials and refusals, logins, writes, who connects, reboots."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from lab.control import Answer, Handlers, Request
from lab.mikrotik.journal import ConnectionRecord, Event, Journal, Write
from lab.mikrotik.wire import from_wire

LOOK_EVERY_S = 0.2
# By kind of event; what stands in braces is a fact of it.
_SAID = {
    "online": "{user} is online with {address} (profile {profile}, rate {rate})",
    "offline": "{user} is offline, {address} is free: {reason}",
    "denied": "{user} was refused: {reason} ({why})",
    "plug": "{mac} was plugged in at {interface}",
    "unplug": "{mac} was unplugged from {interface}",
    "lease-bound": "{mac} leased {address} of {server}",
    "lease-gone": "{mac} lost its lease of {address}",
    "hotspot-login": "{user} logged in at the hotspot with {mac}, {address}, by {way}",
    "hotspot-denied": "{user} was refused at the hotspot with {mac}: {reason}",
    "hotspot-logout": "{user} left the hotspot with {mac}: {reason}",
    "list-add": "{address} was put on the list {list} ({menu})",
    "list-remove": "{address} was taken off the list {list} ({menu})",
    "fetch": "a script called {url} ({method})",
    "reboot": "the router is up again",
}
# Nobody's connection: what somebody did at the console or at the control door.
_CONSOLE = 0


class Watching:
    """Handlers that tell of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.verbs: Handlers = {"watch": self.watch}

    async def watch(self, _request: Request) -> AsyncGenerator[Answer, None]:
        """Tell of dials, refusals, logins, writes, connections and reboots from now on, a line each."""
        event, write = self._journal.events_in_all, self._journal.writes_in_all
        known = {record.number: record for record in self._journal.connections()}
        for_good = {number for number, record in known.items() if record.closed_at_us is not None}
        told = {number for number, record in known.items() if record.user}
        while True:
            found = list(self._connections(told, for_good))
            for happened in self._journal.events_after(event):
                event = happened.n
                found.append(_line(happened.at_us, happened.kind, _of_event(happened)))
            for written in self._journal.writes_after(write):
                write = written.n
                found.append(_line(written.at_us, "write", self._of_write(written)))
            for line in sorted(found, key=lambda line: line["at_us"]):
                yield line
            await asyncio.sleep(LOOK_EVERY_S)

    def _connections(self, told: set[int], for_good: set[int]) -> Iterator[Answer]:
        for record in self._journal.connections():
            if record.number in for_good:
                continue
            if record.user and record.number not in told:
                told.add(record.number)
                tls = " over TLS" if record.tls else ""
                yield _line(record.opened_at_us, "login", f"{_who(record)} logged in from {record.address}{tls}")
            if record.closed_at_us is not None:
                for_good.add(record.number)
                yield _line(record.closed_at_us, "closed", _of_end(record))

    def _of_write(self, write: Write) -> str:
        by = next((_who(one) for one in self._journal.connections() if one.number == write.connection), "the console")
        values = " ".join(f"{name}={from_wire(value)}" for name, value in write.values.items())
        outcome = "" if write.outcome == "done" else f" -> {from_wire(write.outcome)}"
        return f"{by if write.connection != _CONSOLE else 'the console'}: {write.menu}/{write.verb} {values}{outcome}"


def _who(record: ConnectionRecord) -> str:
    return from_wire(record.user) or f"connection {record.number}"


def _of_end(record: ConnectionRecord) -> str:
    if not record.user:
        return f"{record.address} hung up without having logged in"
    return f"{_who(record)} hung up after {record.commands} commands, {record.writes} of them writes"


def _of_event(event: Event) -> str:
    facts = {name: from_wire(value) or "none" for name, value in event.facts.items()}
    try:
        return _SAID[event.kind].format(**facts)
    except KeyError:  # a kind, or a shape of it, that nobody worded
        return " ".join([event.kind, *(f"{name}={value}" for name, value in facts.items())])


def _line(at_us: int, kind: str, said: str) -> dict[str, Any]:
    return {"at_us": at_us, "kind": kind, "said": said}
