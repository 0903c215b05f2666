"""How the live connections of those who are being walled are found in the router's table."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, IPv6Network
from typing import Final, Literal

from edge_agent.domain.observed import ConnectionRow
from edge_agent.domain.wanted import Target
from edge_agent.routeros.client import Answer, Command, Make
from edge_agent.routeros.fields import source_of

CONNECTIONS4: Final = "/ip/firewall/connection"
CONNECTIONS6: Final = "/ipv6/firewall/connection"
_FIELDS: Final = "=.proplist=.id,src-address"

ConnectionQuery = Literal["range", "scan"]
"""`range`: the router chooses by a text range of the source. `scan`: the whole table is read and chosen from here."""


class ConnectionSearch:
    """Of one session: remembers that the router refused the range."""

    def __init__(self, query: ConnectionQuery) -> None:
        self.query: ConnectionQuery = query

    def commands(self, targets: Sequence[Target]) -> list[Command]:
        """Read the tracked connections of these. IPv6 sources lie in a prefix: that table is always read whole."""
        rights = [target.right for target in targets if target.right]
        commands = []
        if rights:
            addresses = [right.address for right in rights]
            words = _ranges(addresses) if self.query == "range" else []
            commands.append(Command((f"{CONNECTIONS4}/print", _FIELDS, *words), _only_of(addresses)))
        if any(right.prefix for right in rights):
            commands.append(Command((f"{CONNECTIONS6}/print", _FIELDS), _connection6))
        return commands

    def after_refusal(self, answers: Sequence[Answer], targets: Sequence[Target]) -> list[Command]:
        """Return what to ask instead if the router refused the range; nothing otherwise."""
        if self.query == "scan" or not answers or answers[0].trap is None:
            return []
        self.query = "scan"
        return self.commands(targets)


def _ranges(addresses: Sequence[str]) -> list[str]:
    """A source is shown with its port, so equality finds only the portless ones.

    The range from `address:` to `address;` holds exactly the rest when compared as text.
    """
    words: list[str] = []
    for at in addresses:
        words += [f"?>src-address={at}:", f"?<src-address={at};", "?#&", f"?src-address={at}", "?#|"]
    if len(addresses) > 1:
        words.append("?#" + "|" * (len(addresses) - 1))
    return words


def _only_of(addresses: Iterable[str]) -> Make:
    """Keep nothing of other sources: a table may have tens of thousands of rows."""
    wanted = frozenset(addresses)

    def make(row: dict[str, str]) -> ConnectionRow | None:
        source = source_of(row.get("src-address", ""))
        return ConnectionRow(row[".id"], 4, source) if source in wanted else None

    return make


def _connection6(row: dict[str, str]) -> ConnectionRow | None:
    source = source_of(row.get("src-address", ""))
    return ConnectionRow(row[".id"], 6, source) if source else None


def by_prefix(connections: Iterable[ConnectionRow | None], targets: Sequence[Target]) -> list[ConnectionRow]:
    """Name IPv6 connections by the target's prefix they lie in, and drop all others."""
    networks = [IPv6Network(t.right.prefix) for t in targets if t.right and t.right.prefix]
    kept = []
    for row in connections:
        if row is None:
            continue
        if row.family == 4:
            kept.append(row)
            continue
        source = IPv6Address(row.address)
        kept.extend(ConnectionRow(row.id, 6, str(network)) for network in networks if source in network)
    return kept
