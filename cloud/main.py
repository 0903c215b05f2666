"""The cloud's command line."""

import asyncio
import contextlib
import json
import os
import pwd
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import structlog
import typer
import uvloop
from pydantic import ValidationError

from cloud import ids
from cloud.db import fleet, operator
from cloud.db.engine import Database
from cloud.db.failures import DatabaseError
from cloud.db.operator import TenantRow
from cloud.db.secrets import SecretUnreadable
from cloud.embedded.cluster import open_cluster
from cloud.embedded.errors import EmbeddedError
from cloud.embedded.postgres import PostgresKeeper
from cloud.fleet.mosquitto import Listeners, write_configuration
from cloud.fleet.revocation import revoke_agent
from cloud.logs import set_up_logs
from cloud.process import Ground, Only, clock, database_url, migrate_patiently, open_ground, run_process
from cloud.services.access import Access, NewTenant
from cloud.services.errors import NotFound, Refusal
from cloud.settings import Settings

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
tenants = typer.Typer(no_args_is_help=True, help="Add, list and suspend tenants.")
tokens = typer.Typer(no_args_is_help=True, help="Make tokens for the API.")
agents = typer.Typer(no_args_is_help=True, help="Revoke agents.")
brokers = typer.Typer(no_args_is_help=True, help="Set up a mosquitto.")
app.add_typer(tenants, name="tenant")
app.add_typer(tokens, name="token")
app.add_typer(agents, name="agent")
app.add_typer(brokers, name="broker")

Data = Annotated[Path | None, typer.Option("--data", help="The data folder [MNARA_CLOUD_DATA_DIR].")]


def start(data: Path | None, **changes: Any) -> Ground:
    """Read the settings, set up logs and open the ground; end with a sentence if that fails."""
    if data is not None:
        changes["data_dir"] = data
    try:
        settings = Settings(**changes)
    except ValidationError as error:
        first = error.errors()[0]
        name = "MNARA_CLOUD_" + "_".join(map(str, first["loc"])).upper()
        fail(f"The setting {name} is wrong: {first['msg']}. Correct it and start again.")
    set_up_logs(settings.log_level, as_json=settings.log_json)
    try:
        return open_ground(settings)
    except (SecretUnreadable, OSError) as error:
        fail(f"The data folder {settings.data_dir} cannot be used: {error}.")


def fail(sentence: str) -> NoReturn:
    """Say it and end with status 1."""
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a command to its end; a refusal is a sentence, a bug a traceback."""
    try:
        return uvloop.run(work)
    except* (EmbeddedError, Refusal) as group:
        fail(str(first_of(group)))
    except* DatabaseError as group:
        log.exception("database_failed", exc_info=first_of(group))
        fail("The database cannot be used. Look at the line above, and at MNARA_CLOUD_DATABASE_URL.")


def first_of(group: BaseExceptionGroup[Any]) -> BaseException:
    """Return the first single exception in nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextlib.asynccontextmanager
async def opened_database(ground: Ground) -> AsyncIterator[Database]:
    """Give the database to one command, running the embedded one for it if no process does."""
    embedded = ground.settings.embeds_database and ground.folder.try_own()
    keeper = PostgresKeeper(await asyncio.to_thread(open_cluster, ground.folder.path)) if embedded else None
    try:
        if keeper is not None:
            ground.folder.write_database_url(await keeper.start())
        url = await database_url(ground)
        await migrate_patiently(url)
        database = Database(url, pool_size=2)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if keeper is not None:
            await keeper.stop()
        ground.folder.let_go()


def show(**facts: Any) -> None:
    """Print one JSON object."""
    typer.echo(json.dumps(facts, default=str))


@app.command()
def serve(
    data: Data = None,
    only: Annotated[Only | None, typer.Option(help="Run one half in this process.")] = None,
    http: Annotated[str, typer.Option(help="HOST:PORT of the API.")] = "",
) -> None:
    """Run the cloud until it is told to stop."""
    host, _, port = http.rpartition(":")
    ground = start(data, **({"http_host": host.strip("[]"), "http_port": port} if http else {}))
    try:
        run(run_process(ground, only))
    except BaseExceptionGroup as group:
        log.critical("cloud_failed", exc_info=group)
        raise typer.Exit(1) from None


