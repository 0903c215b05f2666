"""What hotspot rows tell when they are printed: times, counters, flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.mikrotik.fields.values import format_duration

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row

Shown = Callable[["Router", "Row"], str | None]


def whole_s(microseconds: int) -> str:
    """A duration without its fraction of a second, never below nothing."""
    microseconds = max(0, microseconds)
    return format_duration(microseconds - microseconds % 1_000_000)


def proxy_status(router: Router, row: Row) -> str | None:
    return "running" if router.access.hotspot.servers.runs(row) else "stopped"


def invalid(router: Router, row: Row) -> str | None:
    return "true" if row.enabled and not router.access.hotspot.servers.runs(row) else "false"


def ip_of_dns_name(router: Router, row: Row) -> str | None:
    return router.access.hotspot.servers.address(row) or None


def user_total(name: str) -> Shown:
    """A user's total since his counters were reset, live logins included."""

    def total(router: Router, row: Row) -> str | None:
        totals = router.access.hotspot.logins.users.totals_of(row)
        return whole_s(totals.uptime_us) if name == "uptime" else str(totals.counter(name))

    return total


def login_counter(name: str) -> Shown:
    def counter(router: Router, row: Row) -> str | None:
        login = router.access.hotspot.logins.of_row(row)
        if login is None:
            return "0"
        router.counters.of_station(login.presence.host)
        return str(login.carried().counter(name))

    return counter


def host_counter(name: str) -> Shown:
    def counter(router: Router, row: Row) -> str | None:
        presence = router.access.hotspot.presences.of_row(row)
        if presence is None:
            return "0"
        router.counters.of_station(presence.host)
        return str(presence.carried().counter(name))

    return counter


def login_uptime(router: Router, row: Row) -> str | None:
    login = router.access.hotspot.logins.of_row(row)
    return None if login is None else whole_s(router.now_us() - login.since_us)


def session_time_left(router: Router, row: Row) -> str | None:
    login = router.access.hotspot.logins.of_row(row)
    return None if login is None or login.until_us is None else whole_s(login.until_us - router.now_us())


def idle_time(router: Router, row: Row) -> str | None:
    presence = router.access.hotspot.presences.of_row(row)
    if presence is None:
        return None
    heard_us = router.access.hotspot.logins.heard_us(presence) if presence.logged_in else presence.heard_us
    return whole_s(router.now_us() - heard_us)


def host_uptime(router: Router, row: Row) -> str | None:
    presence = router.access.hotspot.presences.of_row(row)
    return None if presence is None else whole_s(router.now_us() - presence.since_us)


def authorized(router: Router, row: Row) -> str | None:
    presence = router.access.hotspot.presences.of_row(row)
    return "true" if presence is not None and presence.logged_in else "false"


def bypassed(router: Router, row: Row) -> str | None:
    return _binding(router, row, "bypassed")


def blocked(router: Router, row: Row) -> str | None:
    return _binding(router, row, "blocked")


def _binding(router: Router, row: Row, kind: str) -> str:
    presence = router.access.hotspot.presences.of_row(row)
    return "true" if presence is not None and router.access.hotspot.presences.binding(presence) == kind else "false"


def binding_is(kind: str) -> Shown:
    """The flag that goes with a binding's type."""
    return lambda _router, row: "true" if row.get("type") == kind else "false"


def cookie_left(router: Router, row: Row) -> str | None:
    until_us = router.access.hotspot.cookies.until_us(row)
    return None if until_us is None else whole_s(until_us - router.now_us())
