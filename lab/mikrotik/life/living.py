"""Which properties live: bound to the tables after the menus are read, so that menus stay plain lists of names."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from lab.mikrotik.fields import live
from lab.mikrotik.fields.schema import Field
from lab.mikrotik.menus import ALL
from lab.mikrotik.store.tables import Tables

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

    Show = Callable[[Router, Row], str | None]

_PORT_COUNTERS = {f"{way}-{what}": live.port_counter(way, what) for way in ("rx", "tx") for what in ("byte", "packet")}
# Nothing is lost on these wires, and everything takes the fast path.
_PORT_COUNTERS |= {f"fp-{name}": show for name, show in _PORT_COUNTERS.items()}
_PORT_COUNTERS |= {
    f"{way}-{what}": live.nothing_lost
    for way, what in (("rx", "drop"), ("rx", "error"), ("tx", "drop"), ("tx", "error"), ("tx", "queue-drop"))
}
_QUEUE: "dict[str, Show]" = {
    "bytes": live.queue_bytes,
    "packets": live.queue_packets,
    "rate": live.queue_rate,
    "packet-rate": live.queue_packet_rate,
}
_CONNECTION: "dict[str, Show]" = {
    "orig-bytes": live.connection_bytes("up"),
    "repl-bytes": live.connection_bytes("down"),
}
_RESOURCE: "dict[str, Show]" = {
    "version": live.version_text,
    "build-time": live.build_time,
    "cpu-load": live.cpu_load,
    "free-memory": live.free_memory,
}
_CLOCK: "dict[str, Show]" = {
    "time": live.clock_time,
    "date": live.clock_date,
    "gmt-offset": live.gmt_offset,
    "dst-active": live.is_summer,
}
LIVING: "dict[str, dict[str, Show]]" = {
    "/interface": _PORT_COUNTERS,
    "/queue/simple": _QUEUE,
    "/ip/firewall/connection": _CONNECTION,
    "/ipv6/firewall/connection": _CONNECTION,
    "/system/resource": _RESOURCE,
    "/system/clock": _CLOCK,
    "/system/ntp/client": {"status": live.ntp_status, "synced-server": live.ntp_server},
    "/ppp/secret": {"last-logged-out": live.last_logged_out},
    "/log": {"time": live.log_time},
}


@cache
def _named_in_any_version(path: str) -> frozenset[str]:
    return frozenset(field.name for menu in ALL if menu.path == path for field in menu.fields)


def bind(tables: Tables) -> None:
    """Give these properties their lives. One that a menu lacks is added, except where its version has none."""
    for path, shows in LIVING.items():
        if not tables.has(path):
            continue
        table = tables.get(path)
        living: dict[str, Field] = {}
        for name, show in shows.items():
            known = table.fields.get(name)
            if known is not None:
                living[name] = replace(known, live=show, default=None)
            elif name not in _named_in_any_version(path):
                living[name] = Field(name, live=show)
        table.fields = {**table.fields, **living}  # the fitted fields are shared by all routers of a version
