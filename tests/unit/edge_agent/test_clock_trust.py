"""How well the time is known, and that a wrong clock cuts nobody."""

from edge_agent.domain.clock_trust import (
    DAY_US,
    NTP_STEP_MAX_US,
    TRUSTED_FOR_US,
    aged,
    at_boot,
    heard_signed,
    lost_ntp,
    offered_ntp,
    resumed,
    welcomed,
)

FLOOR = 1_800_000_000_000_000
SECOND = 1_000_000


def test_after_a_reboot_time_stands_still_at_the_floor_for_judging() -> None:
    trust = at_boot(FLOOR, boot_us=5 * SECOND)
    assert trust.quality == "floor"
    assert trust.judged_us(500 * SECOND) == FLOOR
    assert trust.now_us(500 * SECOND) == FLOOR + 495 * SECOND


def test_a_welcome_makes_it_trusted_at_the_middle_of_the_round_trip() -> None:
    trust = welcomed(
        at_boot(FLOOR, 0),
        cloud_us=FLOOR + DAY_US,
        asked_boot_us=10 * SECOND,
        heard_boot_us=12 * SECOND,
        bound_us=30 * SECOND,
    )
    assert trust.quality == "trusted"
    assert trust.now_us(12 * SECOND) == FLOOR + DAY_US + SECOND


def test_the_clouds_own_work_is_not_taken_for_transit() -> None:
    trust = welcomed(
        at_boot(FLOOR, 0),
        cloud_us=FLOOR + DAY_US,
        asked_boot_us=10 * SECOND,
        heard_boot_us=12 * SECOND,
        bound_us=30 * SECOND,
        handled_us=2 * SECOND,
    )
    assert trust.now_us(12 * SECOND) == FLOOR + DAY_US
    assert trust.judged_us(12 * SECOND) == FLOOR + DAY_US


def test_rights_are_judged_at_the_earliest_that_the_time_can_be_so_that_nobody_is_cut_too_soon() -> None:
    """The cloud signed some time within the round trip; it may have been at its very end."""
    trust = welcomed(
        at_boot(FLOOR, 0),
        cloud_us=FLOOR + DAY_US,
        asked_boot_us=10 * SECOND,
        heard_boot_us=12 * SECOND,
        bound_us=30 * SECOND,
    )
    assert trust.judged_us(13 * SECOND) == FLOOR + DAY_US + SECOND
    assert trust.judged_us(13 * SECOND) <= trust.now_us(13 * SECOND)


def test_a_welcome_that_took_too_long_says_nothing() -> None:
    before = at_boot(FLOOR, 0)
    after = welcomed(before, cloud_us=FLOOR * 2, asked_boot_us=0, heard_boot_us=31 * SECOND, bound_us=30 * SECOND)
    assert after == before


def test_time_never_runs_below_the_floor() -> None:
    trust = welcomed(
        at_boot(FLOOR, 0), cloud_us=FLOOR - DAY_US, asked_boot_us=0, heard_boot_us=SECOND, bound_us=30 * SECOND
    )
    assert trust.now_us(SECOND) >= FLOOR
    assert heard_signed(trust, FLOOR - 5).floor_us == FLOOR
    assert heard_signed(trust, FLOOR + 5).floor_us == FLOOR + 5


def test_a_restart_in_the_same_boot_goes_on_from_the_anchor() -> None:
    trust = resumed(FLOOR, anchor_us=FLOOR + SECOND, anchor_boot_us=100 * SECOND, boot_us=160 * SECOND)
    assert trust.quality == "trusted"
    assert trust.now_us(160 * SECOND) == FLOOR + 61 * SECOND


def test_a_boot_clock_that_went_back_means_another_boot() -> None:
    assert resumed(FLOOR, FLOOR, anchor_boot_us=100 * SECOND, boot_us=99 * SECOND).quality == "floor"


def test_a_signed_time_ages_to_holdover_and_runs_on() -> None:
    trust = welcomed(at_boot(FLOOR, 0), cloud_us=FLOOR, asked_boot_us=0, heard_boot_us=0, bound_us=SECOND)
    old = aged(trust, TRUSTED_FOR_US + 1)
    assert old.quality == "holdover"
    assert old.judged_us(TRUSTED_FOR_US + SECOND) == FLOOR + TRUSTED_FOR_US + SECOND


def test_ntp_is_believed_at_boot_only_within_a_day_of_the_floor() -> None:
    trust = at_boot(FLOOR, 0)
    assert offered_ntp(trust, wall_us=FLOOR + DAY_US // 2, boot_us=0).quality == "ntp"
    assert offered_ntp(trust, wall_us=FLOOR + DAY_US + 1, boot_us=0) == trust
    assert offered_ntp(trust, wall_us=FLOOR - 1, boot_us=0) == trust
    assert offered_ntp(trust, wall_us=1_000_000, boot_us=0) == trust


def test_a_jump_of_an_unauthenticated_clock_is_not_believed_while_the_boot_clock_runs() -> None:
    trust = offered_ntp(at_boot(FLOOR, 0), wall_us=FLOOR + SECOND, boot_us=0)
    for jump in (365 * DAY_US, NTP_STEP_MAX_US + SECOND * 2, -NTP_STEP_MAX_US - SECOND):
        wall = max(FLOOR, FLOOR + SECOND + jump)
        after = offered_ntp(trust, wall_us=wall, boot_us=0)
        assert abs(after.now_us(0) - trust.now_us(0)) <= NTP_STEP_MAX_US
    assert lost_ntp(trust).quality == "holdover"


def test_ntp_never_replaces_a_trusted_time() -> None:
    trust = welcomed(at_boot(FLOOR, 0), cloud_us=FLOOR, asked_boot_us=0, heard_boot_us=0, bound_us=SECOND)
    assert offered_ntp(trust, wall_us=FLOOR + 30 * SECOND, boot_us=0) == trust
