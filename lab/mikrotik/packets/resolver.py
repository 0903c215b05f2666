"""What a name stands for, as clients of the router's DNS see it: /ip/dns/static first, then the world."""

from collections.abc import Iterator, Mapping

from lab.mikrotik.store.table import Row
from lab.mikrotik.store.tables import Tables

_ADDRESS_TYPES = ("", "A", "AAAA")


class Resolver(Mapping[str, list[str]]):
    """Addresses by name. `world` is what DNS says elsewhere. Rows with a regular expression, aliases and forwards
    answer nothing here."""

    def __init__(self, tables: Tables, world: Mapping[str, list[str]]) -> None:
        self._static = tables.get("/ip/dns/static")
        self._world = world

    def __getitem__(self, name: str) -> list[str]:
        found = [row.get("address") for row in self._static.with_value("name", name) if _answers(row)]
        return found or self._of_parent(name) or self._world[name]

    def _of_parent(self, name: str) -> list[str]:
        """Addresses of a row with `match-subdomain` above the name."""
        parent = name.partition(".")[2]
        while parent:
            rows = (row for row in self._static.with_value("name", parent) if row.get("match-subdomain") == "true")
            if found := [row.get("address") for row in rows if _answers(row)]:
                return found
            parent = parent.partition(".")[2]
        return []

    def __iter__(self) -> Iterator[str]:
        return iter({row.get("name"): None for row in self._static if _answers(row)} | dict.fromkeys(self._world))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _answers(row: Row) -> bool:
    return row.enabled and row.get("type") in _ADDRESS_TYPES and bool(row.get("address")) and bool(row.get("name"))
