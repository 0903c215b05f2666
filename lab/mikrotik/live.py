"""Values that are computed when they are printed: uptimes, counters, clocks, what a timer has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.mikrotik.values import format_duration

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.table import Row


def session_uptime(router: Router, row: Row) -> str | None:
    """How long the session behind a row is up."""
    session = router.sessions.of_row(row)
    return None if session is None else format_duration(_whole_s(router.now_us() - session.since_us))


def session_byte_counter(way: str) -> Callable[[Router, Row], str | None]:
    """Bytes of the session behind an interface (up = received by the router)."""

    def counter(router: Router, row: Row) -> str | None:
        session = router.sessions.of_row(row)
        if session is None:
            return "0"
        return str(session.bytes_up if way == "up" else session.bytes_down)

    return counter


def queue_bytes(_router: Router, row: Row) -> str | None:
    """`up/down` bytes of the session, login or lease behind a dynamic queue."""
    up, down = getattr(row.owner, "bytes_up", 0), getattr(row.owner, "bytes_down", 0)
    return f"{up}/{down}"


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
    return f"{router.version_text} (stable)"


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
    return row.get("servers").split(",")[0] or None if router.clock_is_set else None


def _whole_s(microseconds: int) -> int:
    return microseconds - microseconds % 1_000_000
