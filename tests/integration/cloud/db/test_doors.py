"""The two doors to the rows: one tenant's, and the worker's."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.db.engine import Database, UnscopedQuery
from cloud.db.tables.money import entry, journal
from cloud.db.tables.network import plan, plan_version
from cloud.db.tables.parties import subscriber, tenant
from cloud.ids import new_id

NOW = datetime(2026, 3, 31, 21, 0, tzinfo=UTC)


async def make_tenant(database: Database, slug: str) -> UUID:
    tenant_id = new_id()
    async with database.worker() as connection:
        await connection.execute(insert(tenant).values(id=tenant_id, slug=slug, name=slug, created_at=NOW))
    return tenant_id


async def make_subscriber(database: Database, tenant_id: UUID) -> UUID:
    subscriber_id = new_id()
    row = {"tenant_id": tenant_id, "id": subscriber_id, "account_number": "A1", "name": "Wanjiru", "created_at": NOW}
    async with database.tenant(tenant_id) as connection:
        await connection.execute(insert(subscriber).values(row))
    return subscriber_id


async def make_journal(connection: AsyncConnection, tenant_id: UUID, *amounts: int) -> None:
    journal_id = new_id()
    head = {"tenant_id": tenant_id, "id": journal_id, "kind": "test", "source_id": str(journal_id)}
    await connection.execute(insert(journal).values(**head, occurred_at=NOW, recorded_at=NOW))
    lines = [
        {"tenant_id": tenant_id, "journal_id": journal_id, "line": n, "account": "suspense", "amount_cents": amount}
        for n, amount in enumerate(amounts)
    ]
    await connection.execute(insert(entry).values(lines))


async def test_a_tenant_sees_only_its_own_rows(database: Database) -> None:
    ours, theirs = await make_tenant(database, "ours"), await make_tenant(database, "theirs")
    await make_subscriber(database, ours)
    async with database.tenant(theirs) as connection:
        assert (await connection.execute(select(subscriber))).all() == []
        assert (await connection.execute(select(tenant.c.slug))).scalars().all() == ["theirs"]
        changed = await connection.execute(update(subscriber).values(name="stolen"))
        assert changed.rowcount == 0
    async with database.worker() as connection:
        assert (await connection.execute(select(subscriber.c.name))).scalars().all() == ["Wanjiru"]


async def test_a_row_of_another_tenant_cannot_be_written(database: Database) -> None:
    ours, theirs = await make_tenant(database, "ours"), await make_tenant(database, "theirs")
    row = {"tenant_id": ours, "id": new_id(), "account_number": "X", "name": "X", "created_at": NOW}
    async with database.tenant(theirs) as connection:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await connection.execute(insert(subscriber).values(row))


async def test_a_statement_without_a_tenant_is_refused(database: Database) -> None:
    with pytest.raises(UnscopedQuery):
        async with database._app.connect() as connection:
            await connection.execute(select(subscriber))


async def test_the_server_refuses_what_slips_past_the_first_guard(database: Database) -> None:
    tenant_id = await make_tenant(database, "ours")
    await make_subscriber(database, tenant_id)
    async with database._app.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        with pytest.raises(Exception, match=r"app\.tenant|invalid input syntax for type uuid"):
            await raw.execute("select * from subscriber")


async def test_a_journal_that_does_not_sum_to_zero_is_refused(database: Database) -> None:
    tenant_id = await make_tenant(database, "ours")
    async with database.tenant(tenant_id) as connection:
        await make_journal(connection, tenant_id, 1_500, -1_000, -500)
    with pytest.raises(IntegrityError, match="do not sum to zero"):
        async with database.tenant(tenant_id) as connection:
            await make_journal(connection, tenant_id, 1_500, -1_499)


async def test_a_plan_version_cannot_be_changed_even_by_the_owner(database: Database, database_url: str) -> None:
    tenant_id, plan_id = await make_tenant(database, "ours"), new_id()
    async with database.tenant(tenant_id) as connection:
        head = {"tenant_id": tenant_id, "id": plan_id, "name": "Daily", "access": "pppoe", "created_at": NOW}
        await connection.execute(insert(plan).values(head))
        speed = {"price_cents": 5_000, "duration_s": 86_400, "up_bps": 1_000_000, "down_bps": 2_000_000}
        row = {"tenant_id": tenant_id, "plan_id": plan_id, "version": 1, "created_at": NOW, **speed}
        await connection.execute(insert(plan_version).values(row))
    async with database.worker() as connection:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await connection.execute(update(plan_version).values(price_cents=1))
    async with database.worker() as connection:
        await connection.execute(text("set local role mnara_owner"))
        await connection.execute(text("alter table plan_version no force row level security"))
        with pytest.raises(IntegrityError, match="immutable"):
            await connection.execute(update(plan_version).values(price_cents=1))
