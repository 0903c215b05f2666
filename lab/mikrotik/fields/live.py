"""Values that are computed when they are printed: uptimes, counters, clocks, what a timer has left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from lab.mikrotik.fields.packet_sizes import DOWN_PACKET_BYTES, UP_PACKET_BYTES, packets_per_s
from lab.mikrotik.fields.schema import ISO_DATES_SINCE
from lab.mikrotik.fields.values import format_duration

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

_NEVER_ISO, _NEVER_OLD = "1970-01-01 00:00:00", "jan/01/1970 00:00:00"


def session_uptime(router: Router, row: Row) -> str | None:
    """How long the session behind a row is up."""
    session = router.sessions.of_row(row)
    return None if session is None else format_duration(_whole_s(router.now_us() - session.since_us))


def session_byte_counter(way: str) -> Callable[[Router, Row], str | None]:
    """Bytes of the session behind an interface (up = received by the router)."""
    return port_counter("rx" if way == "up" else "tx", "byte")


def port_counter(way: str, what: str) -> Callable[[Router, Row], str | None]:
    """`rx-byte`, `tx-packet`, …: what subscribers send comes in at their side and leaves at the uplink."""

    def counter(router: Router, row: Row) -> str | None:
        counters = router.counters
        tally = counters.of_interface(row)
        up = (way == "rx") != counters.is_uplink(row)
        if what == "byte":
            return str(tally.up if up else tally.down)
        return str(tally.packets_up if up else tally.packets_down)

    return counter


def nothing_lost(_router: Router, _row: Row) -> str | None:
    return "0"


def queue_bytes(router: Router, row: Row) -> str | None:
    """`up/down` bytes that went through a queue."""
    tally = router.counters.of_queue(row)
    return f"{tally.up}/{tally.down}"


def queue_packets(router: Router, row: Row) -> str | None:
    tally = router.counters.of_queue(row)
    return f"{tally.packets_up}/{tally.packets_down}"


def queue_rate(router: Router, row: Row) -> str | None:
    """`up/down` in bits per second."""
    up, down = router.counters.rate_of_queue(row)
    return f"{up}/{down}"


def queue_packet_rate(router: Router, row: Row) -> str | None:
    up, down = router.counters.rate_of_queue(row)
    return f"{packets_per_s(up, UP_PACKET_BYTES)}/{packets_per_s(down, DOWN_PACKET_BYTES)}"


def connection_bytes(way: str) -> Callable[[Router, Row], str | None]:
    """What a tracked connection carried: `up` from the subscriber."""

    def counter(router: Router, row: Row) -> str | None:
        return str(getattr(router.connection_bytes.of(row), way))

    return counter


def remaining_timeout(router: Router, row: Row) -> str | None:
    """What a timed address-list row has left."""
    if row.expires_us is None:
        return None
    return format_duration(_whole_s(max(0, row.expires_us - router.now_us())))


def connection_timeout(_router: Router, row: Row) -> str | None:
    """Tracked connections of the model are kept alive by their user."""
    return "23h59m59s" if row.get("protocol") == "tcp" else "2m59s"


def pool_total(router: Router, row: Row) -> str | None:
    return str(router.pools.total(row.get("name")))


def pool_used(router: Router, row: Row) -> str | None:
    return str(router.pools.used(row.get("name")))


def pool_available(router: Router, row: Row) -> str | None:
    return str(router.pools.total(row.get("name")) - router.pools.used(row.get("name")))


def router_uptime(router: Router, _row: Row) -> str | None:
    return format_duration(_whole_s(router.now_us() - router.booted_us))


def version_text(router: Router, _row: Row) -> str | None:
    """With its channel: `7.18.2 (stable)`, `6.49.18 (long-term)`."""
    return f"{router.version_text} ({router.setup.channel or ('stable' if router.version >= (7,) else 'long-term')})"


def build_time(router: Router, row: Row) -> str | None:
    """Of the packages, in the version's own form, the month with a capital before 7.10."""
    value = row.values.get("build-time", "2025-02-21 10:22:37")
    if router.version >= ISO_DATES_SINCE:
        return value
    return datetime.fromisoformat(value).strftime("%b/%d/%Y %H:%M:%S")


def cpu_load(router: Router, _row: Row) -> str | None:
    return str(router.load.percent())


def free_memory(router: Router, _row: Row) -> str | None:
    return str(router.load.free_memory())


def gmt_offset(router: Router, _row: Row) -> str | None:
    return router.wall.gmt_offset()


def is_summer(router: Router, _row: Row) -> str | None:
    return "true" if router.wall.is_summer() else "false"


def last_logged_out(router: Router, row: Row) -> str | None:
    """Of a secret that was never seen it is 1970."""
    known = row.values.get("last-logged-out")
    if known is not None or not router.setup.switches.never_seen_reads_1970:
        return known
    return _NEVER_ISO if router.version >= ISO_DATES_SINCE else _NEVER_OLD


def log_time(router: Router, row: Row) -> str | None:
    return router.log_rows.time_of(row)


def plain_version(router: Router, _row: Row) -> str | None:
    return router.version_text


def of_board(rb5009: str, chr_: str) -> Callable[[Router, Row], str | None]:
    """A value that depends on what the router runs on."""
    return lambda router, _row: chr_ if router.setup.board == "CHR" else rb5009


def device_mode(router: Router, _row: Row) -> str | None:
    return router.device.mode


def device_feature(name: str) -> Callable[[Router, Row], str | None]:
    """Whether the device mode allows this."""
    return lambda router, _row: "true" if router.device.allows(name) else "false"


def writes_since_boot(router: Router, _row: Row) -> str | None:
    return str(router.writes_since_boot)


def writes_in_all(router: Router, _row: Row) -> str | None:
    return str(router.journal.writes_in_all)


def clock_time(router: Router, _row: Row) -> str | None:
    return router.local_time().strftime("%H:%M:%S")


def clock_date(router: Router, _row: Row) -> str | None:
    return router.format_date(router.local_time())


def ntp_status(router: Router, row: Row) -> str | None:
    if row.get("enabled") != "true":
        return "stopped"
    return "synchronized" if router.clock_is_set else "waiting"


def ntp_server(router: Router, row: Row) -> str | None:
    servers = row.get("servers") or row.get("primary-ntp")
    return servers.split(",")[0] or None if router.clock_is_set else None


def _whole_s(microseconds: int) -> int:
    return microseconds - microseconds % 1_000_000
