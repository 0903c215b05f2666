"""Steps 1 and 2: a walled subscriber pays and is back; the same confirmation again changes nothing."""

import asyncio

from lab.cloud_door import Row
from lab.errors import hold
from lab.people import Person
from lab.safaricom.manner import Manner
from lab.safaricom.record import PhonePayment
from lab.story.stage import Figures, Stage, milliseconds
from lab.timeline import first_of, hops, list_timeline
from lab.waiting import until

TIMELINE_LIMIT_S = 10.0


async def one_payment_reconnects(stage: Stage) -> Figures:
    """An expired subscriber reaches only the pay page; he pays; the router is read back."""
    (person,) = stage.take_walled()
    await stage.hold_walled(person)
    payment = await stage.pay(person)
    connected_us = await stage.see_connected(person)
    sent_us = payment.first_sent_at_us
    timeline = await see_online_in_timeline(stage, person, sent_us)
    figures: Figures = {"packets pass": milliseconds(sent_us, connected_us)}
    for hop in hops(timeline, sent_us):
        figures[hop.name] = milliseconds(sent_us, hop.at_us)
    subscription = await stage.get_subscription(person)
    hold(subscription["state"] == "current", f"after paying, the state is {subscription['state']!r}, not current")
    stage.left_over["payer"] = person
    stage.left_over[payment.receipt] = person
    return figures


async def see_online_in_timeline(stage: Stage, person: Person, since_us: int) -> list[Row]:
    """Wait until the timeline tells the payment's whole way."""
    return await until(
        "the timeline to tell the whole way, down to online",
        lambda: list_timeline(stage.house.cloud, person.subscriber_id),
        lambda items: all(first_of(items, kind, since_us) for kind in ("payment_posted", "applied", "online")),
        limit_s=TIMELINE_LIMIT_S,
    )


async def the_same_twice_at_once(stage: Stage) -> Figures:
    """The confirmation of step 1 comes again, twice at once: one receipt is one payment."""
    person, house = stage.left_over["payer"], stage.house
    payment = next(each for each in house.rail.record.list_paid() if stage.left_over.get(each.receipt) is person)
    before = await _what_could_change(stage, person)
    written = await house.router.last_write()
    start_us = house.clock.now_us()
    house.rail.repeat(payment, times=2, manner=Manner(at_once=True))
    await house.rail.settle(10)
    _hold_answered(payment)
    answered_us = house.clock.now_us()
    await stage.see_inbox_empty()
    await asyncio.sleep(0.3)  # had something changed, the agent would have been told by now: it takes some 20 ms
    after = await _what_could_change(stage, person)
    hold(after == before, f"a repeated confirmation changed something: {before} became {after}")
    hold(await house.router.last_write() == written, "a repeated confirmation made the agent write to the router")
    return {"both answered": milliseconds(start_us, answered_us)}


def _hold_answered(payment: PhonePayment) -> None:
    last = payment.deliveries[-2:]
    hold(all(each.accepted for each in last), f"a repeated confirmation was answered {[each.outcome for each in last]}")


async def _what_could_change(stage: Stage, person: Person) -> dict[str, object]:
    subscription, books = await stage.get_subscription(person), await stage.house.cloud.get("/v1/books")
    payments = await stage.list_payments()
    return {
        "valid_until": subscription["valid_until"],
        "generation": subscription["desired_generation"],
        "payments": len(payments),
        "payments_cents": books["payments_cents"],
        "journals": books["journals"],
    }
