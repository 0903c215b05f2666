"""The simulated Safaricom behind a port of this machine."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from lab.errors import LabError
from lab.safaricom.face.app import Daraja

GRACE_S = 0.3  # for answers under way when the server ends; what hangs on purpose is broken off
STOP_S = 2
BACKLOG = 2_048  # hundreds of clients may knock at once


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve(
    face: Daraja, host: str = "127.0.0.1", port: int = 0, *, tls: tuple[Path, Path] | None = None
) -> AsyncIterator[int]:
    """Serve for as long as the block lasts; yields the port. LabError when it is taken, or the certificate no good.

    `tls`: PEM files of a certificate and its key, for clients that know Safaricom by its name and https only.
    """
    config = uvicorn.Config(
        face, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=STOP_S,
        ssl_certfile=tls[0] if tls else None, ssl_keyfile=tls[1] if tls else None, server_header=False,
    )  # fmt: skip
    try:
        config.load()
    except OSError as error:  # which ssl's errors are too
        raise LabError(f"the certificate and its key cannot be used: {error}; give two PEM files") from error
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise LabError(f"cannot listen on {host}:{port} ({reason}); give another port, or 0 for any") from error
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event to wait for
            await asyncio.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await face.close(GRACE_S)
        await task
        listener.close()
