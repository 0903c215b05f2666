"""What money buys and when: too little, too much, hours late, out of order, and around midnight and month's end."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.cloud.rig import PERIOD, PRICE, START, Town

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
EVE = datetime(2026, 1, 31, 20, 59, tzinfo=UTC)
"""31 January 23:59 in Nairobi."""
NIGHT = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
"""1 February 02:59 in Nairobi: the batch that runs just before the server's own midnight."""


async def test_too_little_stays_credit_says_what_is_missing_and_buys_with_the_last_shilling(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    for receipt, amount, missing in (("PART00000A", "1000.00", 50_000), ("PART00000B", "499.00", 100)):
        await isp.hear(isp.body(receipt, amina.account_number, amount))
        await town.post()
        assert await isp.service(amina) == ("walled", None, missing)
    lines = await isp.get(f"/v1/subscribers/{amina.id}/timeline")
    assert [one["data"]["missing_cents"] for one in lines if one["kind"] == "payment_posted"] == [50_000, 100]
    town.clock.move(HOUR)
    await isp.hear(isp.body("PART00000C", amina.account_number, "1"))
    await town.post()
    assert await isp.service(amina) == ("current", START + HOUR + PERIOD, 0)
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "revenue": -PRICE}


async def test_too_much_buys_one_period_and_the_rest_buys_the_next_by_itself(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    await isp.hear(isp.body("LOTS00000A", amina.account_number, "3750.50"))
    await town.post()
    assert await isp.service(amina) == ("current", START + PERIOD, 0)
    assert await isp.balance(amina) == 225_050
    await town.pass_time(START + PERIOD - SECOND)
    assert await isp.balance(amina) == 225_050
    await town.pass_time(START + PERIOD)
    assert await isp.service(amina) == ("current", START + 2 * PERIOD, 0)
    assert await isp.balance(amina) == 75_050
    await town.pass_time(START + 2 * PERIOD)
    assert await isp.service(amina) == ("walled", START + 2 * PERIOD, 74_950)
    assert await isp.accounts() == {"mpesa_clearing": 375_050, "revenue": -2 * PRICE, "subscriber": -75_050}


async def test_credit_that_waited_through_an_outage_of_the_ticks_buys_from_when_it_is_noticed(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    await isp.hear(isp.body("LOTS00000A", amina.account_number, "3000"))
    await town.post()
    await town.pass_time(START + PERIOD + 5 * HOUR)
    assert await isp.service(amina) == ("current", START + 2 * PERIOD + 5 * HOUR, 0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_fifteen_of_forty_callbacks_come_hours_late_and_out_of_order(town: Town, seed: int) -> None:
    chance, isp = random.Random(seed), await town.isp()
    ends = [START + timedelta(hours=n - 12) for n in range(40)]
    people = await isp.join_all([f"s{n}" for n in range(40)], valid_until=ends)
    bodies = [isp.body(f"LATE{n:05d}A", one.account_number, paid_at=START) for n, one in enumerate(people)]
    late = chance.sample(range(40), 15)
    await isp.hear(*(body for n, body in enumerate(bodies) if n not in late))
    await town.post()
    expected = {n: max(START, end) + PERIOD for n, end in enumerate(ends) if n not in late}
    for n in late:
        await town.pass_time(town.clock.now() + timedelta(minutes=chance.randrange(10, 60)))
        await isp.hear(bodies[n], *([bodies[chance.randrange(40)]] if chance.random() < 0.3 else []))
        await town.post()
        # A double may have been one that was still to come: then it is that one's first.
        for at in {int(one["receipt"][4:9]) for one in await isp.payments()} - set(expected):
            expected[at] = max(town.clock.now(), ends[at]) + PERIOD
    assert len(await isp.payments()) == 40
    assert (await isp.states()).count("posted") == 40
    for n, person in enumerate(people):
        _, until, missing = await isp.service(person)
        assert (until, missing) == (expected[n], 0)
    assert {one["paid_at"] for one in await isp.payments()} == {"2026-01-01T09:00:00Z"}
    assert await isp.accounts() == {"mpesa_clearing": 40 * PRICE, "revenue": -40 * PRICE}


async def test_two_payments_of_one_subscriber_that_overtake_each_other_buy_two_periods(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina", valid_until=START + HOUR)
    first = isp.body("FIRST0000A", amina.account_number, paid_at=START - 3 * HOUR)
    second = isp.body("SECOND000A", amina.account_number, paid_at=START)
    await isp.hear(second)
    await town.post()
    await town.pass_time(START + 6 * HOUR)
    await isp.hear(first, second)
    await town.post()
    assert await isp.service(amina) == ("current", START + HOUR + 2 * PERIOD, 0)
    assert await isp.states() == ["posted", "posted", "duplicate"]


async def test_a_renewal_a_minute_before_the_months_end_in_nairobi_adds_whole_seconds(town: Town) -> None:
    isp = await town.isp()
    ends = [EVE + timedelta(minutes=1), EVE, EVE - SECOND]
    before, at, after = await isp.join_all(["before", "at", "after"], valid_until=ends)
    await town.pass_time(EVE)
    await isp.hear(*(isp.body(f"EVE00000{n}A", one.account_number) for n, one in enumerate((before, at, after))))
    await town.post()
    assert {one["paid_at"] for one in await isp.payments()} == {"2026-01-31T20:59:00Z"}
    march = datetime(2026, 3, 2, 20, 59, tzinfo=UTC)
    assert await isp.service(before) == ("current", march + timedelta(minutes=1), 0)
    assert await isp.service(at) == ("current", march, 0)
    assert await isp.service(after) == ("current", march, 0)


async def test_the_batch_before_the_servers_midnight_cuts_and_renews_to_the_second(town: Town) -> None:
    isp = await town.isp()
    ends = [NIGHT + SECOND, NIGHT, NIGHT - PERIOD]
    people = await isp.join_all(["later", "poor", "rich"], valid_until=ends)
    later, poor, rich = people
    await town.pass_time(NIGHT - PERIOD)
    await isp.hear(isp.body("CREDIT000A", rich.account_number, "3000"))
    await town.post()
    await town.pass_time(NIGHT - SECOND)
    assert [(await isp.service(one))[0] for one in people] == ["current"] * 3
    await town.pass_time(NIGHT)
    assert await isp.service(later) == ("current", NIGHT + SECOND, 0)
    assert await isp.service(poor) == ("walled", NIGHT, PRICE)
    assert await isp.service(rich) == ("current", NIGHT + PERIOD, 0)
    await isp.hear(isp.body("NIGHT0000A", poor.account_number))
    await town.post()
    assert await isp.service(poor) == ("current", NIGHT + PERIOD, 0)
    [paid] = [one for one in await isp.payments() if one["receipt"] == "NIGHT0000A"]
    assert paid["paid_at"] == "2026-01-31T23:59:00Z"
