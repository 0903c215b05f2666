"""Who a PPPoE server lets in: the server that answers, the secret, the host, and how often one may be online."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.mikrotik.errors import DialError
from lab.mikrotik.store.table import Row
from lab.mikrotik.store.tables import Tables

# PPPoE has 16 bits for a session's number on one interface; several interfaces share this bound here.
MAX_SESSIONS = 65_535


# PPPoE sessions by level of the licence (the manual's page on licences); level 6 has no bound.
LICENCE_SESSIONS = {"0": 1, "1": 1, "3": 200, "4": 200, "5": 500}
LICENCE_MENU = "/system/license"


@dataclass(frozen=True, slots=True)
class Caller:
    """What a modem says when it dials. An empty service asks for any."""

    user: str
    password: str
    mac: str
    service: str = ""


class Admission:
    """Reads the servers and the secrets; refuses with DialError."""

    def __init__(self, tables: Tables, sessions_of: Callable[[Row], int]) -> None:
        self._tables = tables
        self._servers = tables.get("/interface/pppoe-server/server")
        self._secrets = tables.get("/ppp/secret")
        self._interfaces = tables.get("/interface")
        self._sessions_of = sessions_of

    def server_for(self, service: str) -> Row:
        """The first server that offers the service. A full one makes no offer, so the modem only sees silence."""
        full = False
        for server in self._servers:
            if not self._offers(server, service):
                continue
            if not self._is_full(server):
                return server
            full = True
        if full:
            raise DialError("no PPPoE server answers (timeout): its max-sessions is reached", "max-sessions")
        raise DialError("no PPPoE server answers (timeout)", "no-server")

    def _offers(self, server: Row, service: str) -> bool:
        if not server.enabled:
            return False
        interface = self._interfaces.find(server.get("interface"))
        if interface is None or not interface.enabled:
            return False
        if not service:
            return server.get("accept-empty-service") != "false"
        return service == server.get("service-name")

    def check_licence(self, online: int) -> None:
        """Refuse one more than the licence allows. What the router says then is not known."""
        if self._tables.has(LICENCE_MENU):
            level = self._tables.setting(LICENCE_MENU, "nlevel")
            if online >= LICENCE_SESSIONS.get(level, MAX_SESSIONS):
                raise DialError(f"license level {level} allows no more sessions", "licence")

    def _is_full(self, server: Row) -> bool:
        limit = server.get("max-sessions")
        bound = min(int(limit), MAX_SESSIONS) if limit.isdecimal() and limit != "0" else MAX_SESSIONS
        return self._sessions_of(server) >= bound

    def secret_for(self, caller: Caller) -> Row:
        """The secret that fits. The router says the same of every misfit; `why` tells them apart."""
        secret = None if caller.user.startswith("*") else self._secrets.find(caller.user)
        why = _misfit(secret, caller)
        if secret is None or why:
            raise DialError("user authentication failed", why)
        return secret


def _misfit(secret: Row | None, caller: Caller) -> str:
    if secret is None:
        return "unknown-user"
    if not secret.enabled:
        return "disabled"
    if secret.get("service") not in ("any", "pppoe"):
        return "wrong-service"
    if secret.get("password") != caller.password:
        return "bad-secret"
    return "" if secret.get("caller-id") in ("", caller.mac) else "caller-id"
