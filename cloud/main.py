"""The cloud's command line and the wiring: the only file that knows everything."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import structlog
import typer
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from cloud import ids
from cloud.api.enrol_door import create_enrol_door
from cloud.clock import SystemClock
from cloud.db import fleet
from cloud.db.engine import Connection, Database
from cloud.db.failures import DatabaseError, is_outage
from cloud.db.notify import AGENTS, listen
from cloud.db.schema import migrate
from cloud.db.secrets import SecretBox
from cloud.embedded.broker import BrokerSettings
from cloud.embedded.errors import EmbeddedError
from cloud.embedded.owner import DataFolder
from cloud.embedded.parts import EmbeddedParts, Wanted
from cloud.fleet.ca import AGENTS_ISSUER, CLOUD_ISSUER, Authority
from cloud.fleet.ca_store import open_authority, open_secret_key, tls_context
from cloud.fleet.enrolment import Enroller
from cloud.fleet.mosquitto import Listeners, write_configuration
from cloud.fleet.revocation import revoke_agent
from cloud.fleet.worker import FleetSettings, FleetWorker
from cloud.logs import set_up_logs
from cloud.services.access import Access
from cloud.services.act import Act
from cloud.services.audit import Audit
from cloud.services.desired import render_site
from cloud.services.errors import Refusal
from cloud.settings import Settings

log = structlog.get_logger(__name__)
clock = SystemClock()

_STOP_TIMEOUT_S = 8
_MIGRATE_TRIES = 120
_MIGRATE_PAUSE_S = 0.5


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


def make_server(app: FastAPI, **options: Any) -> Server:
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
    notices: dict[str, Callable[[str], None]] = {AGENTS: lambda _name: keep_out.set()}
    missed: list[Callable[[], None]] = [keep_out.set]
    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(keep_revoked_out(parts, url, keep_out), name="keep-out")]
        if only is not Only.API:
            worker = make_worker(ground, database)
            notices = merge(notices, worker.notices)
            missed.append(worker.missed)
            loops.append(group.create_task(worker.run(), name="fleet"))
        loops.append(group.create_task(listen(url, notices, lambda: [call() for call in missed] and None), name="listen"))
        servers = make_servers(ground, database) if only is not Only.WORKER else []
        serving = [group.create_task(server.serve(sockets=[taken]), name="server") for server, taken in servers]
        log.info("cloud_runs", only=only or "all", pid=os.getpid())
        await stop.wait()
        log.info("cloud_stops")
        for server, _ in servers:
            server.should_exit = True
        if serving:
            await asyncio.wait(serving)
        for loop in loops:
            loop.cancel()


def merge(
    first: dict[str, Callable[[str], None]], second: Any
) -> dict[str, Callable[[str], None]]:
    """Return handlers that call both where both have one."""

    def both(one: Callable[[str], None], other: Callable[[str], None]) -> Callable[[str], None]:
        def call(payload: str) -> None:
            one(payload)
            other(payload)

        return call

    merged = dict(first)
    for channel, handler in second.items():
        merged[channel] = both(merged[channel], handler) if channel in merged else handler
    return merged
