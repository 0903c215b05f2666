"""The dynamic rows of a PPPoE session: interface, queue, address lists, addresses, routes, the active row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.mikrotik.ppp.profiles import Profile, insert_before
from lab.mikrotik.store.tables import Tables

if TYPE_CHECKING:
    from lab.mikrotik.ppp.sessions import Session

# 1500 of Ethernet less 8 of PPPoE, and RouterOS' own default of 1480 for what it negotiates.
MTU = "1480"
_FIRST_SESSION_ID = 0x81000000


class SessionRows:
    """Makes them; who ends the session removes what is in `session.rows`."""

    def __init__(self, tables: Tables, router_time: Callable[[], str]) -> None:
        self._tables = tables
        self._router_time = router_time
        self._interfaces = tables.get("/interface")

    def interface_name(self, user: str) -> str:
        """`<pppoe-USER>`, with a number when that one is taken."""
        name, count = f"<pppoe-{user}>", 0
        while self._interfaces.find(name) is not None:
            count += 1
            name = f"<pppoe-{user}-{count}>"
        return name

    def make(self, session: Session, profile: Profile) -> None:
        """All of them, the active row last."""
        self._add_interfaces(session, profile)
        self._add_queue(session, profile)
        for name in profile.address_lists:
            self._add(session, "/ip/firewall/address-list", {
                "list": name, "address": session.address, "dynamic": "true", "disabled": "false",
                "creation-time": self._router_time(),
            })  # fmt: skip
        self._add_addresses(session)
        self._add(session, "/ppp/active", {
            "name": session.user, "service": "pppoe", "caller-id": session.caller_id,
            "address": session.address, "encoding": "", "session-id": f"0x{_FIRST_SESSION_ID + session.number:08x}",
            "limit-bytes-in": str(session.limit_up), "limit-bytes-out": str(session.limit_down),
        })  # fmt: skip

    def _add_interfaces(self, session: Session, profile: Profile) -> None:
        self._add(session, "/interface", {
            "name": session.interface, "type": "pppoe-in", "actual-mtu": MTU, "mtu": MTU, "running": "true",
            "disabled": "false", "dynamic": "true", "last-link-up-time": self._router_time(),
        })  # fmt: skip
        self._add(session, "/interface/pppoe-server", {
            "name": session.interface, "user": session.user,
            "service": session.server.get("service-name") if session.server is not None else "",
            "mtu": MTU, "mru": MTU, "remote-address": session.caller_id, "encoding": "",
            "interface": session.port, "dynamic": "true", "running": "true", "disabled": "false",
        })  # fmt: skip
        if members := profile.get("interface-list"):
            self._add(session, "/interface/list/member", {
                "list": members, "interface": session.interface, "dynamic": "true", "disabled": "false",
            })  # fmt: skip

    def _add_queue(self, session: Session, profile: Profile) -> None:
        if profile.queue is None:
            return
        queues = self._tables.get("/queue/simple")
        values = profile.queue | {"name": session.interface, "target": session.interface}
        before = insert_before(queues, profile.get("insert-queue-before"))
        session.rows.append((queues, queues.insert(values, owner=session, before=before)))

    def _add_addresses(self, session: Session) -> None:
        if session.local_address:
            self._add(session, "/ip/address", {
                "address": f"{session.local_address}/32", "network": session.address,
                "interface": session.interface, "actual-interface": session.interface, "dynamic": "true",
                "invalid": "false", "disabled": "false",
            })  # fmt: skip
        if session.prefix:
            self._add(session, "/ipv6/nd/prefix", {
                "prefix": session.prefix, "interface": session.interface, "on-link": "true", "autonomous": "true",
                "valid-lifetime": "4w2d", "preferred-lifetime": "1w", "dynamic": "true", "invalid": "false",
                "disabled": "false",
            })  # fmt: skip
        if session.prefix_pool:
            self._add(session, "/ipv6/pool/used", {
                "pool": session.prefix_pool, "prefix": session.prefix, "owner": "PPP", "info": session.user,
            })  # fmt: skip

    def _add(self, session: Session, path: str, values: dict[str, str]) -> None:
        table = self._tables.get(path)
        session.rows.append((table, table.insert(values, owner=session)))
