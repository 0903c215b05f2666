"""The walled garden: where a device that is not logged in may go, by address and by name."""

import fnmatch
import re
from collections.abc import Callable, Mapping

from lab.mikrotik.ethernet.hotspot.presence import Presence
from lab.mikrotik.packets.packets import AddressLists, Packet, port_within, within
from lab.mikrotik.store.table import Row
from lab.mikrotik.store.tables import Tables

# What the hotspot's proxy reads names of: plain HTTP and its proxy ports, and TLS by its first packet.
_NAMED_PORTS = (80, 443, 3128, 8080)


class Garden:
    """Reads /ip/hotspot/walled-garden and /ip/hotspot/walled-garden/ip."""

    def __init__(self, tables: Tables, names: Mapping[str, list[str]]) -> None:
        self._by_name = tables.get("/ip/hotspot/walled-garden")
        self._by_address = tables.get("/ip/hotspot/walled-garden/ip")
        self._lists = AddressLists(tables.get("/ip/firewall/address-list"))
        self._names = names

    def address_rule(self, presence: Presence, packet: Packet) -> str:
        """`accept`, `drop` or `reject` of the first row that fits; empty when none does."""
        for row in self._by_address:
            if row.enabled and self._fits_address(row, presence, packet):
                return row.get("action")
        return ""

    def allows_name(self, presence: Presence, packet: Packet, asked: str) -> bool:
        """Whether a row allows the name that was asked for (or a name DNS gives the address); its hits grow."""
        if packet.protocol != "tcp" or packet.port not in _NAMED_PORTS:
            return False
        names = self._names_of(asked, str(packet.target))
        for row in self._by_name:
            if row.enabled and self._fits_name(row, presence, packet, names):
                row.values["hits"] = str(int(row.get("hits") or 0) + 1)
                return row.get("action") == "allow"
        return False

    def _names_of(self, asked: str, address: str) -> list[str]:
        if asked and asked != address:
            return [asked]
        return [*(name for name, addresses in self._names.items() if address in addresses), address]

    def _fits_address(self, row: Row, presence: Presence, packet: Packet) -> bool:
        checks: dict[str, Callable[[str], bool]] = {
            "dst-address": lambda value: within(value, packet.target),
            "dst-address-list": lambda value: self._lists.holds(value, packet.target),
            "src-address-list": lambda value: self._lists.holds(value, packet.source),
            "dst-host": lambda value: str(packet.target) in self._names.get(value, ()),
            "dst-port": lambda value: port_within(value, packet.port),
            "protocol": lambda value: value == packet.protocol,
        }
        return self._is_for(row, presence, packet) and all(_holds(row, name, check) for name, check in checks.items())

    def _fits_name(self, row: Row, presence: Presence, packet: Packet, names: list[str]) -> bool:
        if row.get("path") or row.get("method"):
            return False  # a packet asked for has neither
        return (
            self._is_for(row, presence, packet)
            and _holds(row, "dst-port", lambda value: port_within(value, packet.port))
            and _holds(row, "dst-host", lambda value: any(name_fits(value, name) for name in names))
        )

    def _is_for(self, row: Row, presence: Presence, packet: Packet) -> bool:
        return _holds(row, "server", lambda value: value in ("all", presence.server.get("name"))) and _holds(
            row, "src-address", lambda value: within(value, packet.source)
        )


def name_fits(pattern: str, name: str) -> bool:
    """`*` and `?` stand for anything; a pattern that begins with `:` is a regular expression."""
    if pattern.startswith(":"):
        try:
            return re.search(pattern[1:], name) is not None
        except re.error:
            return False
    return fnmatch.fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def _holds(row: Row, field: str, check: Callable[[str], bool]) -> bool:
    """A matcher that is unset holds; `!` turns it round."""
    value = row.get(field)
    if not value:
        return True
    return not check(value[1:]) if value.startswith("!") else check(value)
