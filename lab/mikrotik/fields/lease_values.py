"""What a lease row tells of its clock when it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.fields.values import format_duration

if TYPE_CHECKING:
    from lab.mikrotik.router import Router
    from lab.mikrotik.store.table import Row


def expires_after(router: Router, row: Row) -> str | None:
    """What a bound or offered lease has left."""
    grant = router.access.leases.grant_of(row)
    return None if grant is None else _whole(max(0, grant.until_us - router.now_us()))


def last_seen(router: Router, row: Row) -> str | None:
    """Since when the client said nothing."""
    seen_us = router.access.leases.seen_us(row)
    return "never" if seen_us is None else _whole(router.now_us() - seen_us)


def _whole(microseconds: int) -> str:
    return format_duration(microseconds - microseconds % 1_000_000)
