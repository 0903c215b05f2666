"""One cloud process: how its parts are put together, started, and ended in good order."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
import uvicorn
from prometheus_client import REGISTRY

from cloud import ids
from cloud.api.app import create_app
from cloud.api.deps import ApiDeps, ApiSettings
from cloud.api.enrol_door import create_enrol_door
from cloud.api.metrics import Metrics
from cloud.clock import SystemClock
from cloud.db import fleet
from cloud.db.engine import Connection, Database
from cloud.db.failures import DatabaseError, is_outage
from cloud.db.inbox import DatabaseGone, InboxWriter
from cloud.db.notify import AGENTS, INBOX, Wake, listen
from cloud.db.schema import migrate
from cloud.db.secrets import SecretBox
from cloud.embedded.broker import BrokerSettings
from cloud.embedded.errors import EmbeddedError
from cloud.embedded.files import make_folder, write_secret
from cloud.embedded.owner import DataFolder
from cloud.embedded.parts import EmbeddedParts, Wanted
from cloud.fleet.ca import AGENTS_ISSUER, CLOUD_ISSUER, Authority
from cloud.fleet.ca_store import open_authority, open_secret_key, tls_context
from cloud.fleet.enrolment import Enroller, create_claim
from cloud.fleet.revocation import revoke_agent
from cloud.fleet.worker import FleetSettings, FleetWorker
from cloud.jobs.poster import Poster
from cloud.jobs.ticks import DueTick, ForgetTick
from cloud.payments.inbox import Inbox
from cloud.payments.mpesa.c2b import MpesaC2B
from cloud.payments.mpesa.sources import parse_sources
from cloud.payments.mpesa.webhooks import MpesaWebhooks
from cloud.payments.spool import Spool
from cloud.payments.webhooks import HookDirectory, Webhooks
from cloud.ports import PaymentRail
from cloud.services.access import Access
from cloud.services.act import Act
from cloud.services.desired import render_site
from cloud.services.find_account import AccountFinder
from cloud.services.idempotency import Idempotency
from cloud.services.shortcodes import Shortcodes
from cloud.settings import Settings

log = structlog.get_logger(__name__)
clock = SystemClock()
RAILS: dict[str, PaymentRail] = {"mpesa": MpesaC2B()}

Application = Any
"""An ASGI application: whose, only cloud.api knows."""

Loop = Callable[[], Coroutine[Any, Any, None]]
Check = Callable[[], Awaitable[bool]]
"""Something that runs until it is cancelled; called when everything else is set up."""

_STOP_TIMEOUT_S = 8
_MIGRATE_TRIES = 120
_OUTAGE_PAUSE_S = 0.5


class Only(StrEnum):
    """Which half of the cloud a process is."""

    API = "api"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Ground:
    """What every command stands on."""

    settings: Settings
    folder: DataFolder
    box: SecretBox
    authority: Authority

    @property
    def broker_files(self) -> Path:
        """Return the folder of mosquitto's configuration."""
        return self.settings.broker_files or self.folder.path / "broker"


def open_ground(settings: Settings) -> Ground:
    """Make or open the data folder, its key and its authority."""
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    given = settings.secret_keys()
    box = SecretBox(given or [open_secret_key(folder.path)])
    return Ground(settings, folder, box, open_authority(folder.path, box, clock.now()))


# One process


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def make_server(app: Application, **options: Any) -> Server:
    """Set up an HTTP server for an application."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        **options,
    )
    return Server(config)


def bind(host: str, port: int, what: str) -> socket.socket:
    """Listen, or say in a sentence why not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise EmbeddedError(
            f"{what} cannot listen on {host}:{port}: {error.strerror}. Stop what listens there, or choose another port."
        ) from error


async def run_process(ground: Ground, only: Only | None) -> None:
    """Run until told to stop; raises what a component raised."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parts = make_parts(ground)
    known_url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def list_revoked() -> set[str]:
        return await read_revoked(await asyncio.shield(known_url))

    owning = asyncio.create_task(parts.run(list_revoked), name="embedded")
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(owning), name="embedded-watch")
            working = group.create_task(work(ground, only, parts, known_url, stop), name="work")
            stopping = group.create_task(stop.wait(), name="stop")
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not known_url.done():
                working.cancel()  # told to stop before the start was over
            await asyncio.wait([working])
            watching.cancel()
            stopping.cancel()
    finally:
        owning.cancel()
        await asyncio.gather(owning, return_exceptions=True)
        await parts.stop()


async def watch(owning: "asyncio.Task[None]") -> None:
    """Fail when the embedded parts fail."""
    await asyncio.shield(owning)


async def work(
    ground: Ground, only: Only | None, parts: EmbeddedParts, known_url: "asyncio.Future[str]", stop: asyncio.Event
) -> None:
    """Bring the database up to date, run this process's half, and end it in good order."""
    url = await database_url(ground)
    await migrate_patiently(url)
    known_url.set_result(url)
    database = Database(url, pool_size=ground.settings.pool_size)
    try:
        await run_halves(ground, only, parts, url, database, stop)
    finally:
        await database.close()


