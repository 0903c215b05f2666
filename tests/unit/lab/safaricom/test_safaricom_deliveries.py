"""The one sender of callbacks: its troubles on demand, by a clock we hold, each delivery written down."""

from typing import Any

import httpx
import pytest

from lab.safaricom.manner import Manner
from lab.safaricom.phones import Habit

PHONE = "254711222126"


async def test_lost_callbacks_are_in_the_truth_only(world: Any) -> None:
    world.register()
    world.rail.manner = Manner(lose=1.0)
    await world.pushed()
    await world.wait(10)
    assert world.receiver.got == []
    (payment,) = world.rail.record.list_paid()
    assert not payment.told


async def test_every_callback_of_a_push_is_copied_and_the_copies_may_leave_at_once(world: Any) -> None:
    together: list[int] = []

    async def slow(count: int) -> None:
        together.append(count)
        await world.clock.sleep(1)
        together.remove(count)

    most = 0

    def answer(_path: str, _body: dict[str, Any]) -> Any:
        nonlocal most
        most = max(most, len(together) + 1)
        return slow(len(together))

    world.receiver.answer = answer
    world.rail.manner = Manner(copies=4, at_once=True)
    await world.pushed()
    await world.wait(10)
    assert (len(world.receiver.stk), most) == (4, 4)
    (push,) = world.rail.pushes.list_all()
    assert sorted(each.copy for each in push.deliveries) == [1, 2, 3, 4]


async def test_a_delay_of_hours_passes_when_the_hands_move(world: Any) -> None:
    world.rail.manner = Manner(delay_s=(7_200, 7_201))
    await world.pushed()
    await world.wait(7_200)
    assert world.receiver.got == []
    await world.wait(10)
    assert len(world.receiver.stk) == 1


async def test_wide_delays_bring_callbacks_out_of_order(world: Any) -> None:
    world.register()
    world.rail.manner = Manner(delay_s=(0, 60))
    paid = [(await world.rail.pay(PHONE, "174379", "A1", cents)).receipt for cents in range(100, 2_100, 100)]
    await world.wait(61)
    arrived = [told["TransID"] for told in world.receiver.at("/c")]
    assert arrived != paid
    assert sorted(arrived) == sorted(paid)


async def test_an_outage_keeps_everything_back_and_its_backlog_comes_afterwards(world: Any) -> None:
    world.register()
    world.rail.callbacks.outage = True
    await world.pushed()
    await world.wait(3_600)
    await world.rail.pay(PHONE, "174379", "A1", 1_000)
    assert world.receiver.got == []
    assert world.rail.record.paid_cents == 151_000
    world.rail.callbacks.outage = False
    assert world.rail.release() == 3
    await world.wait(1)
    assert (len(world.receiver.stk), len(world.receiver.at("/c"))) == (1, 2)


@pytest.mark.parametrize("retries", [0, 1, 5])
async def test_a_refusal_is_tried_again_so_many_times_and_no_more(world: Any, retries: int) -> None:
    world.receiver.answer = lambda _path, _body: httpx.Response(500)
    world.rail.manner = Manner(retries=retries, retry_wait_s=30)
    await world.pushed()
    await world.wait(1_000)
    assert len(world.receiver.stk) == retries + 1


async def test_a_receiver_that_hangs_is_left_after_the_timeout(world: Any, never: Any) -> None:
    world.receiver.answer = never
    world.rail.manner = Manner(retries=1, retry_wait_s=10, timeout_s=8)
    await world.pushed()
    await world.wait(40)
    (push,) = world.rail.pushes.list_all()
    assert [each.outcome for each in push.deliveries] == ["TimeoutError", "TimeoutError"]
    first, second = push.deliveries
    assert first.answered_at_us is not None
    assert first.answered_at_us - first.sent_at_us == 8_000_000
    assert second.sent_at_us - first.answered_at_us == 10_000_000


async def test_an_early_callback_to_a_receiver_that_hangs_holds_the_answer_for_a_while_only(
    world: Any, never: Any
) -> None:
    world.receiver.answer = never
    world.rail.manner = Manner(early=True, timeout_s=100)
    await world.bearer()
    asked = world.rail.callbacks.begin(_push(world))
    await world.wait(29)
    assert not asked.done()
    await world.wait(2)
    assert asked.done()


async def _push(world: Any) -> None:
    assert (await world.push()).status_code == 200


async def test_what_was_sent_is_written_down_with_its_body(world: Any) -> None:
    world.rail.phones.get(PHONE).habit = Habit("cancel", 1)
    checkout = await world.pushed()
    await world.wait(2)
    ((message, delivery),) = world.rail.callbacks.recorded
    assert (message.kind, message.about, delivery.outcome) == ("stk", checkout, "200")
    assert message.body["Body"]["stkCallback"] == world.receiver.stk[0]


async def test_repeats_are_counted_on_from_the_copies_before(world: Any) -> None:
    world.register()
    payment = await world.rail.pay(PHONE, "174379", "A1", 1_000)
    await world.wait(1)
    world.rail.repeat(payment, times=2)
    await world.wait(1)
    assert [each.copy for each in payment.deliveries] == [1, 2, 3]


def test_a_manner_is_changed_by_words_and_says_what_makes_no_sense() -> None:
    manner = Manner().changed({"copies": 3, "delay_s": [1, 2.5], "pending": "4999", "queries_per_minute": None})
    assert (manner.copies, manner.delay_s, manner.pending, manner.queries_per_minute) == (3, (1, 2.5), "4999", None)
    for wrong, words in [
        ({"copys": 3}, "no switch 'copys'"),
        ({"copies": "3"}, "copies is a whole number"),
        ({"copies": True}, "copies is a whole number"),
        ({"early": 1}, "early is true or false"),
        ({"pending": "501"}, "pending is one of 500, 4999"),
        ({"delay_s": 3}, "delay_s is two numbers"),
        ({"lose": "much"}, "lose is a number"),
        ({"copies": 99}, "copies 1 to 16"),
    ]:
        with pytest.raises(ValueError, match=words):
            Manner().changed(wrong)


async def test_callbacks_beyond_the_limit_are_lost_but_the_money_and_the_end_of_the_push_are_not(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.safaricom.callbacks.HELD_MAX", 0)
    world.register()
    world.rail.manner = Manner(hold=True)
    checkout = await world.pushed()
    await world.wait(6)
    push = world.rail.pushes.get(checkout)
    assert (push.code, push.is_paid, world.rail.record.paid_cents) == ("0", True, 150_000)
    monkeypatch.setattr("lab.safaricom.callbacks.UNDER_WAY_MAX", 0)
    busy = await world.push(Amount=10)
    assert (busy.status_code, busy.json()["errorCode"]) == (503, "500.003.02")
    assert not world.rail.phones.get(PHONE).busy
