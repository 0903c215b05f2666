"""What sets the console going: `on-up` and `on-down` of PPP, `on-login` and `on-logout` of the hotspot, a DHCP server's
`lease-script`, and a clock that jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.mikrotik.ethernet.hotspot.login import Login
from lab.mikrotik.ethernet.leases import Grant
from lab.mikrotik.ppp.sessions import Session
from lab.mikrotik.store.table import Row

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk


def attend(desk: Desk) -> None:
    """Be told of sessions, logins and leases; their scripts run right after, when their rows are there or gone."""
    router = desk.router
    logins = router.access.hotspot.logins

    def soon(what: str, text: str, variables: dict[str, str]) -> None:
        if text:
            router.timers.at(router.now_us(), lambda: desk.scripts.event(what, text, variables))

    def logged(what: str, login: Login, cause: str) -> None:
        soon(what, logins.users.profile(login.user).get(what), _of_login(login, cause))

    def leased(server: Row, grant: Grant, *, bound: bool) -> None:
        soon("lease-script", server.get("lease-script"), _of_lease(server, grant, bound=bound))

    router.sessions.on_start.append(lambda session: soon("on-up", session.on_up, _variables(session)))
    router.sessions.on_end.append(lambda session, _reason: soon("on-down", session.on_down, _variables(session)))
    logins.on_login.append(lambda login: logged("on-login", login, ""))
    logins.on_logout.append(lambda login, reason: logged("on-logout", login, reason))
    router.access.leases.on_bound.append(lambda server, grant: leased(server, grant, bound=True))
    router.wall.on_change.append(lambda _before, _after, _how: desk.schedulers.clock_changed())
    router.access.leases.on_gone.append(lambda server, grant: leased(server, grant, bound=False))


def _variables(session: Session) -> dict[str, str]:
    """What the manual says these scripts see; `interface` is the row of the session's interface."""
    row = next((row for table, row in session.rows if table.menu.path == "/interface"), None)
    return {
        "user": session.user, "local-address": session.local_address, "remote-address": session.address,
        "caller-id": session.caller_id, "called-id": "", "interface": row.id if row is not None else "",
    }  # fmt: skip


def _of_login(login: Login, cause: str) -> dict[str, str]:
    """What the manual says `on-login` and `on-logout` see."""
    presence = login.presence
    name = login.user.get("name")
    return {
        "user": name, "username": name, "address": presence.address, "mac-address": presence.host.mac,
        "interface": presence.host.interface, "cause": cause,
    }  # fmt: skip


def _of_lease(server: Row, grant: Grant, *, bound: bool) -> dict[str, str]:
    """What the manual says a `lease-script` sees."""
    return {
        "leaseBound": "1" if bound else "0", "leaseServerName": server.get("name"), "leaseActMAC": grant.host.mac,
        "leaseActIP": grant.address, "lease-hostname": grant.host.host_name,
    }  # fmt: skip
