"""/ping: one record per echo. The router itself, its stations and what DNS names answer; nobody else does."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from lab.mikrotik.errors import BadValueError, Trap
from lab.mikrotik.fields.values import Kind, duration_us, number
from lab.mikrotik.speech.commands import Access, Command, Outcome, Streaming, Verb, Verbs
from lab.mikrotik.speech.edit import bad_value

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

INTERVAL_US = 1_000_000
MIN_INTERVAL_US = 10_000
# A ping without count that nobody cancels ends by itself, so that a forgotten client costs nothing for ever.
MAX_ECHOES = 100_000
_KNOWN = frozenset((
    "address", "count", "interval", "size", "ttl", "src-address", "interface", "routing-table", "vrf", "arp-ping",
    "do-not-fragment", "dscp", ".proplist",
))  # fmt: skip


def ping_verbs(router: Router) -> Verbs:
    """`/ping`, which is also `/tool/ping`."""
    verb = Verb(Ping(router).run, policy="test", writes=False)
    return {("", "ping"): verb, ("/tool", "ping"): verb}


class Ping:
    """Echoes of one router. The round trip is made up; who answers is not."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def run(self, command: Command, _access: Access) -> Outcome:
        """Records until `count` is reached or it is cancelled."""
        said = command.attributes
        for name in said:
            if name not in _KNOWN:
                raise self._router.editor.unknown(name)
        if not said.get("address"):
            raise Trap("missing =address=")
        count = int(_value(number(0, MAX_ECHOES), said, "count", "0")) or MAX_ECHOES
        size = _value(number(28, 65_535), said, "size", "56")
        interval_us = int(_value(lambda text: str(duration_us(text)), said, "interval", str(INTERVAL_US // 1_000_000)))
        address = self._address(said["address"])
        return Streaming(self._echoes(address, count, max(MIN_INTERVAL_US, interval_us), size))

    def _address(self, text: str) -> str:
        """An address, or what DNS says of a name."""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            found = self._router.hosts.get(text)
            if not found:
                raise bad_value("address") from None
            return found[0]

    def _answers(self, address: str) -> bool:
        router = self._router
        own = (row for row in router.tables.get("/ip/address") if row.enabled)
        mine = any(row.get("address").partition("/")[0] == address for row in own)
        named = any(address in known for known in router.hosts.values())
        return mine or named or router.stations.find(address) is not None

    async def _echoes(self, address: str, count: int, interval_us: int, size: str) -> AsyncIterator[dict[str, str]]:
        received = 0
        for at in range(count):
            if at:
                await asyncio.sleep(interval_us / 1_000_000)
            record = {"seq": str(at), "host": address}
            answers = self._answers(address)
            received += answers
            record |= {"size": size, "ttl": "64", "time": "1ms"} if answers else {"status": "timeout"}
            record |= {"sent": str(at + 1), "received": str(received)}
            record["packet-loss"] = str(100 * (at + 1 - received) // (at + 1))
            yield record | (dict.fromkeys(("min-rtt", "avg-rtt", "max-rtt"), "1ms") if received else {})


def _value(kind: Kind, said: dict[str, str], name: str, otherwise: str) -> str:
    try:
        return kind(said.get(name, otherwise))
    except BadValueError as error:
        raise bad_value(name) from error
