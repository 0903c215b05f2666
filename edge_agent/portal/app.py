"""The pay page's server: bare ASGI under uvicorn, in a thread of its own, only where a setting gives it a port."""

import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from edge_agent.domain.wanted import Target
from edge_agent.portal.page import find_visitor, render

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

EAST_AFRICA: Final = timezone(timedelta(hours=3))
CONNECTIONS_MAX: Final = 200
_HEADERS: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
]


def local_time(at_us: int) -> str:
    """Spell an instant in East Africa Time, which knows no summer time: `14 Mar 2026 18:05`."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(EAST_AFRICA).strftime("%d %b %Y %H:%M")


class PayPage:
    """The ASGI application: every path is the page, because the router sends everything here."""

    def __init__(self, targets: Mapping[str, Target], site_name: str, pay_hint: str) -> None:
        self._targets = targets
        self._site_name = site_name
        self._pay_hint = pay_hint

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        client = scope.get("client") or ("", 0)
        visitor = find_visitor(list(self._targets.values()), str(client[0]), local_time)
        body = render(visitor, self._site_name, self._pay_hint)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def serve(page: PayPage, host: str, port: int) -> threading.Thread:
    """Start serving; the thread ends with the process."""
    import uvicorn  # noqa: PLC0415  # 10 MB that an agent without a pay page does not have to spare

    config = uvicorn.Config(
        page, host=host, port=port, log_level="warning", access_log=False, lifespan="off", server_header=False,
        proxy_headers=False, limit_concurrency=CONNECTIONS_MAX, timeout_keep_alive=5, ws="none",
    )  # fmt: skip
    thread = threading.Thread(target=uvicorn.Server(config).run, name="pay-page", daemon=True)
    thread.start()
    return thread
