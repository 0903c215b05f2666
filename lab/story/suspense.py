"""Step 3: a mistyped account number is assigned by staff; one shilling short stays credit until the last one comes."""

from lab.cloud_door import Row
from lab.errors import hold
from lab.people import mistyped
from lab.safaricom.record import PhonePayment
from lab.story.stage import PRICE_CENTS, Figures, Stage, milliseconds
from lab.waiting import until

NEIGHBOURS_PHONE = "254799000126"  # nobody's registered phone: the payer cannot be found by it either


async def mistyped_and_short(stage: Stage) -> Figures:
    """Play both halves; they need each a subscriber of their own."""
    return await _mistyped_account(stage) | await _one_shilling_short(stage)


async def _mistyped_account(stage: Stage) -> Figures:
    (person,) = stage.take_walled()
    house = stage.house
    payment = await house.rail.pay(
        NEIGHBOURS_PHONE, "600638", mistyped(person.account_number), PRICE_CENTS, name=person.name
    )
    waiting = await _see_in_suspense(stage, payment)
    hold(waiting["amount_cents"] == PRICE_CENTS, f"suspense holds {waiting['amount_cents']} cents of {PRICE_CENTS}")
    await stage.hold_walled(person)
    start_us = house.clock.now_us()
    reason = "the payer showed the message on his phone"
    await house.cloud.post(
        f"/v1/suspense/{waiting['payment_id']}/assign", {"subscriber_id": person.subscriber_id, "reason": reason}
    )
    connected_us = await stage.see_connected(person)
    left = await house.cloud.list_all("/v1/suspense")
    hold(all(row["receipt"] != payment.receipt for row in left), "an assigned payment is still in suspense")
    return {"assigned, then packets pass": milliseconds(start_us, connected_us)}


async def _see_in_suspense(stage: Stage, payment: PhonePayment) -> Row:
    async def look() -> list[Row]:
        rows = await stage.house.cloud.list_all("/v1/suspense")
        return [row for row in rows if row["receipt"] == payment.receipt]

    (row,) = await until(f"payment {payment.receipt} in suspense", look, bool, limit_s=10)
    return row


async def _one_shilling_short(stage: Stage) -> Figures:
    (person,) = stage.take_walled()
    await stage.pay(person, PRICE_CENTS - 100)
    short = await until(
        "the credit that is KES 1 short",
        lambda: stage.get_subscription(person),
        lambda row: row["missing_cents"] == 100,
        limit_s=10,
    )
    hold(short["state"] == "walled", f"with KES 1 missing the state is {short['state']!r}, not walled")
    credit = (await stage.house.cloud.get(f"/v1/subscribers/{person.subscriber_id}"))["balance_cents"]
    hold(credit == PRICE_CENTS - 100, f"the credit is {credit} cents, not {PRICE_CENTS - 100}")
    await stage.hold_walled(person)
    last = await stage.pay(person, 100)
    connected_us = await stage.see_connected(person)
    return {"last shilling, then packets pass": milliseconds(last.first_sent_at_us, connected_us)}
