"""The simulated Safaricom behind a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from lab.safaricom.face.app import Daraja

STOP_S = 2


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve(
    face: Daraja, host: str = "127.0.0.1", port: int = 0, *, tls: tuple[Path, Path] | None = None
) -> AsyncIterator[int]:
    """Serve for as long as the block lasts; yields the port. OSError when it is taken.

    `tls`: PEM files of a certificate and its key, for clients that know Safaricom by its name and https only.
    """
    listener = socket.create_server((host, port))
    config = uvicorn.Config(
        face, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=STOP_S,
        ssl_certfile=tls[0] if tls else None, ssl_keyfile=tls[1] if tls else None,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event to wait for
            await asyncio.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()