async def run_halves(
    ground: Ground, only: Only | None, parts: EmbeddedParts, url: str, database: Database, stop: asyncio.Event
) -> None:
    """Run the halves asked for: servers end first, so that no request is cut; loops after them."""
    keep_out = asyncio.Event()
    notices: dict[str, list[Wake]] = {AGENTS: [lambda _name: keep_out.set()]}
    missed: list[Callable[[], None]] = [keep_out.set]
    async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as closing:
        loops: list[Loop] = [partial(keep_revoked_out, parts, url, keep_out)]
        ready: dict[str, Check] = {}
        stored: list[Callable[[], None]] = []
        if only is not Only.API:
            worker, poster = make_worker(ground, database), make_poster(ground, database)
            ready["broker"] = partial(is_up, worker)
            stored.append(poster.wake)
            notices[INBOX] = [lambda _payload: poster.wake()]
            missed.append(poster.wake)
            for channel, call in worker.notices.items():
                notices.setdefault(channel, []).append(call)
            missed.append(worker.missed)
            loops += [worker.run, poster.run, *(tick.run for tick in make_ticks(ground, database))]
        servers: list[tuple[Server, socket.socket]] = []
        if only is not Only.WORKER:
            api, api_loops = await make_api(ground, database, url, closing, ready, lambda: call_all(stored))
            servers = make_servers(ground, api, database)
            loops += api_loops
        loops.append(partial(listen, url, notices, lambda: call_all(missed)))
        running = [group.create_task(loop()) for loop in loops]
        serving = [group.create_task(server.serve(sockets=[taken]), name="server") for server, taken in servers]
        log.info("cloud_runs", only=only or "all", pid=os.getpid())
        await stop.wait()
        log.info("cloud_stops")
        for server, _ in servers:
            server.should_exit = True
        if serving:
            await asyncio.wait(serving)
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def call_all(calls: list[Callable[[], None]]) -> None:
    """Call each."""
    for call in calls:
        call()


# The parts of a process


def make_parts(ground: Ground) -> EmbeddedParts:
    """Set up what this process runs once it has the data folder's lock."""
    settings, broker = ground.settings, None
    if settings.embeds_broker:
        folder = ground.folder.path / "tls"
        make_folder(folder, 0o700)
        issued = ground.authority.issue_server(settings.server_names, clock.now())
        write_secret(folder / "server.pem", issued.certificate_pem)
        write_secret(folder / "server.key", issued.key_pem)
        broker = BrokerSettings(
            host=settings.broker_host,
            port=settings.broker_port,
            certificate_file=folder / "server.pem",
            key_file=folder / "server.key",
            authorities_pem=ground.authority.clients_pem,
            agents_issuer=AGENTS_ISSUER,
            cloud_issuer=CLOUD_ISSUER,
        )
    return EmbeddedParts(ground.folder, Wanted(settings.embeds_database, broker, settings.agents_broker))


def make_worker(ground: Ground, database: Database) -> FleetWorker:
    """Set up the fleet's half."""
    settings = ground.settings
    fleet_settings = FleetSettings(
        cloud_broker=settings.cloud_broker,
        agents_broker=settings.agents_broker,
        client_id=f"cloud-{ids.new_secret_hex(8)}",
        broker_files=None if settings.embeds_broker else ground.broker_files,
    )
    return FleetWorker(fleet_settings, database, ground.authority, ground.box, clock, ids.new_id)


def make_poster(ground: Ground, database: Database) -> Poster:
    """Set up the poster. What it changes is published by NOTIFY, which is heard before its commit returns here."""
    return Poster(
        database, rails=RAILS, secrets=ground.box, clock=clock, new_id=ids.new_id, random_below=ids.random_below
    )


def make_ticks(ground: Ground, database: Database) -> tuple[DueTick, ForgetTick]:
    """Set up what happens because time passed."""
    due = DueTick(database, secrets=ground.box, clock=clock, new_id=ids.new_id, random_below=ids.random_below)
    return due, ForgetTick(database, clock=clock, random_below=ids.random_below)


async def is_up(worker: FleetWorker) -> bool:
    """Tell whether the broker is connected."""
    return worker.link.up


