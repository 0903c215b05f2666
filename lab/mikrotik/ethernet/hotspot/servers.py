"""Hotspot servers: which one stands at an interface, whether it runs, its profile and address, its own rules."""

from lab.mikrotik.ethernet.ground import Ground, clear
from lab.mikrotik.ethernet.hotspot.rules import FILTER, NAT
from lab.mikrotik.fields.values import split_list
from lab.mikrotik.store.table import Change, Row, Table

_UNSET = ("", "0.0.0.0")  # noqa: S104  # how an unset address reads


class Servers:
    """Reads /ip/hotspot and /ip/hotspot/profile."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._table = ground.tables.get("/ip/hotspot")
        self._profiles = ground.tables.get("/ip/hotspot/profile")
        self._shown: list[tuple[Table, Row]] = []
        self._table.watchers.append(self._changed)

    def at(self, interface: str) -> Row | None:
        """The running server of an interface."""
        return next((row for row in self._table.with_value("interface", interface) if self.runs(row)), None)

    def runs(self, server: Row) -> bool:
        """Enabled, and not forbidden by the device mode."""
        return server.enabled and self._allowed()

    def _allowed(self) -> bool:
        return self._ground.allows("hotspot")

    def profile(self, server: Row) -> Row:
        """Its server profile; `default` when the one it named is gone."""
        return self._profiles.find(server.get("profile")) or next(iter(self._profiles))

    def logs_in_by(self, server: Row, way: str) -> bool:
        return way in split_list(self.profile(server).get("login-by"))

    def address(self, server: Row) -> str:
        """Where its page is: the profile's hotspot-address, else the router's address on the interface."""
        own = self.profile(server).get("hotspot-address")
        if own not in _UNSET:
            return own
        rows = self._ground.tables.get("/ip/address")
        found = (row for row in rows if row.enabled and row.get("interface") == server.get("interface"))
        return next((row.get("address").partition("/")[0] for row in found), "")

    def dns_name(self, server: Row) -> str:
        return self.profile(server).get("dns-name")

    def has_tls(self, server: Row) -> bool:
        return self.profile(server).get("ssl-certificate") not in ("", "none")

    def show_rules(self) -> None:
        """The dynamic rules of a running hotspot, above everybody's, shown once however many servers run."""
        wanted = self._ground.switches.hotspot_rules_shown and any(self.runs(server) for server in self._table)
        if wanted == bool(self._shown):
            return
        clear(self._shown)
        for path, rules in () if not wanted else (("/ip/firewall/filter", FILTER), ("/ip/firewall/nat", NAT)):
            table = self._ground.tables.get(path)
            first = next(iter(table), None)
            for rule in rules:
                row = table.insert({**table.fitted.defaults} | rule | {"dynamic": "true"}, owner=self, before=first)
                self._shown.append((table, row))

    def come_up(self) -> None:
        """A boot took the rules away."""
        self._shown.clear()
        self.show_rules()

    def _changed(self, _change: Change, _row: Row) -> None:
        self.show_rules()
