"""What the control door can be asked about devices on the wire: plug, unplug, list, log in to the hotspot and out."""

from lab.control import Answer, Handlers, Request
from lab.mikrotik.errors import HotspotError
from lab.mikrotik.ethernet.hosts import BY_DHCP
from lab.mikrotik.router import Router
from lab.mikrotik.wire import from_wire, to_wire


class HostControl:
    """Handlers for one router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self.verbs: Handlers = {
            "plug": self._plug,
            "unplug": self._unplug,
            "hosts-on": self._hosts_on,
            "hotspot-login": self._login,
            "hotspot-logout": self._logout,
        }

    def _plug(self, request: Request) -> Answer:
        """Put a device on the wire: mac=… [interface=bridge] [address=dhcp] [name=…] [host_name=…] [client_id=…]."""
        host = self._router.plug_in(
            str(request["mac"]),
            str(request.get("interface", "bridge")),
            address=str(request.get("address", BY_DHCP)),
            name=to_wire(str(request.get("name", ""))),
            client_id=str(request.get("client_id", "")),
            host_name=to_wire(str(request.get("host_name", ""))),
            prefix=str(request.get("prefix", "")),
        )
        return {"mac": host.mac, "address": host.address}

    def _unplug(self, request: Request) -> Answer:
        """Take a device off the wire."""
        return {"was_on": self._router.unplug(who(request))}

    def _hosts_on(self, _request: Request) -> Answer:
        """Everything that sends packets from the access network: sessions and devices."""
        counters = self._router.counters
        return {"hosts": [
            {
                "name": from_wire(one.name), "mac": one.mac, "address": one.address, "prefix": one.prefix,
                "interface": from_wire(one.interface), "bytes_up": one.bytes_up, "bytes_down": one.bytes_down,
            }
            for one in map(counters.of_station, self._router.stations.all())
        ]}  # fmt: skip

    def _login(self, request: Request) -> Answer:
        """Log a device in at the hotspot's page: who=… [user=… password=…]; without a user by its browser's cookie."""
        user, password = (to_wire(str(request.get(name, ""))) for name in ("user", "password"))
        try:
            login = self._router.hotspot_login(who(request), user, password)
        except HotspotError as error:
            return {"online": False, "reason": from_wire(str(error))}
        return {"online": True, "by": login.way}

    def _logout(self, request: Request) -> Answer:
        """Press "log off" on the page: who=… [erase_cookie=true]."""
        erase = bool(request.get("erase_cookie", True))
        return {"was_online": self._router.hotspot_logout(who(request), erase_cookie=erase)}


def who(request: Request) -> str:
    """The station meant: a PPP user, a host's name, a MAC or an address."""
    for name in ("who", "mac"):
        if name in request:
            return to_wire(str(request[name]))
    return to_wire(str(request["user"]))