async def make_api(
    ground: Ground,
    database: Database,
    url: str,
    closing: contextlib.AsyncExitStack,
    ready: Mapping[str, Check],
    on_stored: Callable[[], None],
) -> tuple[Application, list[Loop]]:
    """Put the API together; `closing` closes what it opens."""
    settings = ground.settings
    writers = [InboxWriter(url), InboxWriter(url)]
    for writer in writers:
        closing.push_async_callback(writer.close)
    spool = Spool(ground.folder.path / "spool", lambda: ids.new_id().hex)
    inbox = Inbox(writers[0], writers[1], spool, clock, on_stored=on_stored)
    directory = HookDirectory(database, clock)
    mpesa = MpesaWebhooks(parse_sources(settings.listed(settings.mpesa_sources)), settings.mpesa_reject_unknown)
    deps = ApiDeps(
        database=database,
        secrets=ground.box,
        clock=clock,
        new_id=ids.new_id,
        access=Access(database, ground.box, clock, ids.new_id, ids.new_secret_hex),
        idempotency=Idempotency(database, clock),
        webhooks=Webhooks(directory, inbox, {"mpesa": mpesa}, clock, AccountFinder(database)),
        shortcodes=Shortcodes(ids.new_secret_hex),
        create_claim=create_claim,
        revoke_agent=revoke_agent,
        settings=ApiSettings(
            public_url=settings.public_url.rstrip("/") or settings.http_url,
            enrol_url=settings.enrol_url,
            ca_pin=ground.authority.pin,
            trusted_proxies=settings.listed(settings.trusted_proxies),
        ),
        ready={"database": database_answers(writers[1]), **ready},
    )
    app = create_app(deps, metrics=Metrics(REGISTRY))
    return app, [directory.refresh_forever, inbox.drain_forever]


def database_answers(writer: InboxWriter) -> Callable[[], Awaitable[bool]]:
    """Return a check that the database answers."""

    async def check() -> bool:
        try:
            await writer.ping()
        except DatabaseGone:
            return False
        return True

    return check


def make_servers(ground: Ground, api: Application, database: Database) -> list[tuple[Server, socket.socket]]:
    """Set up both doors and tell others where they are."""
    settings = ground.settings

    async def render(connection: Connection, tenant_id: UUID, site_id: UUID) -> int:
        return await render_site(connection, Act(clock.now(), ids.new_id, ground.box), tenant_id, site_id)

    enroller = Enroller(database, ground.box, ground.authority, settings.agents_broker, ids.new_id, render)
    door_tls = tls_context(ground.authority.issue_server(settings.server_names, clock.now()), server=True)
    http = bind(settings.http_host, settings.http_port, "The API")
    enrol = bind(settings.enrol_host, settings.enrol_port, "The enrolment door")
    ground.folder.write_runtime(http_url=settings.http_url, enrol_url=settings.enrol_url)
    door = make_server(create_enrol_door(enroller, clock))
    door.config.load()
    door.config.ssl = door_tls  # uvicorn itself reads keys from files only
    return [(make_server(api), http), (door, enrol)]


async def keep_revoked_out(parts: EmbeddedParts, url: str, asked: asyncio.Event) -> None:
    """Have our broker refuse and throw out whom the database says is revoked."""
    while True:
        await asked.wait()
        asked.clear()
        if parts.has_broker:
            for name in await read_revoked(url) - parts.revoked:
                log.info("agent_kept_out", agent=name, thrown_out=await parts.throw_out(name))


async def read_revoked(url: str) -> set[str]:
    """Read the names of revoked agents, however long the database is away."""
    database = Database(url, pool_size=1)
    try:
        while True:
            try:
                async with database.worker() as connection:
                    return {name for name, _, _ in await fleet.list_revoked(connection, clock.now())}
            except DatabaseError as error:
                if not is_outage(error):
                    raise
                await clock.sleep(_OUTAGE_PAUSE_S)
    finally:
        await database.close()


async def database_url(ground: Ground) -> str:
    """Return the database's address, waiting for the embedded one."""
    given = ground.settings.database_url.get_secret_value()
    return given or await ground.folder.wait_for_database_url()


async def migrate_patiently(url: str) -> None:
    """Bring the schema up to date; a database that is starting is waited for."""
    for attempt in range(_MIGRATE_TRIES):
        try:
            await asyncio.to_thread(migrate, url)
        except DatabaseError as error:
            if not is_outage(error) or attempt == _MIGRATE_TRIES - 1:
                raise
            await clock.sleep(_OUTAGE_PAUSE_S)
        else:
            return
