"""Things that happen at the same instant, and a database that goes in the middle of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from cloud.db.failures import DatabaseError, is_conflict, is_outage
from cloud.jobs.poster import Poster
from tests.scenarios.cloud.rig import PERIOD, PRICE, START, Town

CUT_AT = [
    ("insert", "payment"),
    ("insert", "journal"),
    ("insert", "entry"),
    ("insert", "sale"),
    ("insert", "allocation"),
    ("update", "subscription"),
    ("update", "subscriber"),
    ("insert", "suspense"),
    ("insert", "timeline"),
    ("update", "desired_row"),
    ("update", "site"),
    ("update", "callback"),
]
"""Every table that a batch writes."""


async def _step(poster: Poster) -> None:
    """Take one step as the loop does: whoever lost to another transaction tries again at once."""
    for _ in range(20):
        try:
            await poster.step()
        except DatabaseError as error:
            if not is_conflict(error):
                raise
        await asyncio.sleep(0)


async def test_callbacks_that_come_twice_at_once_to_two_posters_are_booked_once_each(town: Town) -> None:
    isp = await town.isp()
    people = await isp.join_all([f"s{n}" for n in range(10)], valid_until=[None] * 10)
    bodies = [isp.body(f"TWICE{n:04d}A", people[n % 10].account_number) for n in range(30)]
    posters = [town.poster(), town.poster()]
    said = [isp.hear(body) for body in bodies for _ in range(2)]
    await asyncio.gather(*said, *(_step(poster) for poster in posters))
    await town.post()
    states = await isp.states()
    assert (states.count("posted"), states.count("duplicate")) == (30, 30)
    assert [await isp.service(one) for one in people] == [("current", START + 3 * PERIOD, 0)] * 10
    assert await isp.accounts() == {"mpesa_clearing": 30 * PRICE, "revenue": -30 * PRICE}


async def test_staff_assigns_a_payment_while_its_subscriber_pays_again(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    for round_ in range(1, 6):
        await isp.hear(isp.body(f"WRONG{round_:04d}A", "999999", MSISDN=""))
        await town.post()
        [waiting] = await isp.get("/v1/suspense")
        await isp.hear(isp.body(f"RIGHT{round_:04d}A", amina.account_number, MSISDN=""))
        works = [isp.assign(waiting["payment_id"], amina) for _ in range(2)]
        first, second, _ = await asyncio.gather(*works, _step(town.poster()))
        assert (first, second) == (200, 200)
        await town.post()
        assert await isp.get("/v1/suspense") == []
        assert await isp.service(amina) == ("current", START + 2 * round_ * PERIOD, 0)
        await town.assert_honest_books()


async def test_staff_assigns_the_second_half_of_a_price_while_the_first_half_is_paid(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    await isp.hear(isp.body("HALF00000A", "999999", "750", MSISDN=""))
    await town.post()
    [waiting] = await isp.get("/v1/suspense")
    await isp.hear(isp.body("HALF00000B", amina.account_number, "750", MSISDN=""))
    await asyncio.gather(isp.assign(waiting["payment_id"], amina), _step(town.poster()))
    await town.post()
    assert await isp.service(amina) == ("current", START + PERIOD, 0)
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "revenue": -PRICE}


async def test_one_payment_assigned_to_two_subscribers_at_once_is_one_subscribers(town: Town) -> None:
    isp = await town.isp()
    people = await isp.join_all(["amina", "baraka"], valid_until=[None] * 2)
    await isp.hear(isp.body("TKL4X9Q2ZA", "999999"))
    await town.post()
    [waiting] = await isp.get("/v1/suspense")
    answers = await asyncio.gather(*(isp.assign(waiting["payment_id"], one) for one in people))
    assert sorted(answers) == [200, 409]
    lucky = people[answers.index(200)]
    assert await isp.service(lucky) == ("current", START + PERIOD, 0)
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "revenue": -PRICE}


@contextmanager
def _cut(database_url: str, event: str, table: str) -> Iterator[None]:
    """Make the server end the connection that does this to a table, in the middle of its transaction."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "create or replace function cut() returns trigger language plpgsql security definer as"
            " $$ begin perform pg_terminate_backend(pg_backend_pid()), pg_sleep(1); return null; end $$"
        )
        owner.execute(f"create trigger cut after {event} on {table} execute function cut()")
        try:
            yield
        finally:
            owner.execute(f"drop trigger cut on {table}")


async def test_a_database_that_goes_anywhere_in_a_batch_leaves_nothing_half_booked(town: Town) -> None:
    isp = await town.isp()
    people = await isp.join_all([f"s{n}" for n in range(8)], valid_until=[None] * 8)
    poster = town.poster()
    for round_, (event, table) in enumerate(CUT_AT):
        before = await isp.accounts(), [await isp.service(one) for one in people]
        bodies = [isp.body(f"CUT{round_:02d}{n:03d}AA", one.account_number) for n, one in enumerate(people)]
        await isp.hear(*bodies, isp.body(f"CUT{round_:02d}NOBODY", "999999", MSISDN=""), b"nonsense")
        with _cut(town.database_url, event, table), pytest.raises(DatabaseError) as caught:
            await poster.step()
        assert is_outage(caught.value), (event, table)
        assert len(await isp.callbacks("new")) == 10
        assert (await isp.accounts(), [await isp.service(one) for one in people]) == before
        await town.assert_honest_books()
        await poster.step()
        assert await isp.callbacks("new") == []
        assert (await isp.service(people[0]))[1] == START + (round_ + 1) * PERIOD
    rounds = len(CUT_AT)
    assert await isp.accounts() == {
        "mpesa_clearing": 9 * rounds * PRICE,
        "revenue": -8 * rounds * PRICE,
        "suspense": -rounds * PRICE,
    }
