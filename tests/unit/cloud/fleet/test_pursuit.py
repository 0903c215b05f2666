"""What is sent next to a site, and when again."""

from cloud.fleet.pursuit import RESEND_MAX_S, SNAPSHOT_PATIENCE_S, Pursuit, Send
from protocol.limits import DELTA_ROWS_MAX
from protocol.messages import Held


def held(generation: int, epoch: int = 1, digest: str = "a" * 64) -> Held:
    return Held(epoch=epoch, generation=generation, digest=digest)


def at(generation: int) -> Pursuit:
    """An agent that holds and has applied this generation."""
    pursuit = Pursuit((0, 0), (0, 0))
    pursuit.greeted(held(generation), generation, doubted=False)
    return pursuit


def test_nothing_is_sent_to_a_site_that_matches() -> None:
    assert at(5).decide(held(5), 0, 0.0) is Send.NOTHING


def test_a_growing_generation_goes_out_without_waiting_for_reports() -> None:
    pursuit = at(5)
    for generation in (6, 7, 8):
        assert pursuit.base(0.0) == generation - 1
        assert pursuit.decide(held(generation), 1, 0.0) is Send.DELTA
        pursuit.delta_sent(0.0)
    assert pursuit.decide(held(8), 0, 0.5) is Send.NOTHING


def test_silence_is_answered_from_what_was_reported_with_growing_pauses() -> None:
    pursuit = at(5)
    pursuit.decide(held(6), 1, 0.0)
    pursuit.delta_sent(0.0)
    now_s, pauses = 0.0, []
    for _ in range(8):
        assert pursuit.resend_at_s is not None
        pauses.append(pursuit.resend_at_s - now_s)
        now_s = pursuit.resend_at_s
        assert pursuit.base(now_s) == 5
        assert pursuit.decide(held(6), 1, now_s) is Send.DELTA
        pursuit.delta_sent(now_s)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == RESEND_MAX_S


def test_another_epoch_too_many_rows_and_doubt_ask_for_a_snapshot() -> None:
    assert at(5).decide(held(6, epoch=2), 1, 0.0) is Send.SNAPSHOT
    assert at(5).decide(held(6), DELTA_ROWS_MAX + 1, 0.0) is Send.SNAPSHOT
    assert at(5).decide(held(5, digest="b" * 64), 0, 0.0) is Send.SNAPSHOT
    assert at(9).decide(held(5), 0, 0.0) is Send.SNAPSHOT


def test_one_snapshot_is_on_its_way_at_a_time_and_a_lost_one_is_sent_again_later() -> None:
    pursuit = at(0)
    assert pursuit.decide(held(6, epoch=2), 1, 0.0) is Send.SNAPSHOT
    pursuit.snapshot_sent(held(6, epoch=2), 0.0)
    assert pursuit.decide(held(7, epoch=2), 1, 1.0) is Send.NOTHING
    late = SNAPSHOT_PATIENCE_S + 0.1
    pursuit.base(late)
    assert pursuit.decide(held(7, epoch=2), 1, late) is Send.SNAPSHOT
    pursuit.snapshot_sent(held(7, epoch=2), late)
    assert pursuit.snapshot_until_s == late + 2 * SNAPSHOT_PATIENCE_S


def test_after_a_snapshot_has_arrived_deltas_go_on_from_it() -> None:
    pursuit = at(0)
    pursuit.decide(held(6, epoch=2), 1, 0.0)
    pursuit.snapshot_sent(held(6, epoch=2), 0.0)
    pursuit.reported(2, 6, 6, "a" * 64)
    assert pursuit.base(1.0) == 6
    assert pursuit.decide(held(7, epoch=2), 1, 1.0) is Send.DELTA


def test_a_report_of_the_goal_settles() -> None:
    pursuit = at(5)
    pursuit.decide(held(6), 1, 0.0)
    pursuit.delta_sent(0.0)
    pursuit.reported(1, 6, 5, "a" * 64)
    assert not pursuit.settled
    pursuit.reported(1, 6, 6, "a" * 64)
    assert pursuit.settled
    assert pursuit.resend_at_s is None


def test_a_wrong_digest_is_not_settled() -> None:
    pursuit = at(5)
    pursuit.decide(held(5), 0, 0.0)
    pursuit.reported(1, 5, 5, "c" * 64)
    assert pursuit.decide(held(5), 0, 0.0) is Send.SNAPSHOT
