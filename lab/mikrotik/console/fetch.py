"""`/tool/fetch`: what scripts call out is noted, and answered only for hosts that the simulated DNS was told of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab.mikrotik.errors import Trap
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# Names as the manual's page of this tool has them.
_KNOWN = frozenset([
    "address", "as-value", "ascii", "certificate", "check-certificate", "dst-path", "duration", "host",
    "http-auth-scheme", "http-content-encoding", "http-data", "http-header-field", "http-max-redirect-count",
    "http-method", "idle-timeout", "keep-result", "mode", "output", "password", "port", "src-address", "src-path",
    "upload", "url", "user",
])  # fmt: skip
MAX_NOTED_CHARACTERS = 4_096


class Fetching:
    """No packet leaves: a script sees success or a time-out, and the journal has an event `fetch` with the address."""

    def __init__(self, router: Router) -> None:
        self._router = router
        router.verbs[("/tool", "fetch")] = Verb(self._fetch, policy="test", writes=False)

    def _fetch(self, command: Command, _access: Access) -> Outcome:
        attributes = command.attributes
        for name in attributes:
            if name not in _KNOWN:
                raise self._router.editor.unknown(name)
        if not self._router.device.allows("fetch"):
            raise Trap("failure: not allowed by device-mode")
        url = attributes.get("url") or attributes.get("address")
        if not url:
            raise Trap("missing value(s) of argument(s) url")
        method, data = attributes.get("http-method", "get"), attributes.get("http-data", "")
        self._router.journal.event(
            self._router.clock.now_us(), "fetch", url=url[:MAX_NOTED_CHARACTERS], method=method,
            data=data[:MAX_NOTED_CHARACTERS],
        )  # fmt: skip
        if not self._router.hosts.get(_host(url)):
            raise Trap("failure: connection timeout")
        return Done()


def _host(url: str) -> str:
    """The host of `http://host:port/…`, or the whole of an address without a scheme."""
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
