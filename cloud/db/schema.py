"""Bring a database to the schema of this release: roles, then revisions, in one transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.engine import Connection

from cloud.db.engine import APP_ROLE, OWNER_ROLE, WORKER_ROLE

_LOCK_KEY = 0x6D6E617261
"""The advisory lock that makes two starting processes take turns: "mnara" in ASCII."""


def migrate(url: str) -> None:
    """Upgrade to the newest revision; `url` logs in as whoever owns the database. Safe to run twice at once."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("set local lock_timeout = '60s'"))
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            # A revision that cannot get its lock must fail, not queue in front of every payment.
            connection.execute(text("set local lock_timeout = '5s'"))
            ensure_roles(connection)
            connection.execute(text(f"set local role {OWNER_ROLE}"))
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """Return the revision this release needs."""
    folder = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    return folder.get_current_head() or ""


def ensure_roles(connection: Connection) -> None:
    """Create the three roles where they are missing and let the login user become each of them."""
    # From 16 on, who creates a role is its member without the right to become it.
    becoming = "set" if (connection.dialect.server_version_info or (0,)) >= (16,) else "member"
    for role in (OWNER_ROLE, APP_ROLE, WORKER_ROLE):
        connection.execute(text(_CREATE_ROLE.format(role=role)))
        may_become = text("select pg_has_role(current_user, :role, :becoming)")
        if not connection.scalar(may_become, {"role": role, "becoming": becoming}):
            connection.execute(text(f"grant {role} to current_user"))
    connection.execute(text(f"grant create, usage on schema public to {OWNER_ROLE}"))
    connection.execute(text(f"grant usage on schema public to {APP_ROLE}, {WORKER_ROLE}"))


# Roles belong to the whole server: another database's migration may create them at the same moment.
_CREATE_ROLE = """
do $$ begin
  if not exists (select from pg_roles where rolname = '{role}') then
    create role {role} nologin;
  end if;
exception when duplicate_object or unique_violation then null;
end $$
"""
