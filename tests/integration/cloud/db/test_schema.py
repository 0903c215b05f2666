"""The schema as the server holds it: revisions, policies, grants and triggers."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, text

from cloud.db.engine import OWNER_ROLE
from cloud.db.schema import alembic_config, migrate, newest_revision
from cloud.db.tables import metadata
from cloud.db.tables.base import GLOBAL_TABLES

TENANT_TABLES = sorted(set(metadata.tables) - GLOBAL_TABLES)


@pytest.fixture
def catalogue(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        yield connection


def test_the_revisions_lead_to_exactly_the_declared_tables(database_url: str) -> None:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(f"set local role {OWNER_ROLE}"))
        command.check(alembic_config(connection))
    engine.dispose()


def test_two_processes_may_upgrade_an_empty_database_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        for upgrade in [pool.submit(migrate, empty_database_url) for _ in range(2)]:
            upgrade.result(timeout=60)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(newest_revision(),)]


def test_every_table_has_forced_row_security_and_the_policies_of_both_roles(catalogue: psycopg.Connection) -> None:
    forced = catalogue.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relrowsecurity and relforcerowsecurity"
    ).fetchall()
    assert {name for (name,) in forced} == set(metadata.tables)
    policies = catalogue.execute(
        "select tablename, policyname, roles::text[], cmd, qual, with_check from pg_policies"
        " where schemaname = 'public'"
    ).fetchall()
    found = {(table, name): (roles, cmd, qual, check) for table, name, roles, cmd, qual, check in policies}
    assert len(found) == 2 * len(metadata.tables)
    for table in metadata.tables:
        column = "id" if table in GLOBAL_TABLES else "tenant_id"
        roles, cmd, qual, check = found[table, "one_tenant"]
        assert (roles, cmd, qual) == (["mnara_app"], "ALL", check)
        assert qual.startswith(f"({column} = ( SELECT (current_setting('app.tenant'::text))::uuid")
        assert found[table, "all_tenants"] == (["mnara_worker"], "ALL", "true", "true")


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_tenant_comes_first_in_every_key(table: str) -> None:
    declared = metadata.tables[table]
    assert next(iter(declared.primary_key.columns)).name == "tenant_id"
    for key in declared.foreign_key_constraints:
        assert key.column_keys[0] == "tenant_id"


@pytest.mark.parametrize("role", ["mnara_app", "mnara_worker"])
def test_what_is_written_in_the_books_stays(catalogue: psycopg.Connection, role: str) -> None:
    rows = catalogue.execute(
        "select table_name, privilege_type from information_schema.role_table_grants"
        " where grantee = %s and privilege_type not in ('SELECT', 'INSERT')",
        [role],
    ).fetchall()
    may_change = {table for table, privilege in rows if privilege == "UPDATE"}
    may_erase = {table for table, privilege in rows if privilege == "DELETE"}
    append_only = {"allocation", "audit", "entry", "journal", "key_list", "plan_version", "sale", "timeline"}
    assert not append_only & (may_change | may_erase)
    assert may_erase == {"agent_event", "idempotency", "payer", "sealed_credential", "subscriber_phone"}
    assert not {privilege for _, privilege in rows} - {"UPDATE", "DELETE"}
    columns = catalogue.execute(
        "select column_name from information_schema.column_privileges"
        " where grantee = %s and table_name = 'payment' and privilege_type = 'UPDATE'",
        [role],
    ).fetchall()
    assert not {"amount_cents", "receipt", "rail", "shortcode", "paid_at"} & {name for (name,) in columns}
