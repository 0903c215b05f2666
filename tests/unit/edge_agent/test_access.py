"""What a right allows at an instant."""

import pytest

from edge_agent.domain.access import access_at
from edge_agent.domain.right import Right

HOUR = 3_600_000_000


def right(**changes: object) -> Right:
    values: dict[str, object] = {
        "id": "s1", "kind": "pppoe", "username": "u", "address": "100.64.0.2", "prefix": None, "service_on": True,
        "up_bps": 1_000_000, "down_bps": 2_000_000, "valid_until": 10 * HOUR, "outage_grace_us": 0, "revision": 1,
        "sealed": "x", "row_hash": 1, **changes,
    }  # fmt: skip
    return Right(**values)  # type: ignore[arg-type]  # the table above has the right types


@pytest.mark.parametrize(
    ("changes", "instant", "unheard_since", "level", "reason", "next_change_at"),
    [
        ({}, 10 * HOUR - 1, None, "full", "paid", 10 * HOUR),
        ({}, 10 * HOUR, None, "walled", "expired", None),
        ({"valid_until": None}, 10**18, None, "full", "never-cut", None),
        ({"service_on": False}, 0, None, "off", "suspended", None),
        ({"service_on": False, "valid_until": None}, 0, None, "off", "suspended", None),
        # The grace holds only for who ran out while the cloud was silent.
        ({"outage_grace_us": HOUR}, 10 * HOUR, None, "walled", "expired", None),
        ({"outage_grace_us": HOUR}, 10 * HOUR, 9 * HOUR, "full", "outage-grace", 11 * HOUR),
        ({"outage_grace_us": HOUR}, 10 * HOUR, 10 * HOUR, "full", "outage-grace", 11 * HOUR),
        ({"outage_grace_us": HOUR}, 11 * HOUR, 9 * HOUR, "walled", "expired", None),
        ({"outage_grace_us": HOUR}, 10 * HOUR + 1, 10 * HOUR + 1, "walled", "expired", None),
        ({}, 10 * HOUR, 9 * HOUR, "walled", "expired", None),
    ],
)
def test_access_is_judged_by_instant_and_hearing(
    changes: dict[str, object],
    instant: int,
    unheard_since: int | None,
    level: str,
    reason: str,
    next_change_at: int | None,
) -> None:
    access = access_at(right(**changes), instant, unheard_since)
    assert (access.level, access.reason, access.next_change_at) == (level, reason, next_change_at)