@app.command("migrate")
def migrate_command(data: Data = None) -> None:
    """Bring the database to the schema of this release."""

    async def work() -> None:
        async with opened_database(ground):
            pass

    ground = start(data)
    run(work())


def make_access(ground: Ground, database: Database) -> Access:
    """Return the platform operator's door to tenants, staff and tokens."""
    return Access(database, ground.box, clock, ids.new_id, ids.new_secret_hex)


@tenants.command("add")
def add_tenant(
    slug: str, name: Annotated[str, typer.Option()], owner: Annotated[str, typer.Option()], data: Data = None
) -> None:
    """Add a tenant; prints its id and its owner's token, which is shown only here."""

    async def work() -> NewTenant:
        async with opened_database(ground) as database:
            return await make_access(ground, database).add_tenant(slug, name, owner)

    ground = start(data)
    added = run(work())
    show(tenant_id=added.tenant_id, staff_id=added.staff_id, token=added.token)


@tenants.command("list")
def list_tenants(data: Data = None) -> None:
    """Print one line of JSON per tenant."""

    async def work() -> list[TenantRow]:
        async with opened_database(ground) as database, database.worker() as connection:
            return await operator.list_tenants(connection)

    ground = start(data)
    for row in run(work()):
        show(tenant_id=row.id, slug=row.slug, name=row.name, state=row.state)


@tenants.command("suspend")
def suspend_tenant(slug: str, data: Data = None) -> None:
    """Suspend a tenant: nobody can enrol or log in; its sites go on as they are."""

    async def work() -> bool:
        async with opened_database(ground) as database, database.worker() as connection:
            return await operator.suspend_tenant(connection, slug)

    ground = start(data)
    if not run(work()):
        fail(f"There is no active tenant {slug}. Look at `mnara-cloud tenant list`.")


@tokens.command("add")
def add_token(
    slug: str, email: Annotated[str, typer.Option()], name: Annotated[str, typer.Option()] = "cli", data: Data = None
) -> None:
    """Make a token for a staff member of a tenant; it is shown only here."""

    async def work() -> str:
        async with opened_database(ground) as database:
            access = make_access(ground, database)
            tenant_id = await access.find_tenant(slug)
            if tenant_id is None:
                raise NotFound(f"There is no tenant {slug}. Look at `mnara-cloud tenant list`.")
            return await access.add_token(tenant_id, email, name)

    ground = start(data)
    show(token=run(work()))


@agents.command("revoke")
def revoke_command(name: str, reason: Annotated[str, typer.Option()], data: Data = None) -> None:
    """Revoke an agent by its name: it is refused from now on and thrown out."""

    async def work() -> bool:
        async with opened_database(ground) as database, database.worker() as connection:
            found = await fleet.find_agent(connection, name)
            if found is None:
                return False
            asked = (connection, found.tenant_id, found.id)
            return await revoke_agent(*asked, reason=reason, now=clock.now(), new_id=ids.new_id) is not None

    ground = start(data)
    if not run(work()):
        fail(f"There is no active agent {name}. Look its name up in the list of agents.")


@brokers.command("conf")
def configure_broker(
    out: Annotated[Path | None, typer.Option(help="Where to; by default `broker` in the data folder.")] = None,
    user: Annotated[str, typer.Option(help="The user mosquitto runs as; by default you.")] = "",
    data: Data = None,
) -> None:
    """Write a mosquitto's whole configuration, with certificates, for MNARA_CLOUD_BROKER_URL and _BROKER_HOST/_PORT."""
    ground = start(data)
    settings = ground.settings
    if settings.embeds_broker:
        fail("The broker is the embedded one. Set MNARA_CLOUD_BROKER_URL to mosquitto's listener for the cloud.")
    listeners = Listeners((settings.broker_host, settings.broker_port), settings.cloud_broker)
    runs_as = user or pwd.getpwuid(os.geteuid()).pw_name
    names = settings.server_names
    folder = out or ground.broker_files
    written = write_configuration(
        folder, ground.authority, listeners, server_names=names, user=runs_as, now=clock.now()
    )
    show(configuration=written, ca_pin=ground.authority.pin)
