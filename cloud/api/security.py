"""The door of every `/v1` route: whose token it is, and whether it holds the one scope that the route asks for."""

import hashlib
from collections import OrderedDict
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloud.api.deps import ApiDeps, get_deps
from cloud.api.problems import Raised
from cloud.ports import Clock
from cloud.services.access import Actor, Unauthenticated
from cloud.services.outages import is_outage
from cloud.services.roles import Scope

FAILURES_MAX = 20
FAILURES_WINDOW_S = 60.0
_ADDRESSES_MAX = 10_000
_TOKENS_MAX = 10_000

_bearer = HTTPBearer(auto_error=False, description="`mnt_<tenant>_<secret>`, as `mnara-cloud token add` prints it.")


class FailedTokens:
    """Counts refused tokens per client address, so that guessing is slow and its database queries are few.

    A token that was valid of late passes whatever others behind the same address do: else one guesser behind a shared
    proxy would lock everybody out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._valid: OrderedDict[bytes, None] = OrderedDict()

    def check(self, address: str | None, token: str) -> None:
        """Raise 429 for an unknown token from an address that failed too often of late."""
        until_s, count = self._counts.get(address or "", (0.0, 0))
        wait_s = until_s - self._clock.monotonic_s()
        if count >= FAILURES_MAX and wait_s > 0 and _digest(token) not in self._valid:
            detail = "Too many refused tokens came from this address. Wait a minute and send a valid one."
            raise Raised(429, "too-many-failures", detail, {"Retry-After": str(int(wait_s) + 1)})

    def passed(self, token: str) -> None:
        """Note a valid token."""
        self._valid[_digest(token)] = None
        self._valid.move_to_end(_digest(token))
        while len(self._valid) > _TOKENS_MAX:
            self._valid.popitem(last=False)

    def failed(self, address: str | None, token: str) -> None:
        """Note one more failure."""
        self._valid.pop(_digest(token), None)
        now_s, key = self._clock.monotonic_s(), address or ""
        until_s, count = self._counts.pop(key, (0.0, 0))
        self._counts[key] = (until_s, count + 1) if until_s > now_s else (now_s + FAILURES_WINDOW_S, 1)
        while len(self._counts) > _ADDRESSES_MAX:
            self._counts.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def _actor(
    request: Request,
    deps: Annotated[ApiDeps, Depends(get_deps)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    if credentials is None:
        raise Unauthenticated
    address: str | None = request.state.client
    failures: FailedTokens = request.app.state.failed_tokens
    token = credentials.credentials
    failures.check(address, token)
    try:
        actor = await _authenticate(deps, token)
    except Unauthenticated:
        failures.failed(address, token)
        raise
    failures.passed(token)
    return actor


async def _authenticate(deps: ApiDeps, token: str) -> Actor:
    try:
        return await deps.access.authenticate(token)
    except Exception as error:
        # A database that was restarted leaves dead connections in the pool; the first to meet one clears them all, and
        # nobody needs to be told.
        if not is_outage(error):
            raise
        return await deps.access.authenticate(token)


class Needs:
    """A route's dependency: the actor, who holds this scope. The scope test reads it off the route."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __call__(self, actor: Annotated[Actor, Depends(_actor)]) -> Actor:
        """Return the actor or raise Forbidden."""
        actor.require(self.scope)
        return actor


def needs(scope: Scope) -> Any:
    """Ask for a scope, as the annotation of a route's `actor`."""
    return Depends(Needs(scope))
