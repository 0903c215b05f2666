"""The poster on a real database: from a raw body to the books, the entitlement and the site's generation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import text

from cloud.clock import micros
from cloud.db.bulk import run_all
from cloud.db.engine import Database
from cloud.db.failures import DatabaseError, is_outage
from cloud.db.notify import DESIRED, INBOX, listen
from cloud.domain.account_number import make
from cloud.domain.phone import hash_of
from cloud.ids import new_id, random_below
from cloud.jobs.poster import Poster
from cloud.jobs.ticks import DueTick
from cloud.ports import Confirmation, Refused
from cloud.services.post_callbacks import post_callbacks
from cloud.services.suspense import assign, list_suspense
from protocol.digest import digest_of
from protocol.entitlement import parse_row
from protocol.sealing import context, unseal
from tests.support.clocks import SetClock
from tests.support.world import DAY, NOW, PRICE, JsonRail, World, body, make_world

MONTH = timedelta(days=30)
T = TypeVar("T")


def poster_of(world: World, rail: Any = None, clock: SetClock | None = None, **other: Any) -> Poster:
    return Poster(
        world.database,
        rails={"mpesa": rail or JsonRail()},
        secrets=world.act.secrets,
        clock=clock or SetClock(NOW),
        new_id=new_id,
        random_below=random_below,
        **other,
    )


async def post_all(world: World, **other: Any) -> None:
    poster = poster_of(world, **other)
    while await world.scalar("select count(*) from callback where state = 'new'"):
        await poster.step()


@pytest.fixture
async def world(database: Database) -> World:
    return await make_world(database)


async def assert_books(world: World) -> None:
    """Every journal sums to zero, every shilling is in one place, and balances are what the entries say."""
    books = await world.books()
    assert (books.unbalanced_journals, books.sum_cents) == (0, 0)
    held = books.accounts.get("mpesa_clearing", 0) + books.accounts.get("cash_drawer", 0)
    assert held == books.payments_cents
    assert (
        await world.scalar(
            "select count(*) from subscriber s where balance_cents <> "
            "(select coalesce(-sum(amount_cents), 0) from entry e where e.subscriber_id = s.id) or balance_cents <> "
            "(select coalesce(sum(unallocated_cents), 0) from payment p where p.subscriber_id = s.id)"
        )
        == 0
    )
    assert (
        await world.scalar(
            "select count(*) from payment p where amount_cents <> unallocated_cents + "
            "(select coalesce(sum(amount_cents), 0) from allocation a where a.payment_id = p.id)"
        )
        == 0
    )


async def test_a_payment_becomes_paid_time_and_the_sites_next_generation(world: World, database_url: str) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    assert (made.verdict.state, made.missing_cents, made.desired_generation) == ("walled", PRICE, 1)
    await world.receive(body("TKL4X9Q2ZA", PRICE, f" {person.account_number[:3]}-{person.account_number[3:]} "))
    told: list[str] = []
    async with hearing(database_url, told):
        await post_all(world)
    seen = await world.see(made.id)
    assert (seen.verdict.state, seen.valid_until, seen.missing_cents) == ("current", NOW + MONTH, 0)
    assert seen.desired_generation == 2
    assert told == [f"{world.tenant_id}/{world.site.id}"]
    assert await world.callbacks() == [("posted", None)]
    books = await world.books()
    assert books.accounts == {"mpesa_clearing": PRICE, "revenue": -PRICE, "subscriber": 0}
    await assert_books(world)


async def test_the_row_for_the_site_opens_only_for_its_agent_and_matches_the_digest(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    await world.receive(body("R1", PRICE, person.account_number))
    await post_all(world)
    row = await world.scalar("select row from desired_row")
    entitlement = parse_row(row)
    assert (entitlement.id, entitlement.username, entitlement.service) == (str(made.id), "wanjiru", "on")
    assert entitlement.valid_until == micros(NOW + MONTH)
    assert str(entitlement.address) == "100.64.0.2"
    agent = await world.scalar("select name from agent")
    bound_to = context(agent, str(made.id))
    assert unseal(entitlement.credential.sealed, private=world.sealing_private, bound_to=bound_to) == "secret"
    assert await world.scalar("select digest from site") == digest_of([row])


async def test_what_happened_is_told_in_its_order(world: World) -> None:
    person = await world.subscriber()
    await world.subscription(person.id)
    await world.receive(body("R1", PRICE, person.account_number))
    await post_all(world, clock=SetClock(NOW + timedelta(milliseconds=4)))
    async with world.database.worker() as connection:
        lines = (await connection.execute(text("select kind, data from timeline order by at, id"))).all()
    kinds = [kind for kind, _ in lines]
    assert set(kinds[:3]) == {"subscribed", "payment_received", "desired"}
    assert kinds[-2:] == ["payment_posted", "desired"]
    posted, desired = lines[-2].data, lines[-1].data
    assert (posted["matched_by"], posted["missing_cents"]) == ("account_number", 0)
    assert (desired["generation"], desired["at_us"]) == (2, micros(NOW) + 4000)


async def test_the_same_confirmation_twice_at_once_is_booked_once(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    for round_ in range(5):
        await world.receive(*[body(f"R{round_}", PRICE, person.account_number)] * 2)
        posters = [poster_of(world), poster_of(world)]
        async with world.database.worker() as first, world.database.worker() as second:
            await _post_at_once(world, first, second)
        await asyncio.gather(*(one.step() for one in posters), return_exceptions=True)
        await post_all(world)
    assert await world.scalar("select count(*) from payment") == 5
    assert (await world.see(made.id)).valid_until == NOW + 5 * MONTH
    states = [state for state, _ in await world.callbacks()]
    assert (states.count("posted"), states.count("duplicate")) == (5, 5)
    await assert_books(world)


async def _post_at_once(world: World, *connections: Any) -> None:
    """Claim one callback on each connection and post both at the same time; whoever loses rolls back."""

    async def post(connection: Any) -> None:
        try:
            await post_callbacks(connection, world.act, {"mpesa": JsonRail()}, limit=1)
            await connection.commit()
        except Exception:  # noqa: BLE001 - the loser of the race may fail in several ways
            await connection.rollback()

    await asyncio.gather(*(post(connection) for connection in connections))


async def test_a_suspended_receipt_twice_at_once_is_booked_once(world: World) -> None:
    await world.receive(*[body("R1", PRICE, "nobody")] * 2)
    async with world.database.worker() as first, world.database.worker() as second:
        await _post_at_once(world, first, second)
    await post_all(world)
    assert sorted(await world.callbacks()) == [("duplicate", "this receipt was posted before"), ("posted", None)]
    await assert_books(world)


async def test_the_same_receipt_with_another_amount_is_quarantined(world: World) -> None:
    person = await world.subscriber()
    await world.receive(body("R1", PRICE, person.account_number), body("r1 ", PRICE + 1, person.account_number))
    await post_all(world)
    assert [state for state, _ in await world.callbacks()] == ["posted", "quarantined"]
    await assert_books(world)


async def test_one_shilling_short_stays_credit_and_the_last_shilling_connects(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    await world.receive(body("R1", PRICE - 100, person.account_number))
    await post_all(world)
    seen = await world.see(made.id)
    assert (seen.verdict.state, seen.missing_cents, seen.desired_generation) == ("walled", 100, 1)
    await world.receive(body("R2", 100, person.account_number))
    await post_all(world)
    assert (await world.see(made.id)).verdict.state == "current"
    parts = await world.scalar("select array_agg(amount_cents order by amount_cents) from allocation")
    assert parts == [100, PRICE - 100]
    await assert_books(world)


async def test_paying_early_never_loses_paid_time(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id, valid_until=NOW + 10 * DAY)
    await world.receive(body("R1", PRICE, person.account_number))
    await post_all(world)
    assert (await world.see(made.id)).valid_until == NOW + 10 * DAY + MONTH


async def test_a_hashed_payer_with_a_wrong_account_number_is_known_by_his_hash(world: World) -> None:
    person = await world.subscriber(phones=["0712 345 678"])
    made = await world.subscription(person.id)
    await world.receive(body("R1", PRICE, "WRONG", payer_key=hash_of("254712345678")))
    await post_all(world)
    assert (await world.see(made.id)).verdict.state == "current"
    assert await world.scalar("select matched_by from payment") == "payer_phone"


@pytest.mark.parametrize("typed", ["0712345678", "+254 712 345 678", "WANJIRU", "wanjiru"])
async def test_phones_and_user_names_are_understood_as_references(world: World, typed: str) -> None:
    person = await world.subscriber(phones=["0712345678"])
    await world.subscription(person.id)
    await world.receive(body("R1", PRICE, typed))
    await post_all(world)
    assert await world.scalar("select subscriber_id from payment") == person.id


async def test_a_mistyped_account_waits_in_suspense_with_a_guess_and_is_assigned_once(world: World) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    number = person.account_number
    typed = number[:-1] + str((int(number[-1]) + 1) % 10)
    await world.receive(body("R1", PRICE, typed, payer_key=hash_of("254700000001")))
    await post_all(world)
    assert (await world.books()).accounts["suspense"] == -PRICE
    async with world.database.tenant(world.tenant_id) as connection:
        [waiting] = await list_suspense(connection, world.tenant_id, limit=10)
    assert person.account_number in {guess.account_number for guess in waiting.guesses}

    async def settle() -> str:
        async with world.database.tenant(world.tenant_id) as connection:
            ids = {"subscriber_id": person.id, "reason": "he called"}
            return (await assign(connection, world.act, world.tenant_id, waiting.payment.payment_id, **ids)).outcome

    assert sorted(await asyncio.gather(settle(), settle())) == ["duplicate", "posted"]
    seen = await world.see(made.id)
    assert (seen.verdict.state, seen.valid_until) == ("current", NOW + MONTH)
    assert (await world.books()).accounts["suspense"] == 0
    await assert_books(world)
    await world.receive(body("R2", PRICE, "still wrong", payer_key="254700000001"))
    await post_all(world)
    assert await world.scalar("select matched_by from payment where receipt = 'R2'") == "remembered_payer"


async def test_bodies_that_are_no_payments_are_settled_with_a_reason_and_stop_nobody(world: World) -> None:
    person = await world.subscriber()
    await world.receive(
        b"\xff not json",
        body("R1", 0, person.account_number),
        body("", PRICE, person.account_number),
        body("R2", PRICE, person.account_number, shortcode="999"),
        body("R3", 10**15, person.account_number),
        body("R4", PRICE, person.account_number, payer_name="\ud800 a\x00b" * 500),
    )
    await post_all(world)
    states = [state for state, _ in await world.callbacks()]
    assert states == ["malformed", "malformed", "malformed", "quarantined", "malformed", "posted"]
    assert all(reason for state, reason in await world.callbacks() if state != "posted")
    await assert_books(world)


async def test_a_payment_without_a_readable_time_was_paid_when_its_callback_was_received(world: World) -> None:
    person = await world.subscriber()
    await world.receive(body("R1", PRICE, person.account_number, paid_at=None), received_at=NOW - DAY)
    await post_all(world)
    assert await world.scalar("select paid_at from payment") == NOW - DAY


class PoisonRail(JsonRail):
    """Fails, as only a bug can, on receipts that begin with POISON."""

    def parse_confirmation(self, raw: bytes, received_at: datetime) -> Confirmation | Refused:
        if b"POISON" in raw:
            raise RuntimeError("bug")
        return super().parse_confirmation(raw, received_at)


async def test_a_poison_callback_is_parked_alone_and_the_rest_are_posted(world: World) -> None:
    person = await world.subscriber()
    bodies = [body(f"R{n}", 100, person.account_number) for n in range(6)]
    bodies[3] = body("POISON", 100, person.account_number)
    await world.receive(*bodies)
    await post_all(world, rail=PoisonRail())
    states = [state for state, _ in await world.callbacks()]
    assert states == ["posted"] * 3 + ["quarantined"] + ["posted"] * 2
    assert "RuntimeError" in str((await world.callbacks())[3][1])


async def test_a_transaction_that_dies_leaves_nothing_behind(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.subscriber()
    made = await world.subscription(person.id)
    await world.receive(body("R1", PRICE, person.account_number))

    async def cut_off(connection: Any, statements: Any) -> Any:
        await run_all(connection, statements)
        await cut_connections(database_url)
        await run_all(connection, statements)

    with monkeypatch.context() as patched:
        patched.setattr("cloud.services.post_callbacks.run_all", cut_off)
        with pytest.raises(DatabaseError) as caught:
            await poster_of(world).step()
    assert is_outage(caught.value)
    assert await soon(world.callbacks) == [("new", None)]
    assert await world.scalar("select count(*) from payment") == 0
    await soon(partial(world.see, made.id))
    await post_all(world)
    assert (await world.see(made.id)).desired_generation == 2
    await assert_books(world)


async def test_the_poster_is_woken_by_notify_and_outlives_lost_connections(world: World, database_url: str) -> None:
    person = await world.subscriber()
    clock = SetClock(NOW)
    poster = poster_of(world, clock=clock)
    wakes = {INBOX: [lambda _payload: poster.wake()]}
    async with running(poster.run()), running(listen(database_url, wakes, poster.wake)):
        await asyncio.sleep(0.2)
        await world.receive(body("R1", PRICE, person.account_number))
        await world.scalar("select pg_notify('mnara_inbox', '')")
        await _until(partial(_all_settled, world), within_s=0.8)
        await cut_connections(database_url)
        await asyncio.sleep(0.1)
        await soon(partial(world.receive, body("R2", PRICE, person.account_number)))
        await _until(partial(_all_settled, world), within_s=5)
    await soon(world.books)
    await assert_books(world)


@asynccontextmanager
async def hearing(database_url: str, told: list[str]) -> AsyncIterator[None]:
    """Gather what is said to publishers."""
    connected = asyncio.Event()
    async with running(listen(database_url, {DESIRED: [told.append]}, connected.set)):
        await connected.wait()
        yield
        await _until(partial(_is_true, told), within_s=2)


async def _is_true(told: list[str]) -> bool:
    return bool(told)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block, and cancel it at its end."""
    task = asyncio.create_task(work)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def cut_connections(database_url: str) -> None:
    """Kill every connection to the database but our own, as a restarting server does."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        )


async def soon(deed: Callable[[], Awaitable[T]]) -> T:
    """Do something through a pool that may hold a dead connection yet."""
    with suppress(*DatabaseError):
        return await deed()
    return await deed()


async def _all_settled(world: World) -> bool:
    return not await world.scalar("select count(*) from callback where state = 'new'")


async def _until(holds: Any, *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - the condition lives in the database
            await asyncio.sleep(0.01)


async def test_expiry_needs_no_generation_and_credit_renews_by_itself(world: World) -> None:
    rich, poor = await world.subscriber("Rich"), await world.subscriber("Poor")
    served, cut = await world.subscription(rich.id, "rich"), await world.subscription(poor.id, "poor")
    await world.receive(body("R1", 2 * PRICE, rich.account_number), body("R2", PRICE, poor.account_number))
    await post_all(world)
    assert (await world.see(served.id)).valid_until == NOW + MONTH
    clock = SetClock(NOW + MONTH)
    tick = DueTick(world.database, secrets=world.act.secrets, clock=clock, new_id=new_id, random_below=random_below)
    assert await tick.step() is False
    generations = (await world.see(cut.id)).desired_generation, (await world.see(served.id)).desired_generation
    assert generations == (3, 4)
    assert (await world.see(served.id)).valid_until == NOW + 2 * MONTH
    assert await world.scalar("select overdue_state from subscription where username = 'poor'") == "walled"
    assert await tick.step() is False
    assert await world.scalar("select count(*) from timeline where kind = 'expired'") == 1
    await assert_books(world)


async def test_a_batch_for_many_subscribers_makes_one_generation_per_site(world: World) -> None:
    people = [await world.subscriber(f"S{n}") for n in range(5)]
    for n, person in enumerate(people):
        await world.subscription(person.id, f"s{n}")
    before = await world.scalar("select generation from site")
    await world.receive(*[body(f"R{n}", PRICE, person.account_number) for n, person in enumerate(people)])
    await post_all(world)
    assert await world.scalar("select generation from site") == before + 1


async def test_two_tenants_with_the_same_user_name_do_not_share_money(world: World) -> None:
    other = await make_world(world.database, slug="other")
    ours, theirs = await world.subscriber(), await other.subscriber()
    await world.subscription(ours.id, "john")
    await other.subscription(theirs.id, "john")
    assert ours.account_number == theirs.account_number == make(1)
    await other.receive(body("R1", PRICE, "john"))
    await post_all(world)
    assert await world.scalar("select subscriber_id from payment") == theirs.id
    assert (await world.books()).accounts == {}
