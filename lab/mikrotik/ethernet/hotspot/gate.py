"""The hotspot as a whole: what it says of a packet before the firewall, and how devices log in and out."""

from collections.abc import Iterable

from lab.mikrotik.errors import HotspotError
from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hosts import Host, Hosts
from lab.mikrotik.ethernet.hotspot.cookies import Cookies
from lab.mikrotik.ethernet.hotspot.garden import Garden
from lab.mikrotik.ethernet.hotspot.login import Login
from lab.mikrotik.ethernet.hotspot.logins import Logins
from lab.mikrotik.ethernet.hotspot.presence import Presence, Presences
from lab.mikrotik.ethernet.hotspot.servers import Servers
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.packets.packets import Packet, Ruling
from lab.mikrotik.store.table import Row

_PAGE_PORTS = (80, 8080, 3128)
# What a browser may log in by; the first that the server profile takes is what /ip/hotspot/active shows.
_PAGE_WAYS = ("http-chap", "http-pap", "https")
CLIENT, AUTH = "from-client", "auth"


class Hotspot:
    """All hotspot servers of the router."""

    def __init__(self, ground: Ground, hosts: Hosts) -> None:
        self._ground = ground
        self._hosts = hosts
        self.servers = Servers(ground)
        self.presences = Presences(ground, self.servers)
        self.logins = Logins(ground)
        self.cookies = Cookies(ground)
        self.garden = Garden(ground.tables, ground.names)
        self.presences.on_gone = self._gone
        # While it was logged in nothing waited for its silence.
        self.logins.on_logout.append(lambda login, _reason: self.presences.watch(login.presence))

    # -- packets ------------------------------------------------------------------------------------------------

    def heard(self, host: Host) -> Presence | None:
        """A packet came in; a device that has the right logs in by it."""
        presence, is_new = self.presences.heard(host)
        if presence is None or presence.logged_in:
            return presence
        if (is_new or self._ground.switches.relogin_by_any_packet) and self.presences.binding(presence) == "regular":
            self._log_in_unasked(presence)
        return presence

    def source(self, host: Host) -> str:
        """The address its packets have behind the hotspot."""
        presence = self.presences.of_host(host)
        return host.address if presence is None else presence.to_address

    def takes_any_address(self, interface: str) -> bool:
        """A running server with an address pool gives hosts of foreign networks an address of its own."""
        server = self.servers.at(interface)
        return server is not None and server.get("address-pool") not in ("", "none")

    def marks(self, host: Host) -> frozenset[str]:
        """What the matcher `hotspot` sees of a host's packets."""
        presence = self.presences.of_host(host)
        if presence is None:
            return frozenset()
        return frozenset((CLIENT, AUTH)) if self._is_free(presence) else frozenset((CLIENT,))

    def ruling(self, host: Host, packet: Packet, asked: str, *, to_router: bool) -> Ruling | None:
        """What the hotspot decides before the firewall is asked; None leaves it to the firewall."""
        presence = self.presences.of_host(host)
        if presence is None:
            return None
        if self.presences.binding(presence) == "blocked":
            return Ruling(passes=False, by="hotspot: blocked")
        if self._is_free(presence):
            return None
        return self._walled(presence, packet, asked, to_router=to_router)

    def _is_free(self, presence: Presence) -> bool:
        kind = self.presences.binding(presence)
        return kind == "bypassed" or (kind == "regular" and presence.logged_in)

    def _walled(self, presence: Presence, packet: Packet, asked: str, *, to_router: bool) -> Ruling | None:
        """For who is not logged in: the garden by address, DNS and DHCP, the garden by name, the page, or no."""
        action = self.garden.address_rule(presence, packet)
        if action:
            return None if action == "accept" else Ruling(passes=False, by="hotspot: walled-garden/ip")
        own = self.servers.address(presence.server)
        if packet.port == 53 and packet.protocol in ("udp", "tcp"):
            return Ruling(passes=True, by="hotspot: dns", to=own, port=53)
        if packet.port == 67 and packet.protocol == "udp":
            return Ruling(passes=True, by="hotspot: dhcp", to=own, port=67)
        at_page = to_router or asked == self.servers.dns_name(presence.server) != ""
        if packet.protocol == "tcp":
            if not at_page and self.garden.allows_name(presence, packet, asked):
                return None
            if packet.port in _PAGE_PORTS or (at_page and packet.port == 443 and self.servers.has_tls(presence.server)):
                return Ruling(passes=True, by="hotspot: login page", to=own, port=443 if packet.port == 443 else 80)
        return Ruling(passes=False, by="hotspot: not logged in")

    # -- in and out ---------------------------------------------------------------------------------------------

    def log_in(self, who: str, user: str = "", password: str = "") -> Login:
        """Log a device in as its page would; without a user by the cookie its browser holds. HotspotError says why
        not."""
        host = self._hosts.find(who)
        presence = None if host is None else self.heard(host)
        if presence is None:
            raise HotspotError(f"no hotspot sees {who}; plug it in at an interface of /ip/hotspot, with an address")
        if self.presences.binding(presence) == "blocked":
            raise HotspotError("this host is blocked by /ip/hotspot/ip-binding")
        if not user:
            return self._by_browser_cookie(presence)
        way = next((way for way in _PAGE_WAYS if self.servers.logs_in_by(presence.server, way)), None)
        if way is None:
            raise HotspotError("configuration error (the server profile's login-by takes no password)")
        return self._with_cookies(self.logins.log_in(presence, user, password, way), password)

    def log_in_by_api(self, presence: Presence, user: str, password: str) -> Login:
        """`/ip/hotspot/active/login`."""
        return self._with_cookies(self.logins.log_in(presence, user, password, "admin"), password)

    def log_out(self, who: str, *, erase_cookie: bool = True) -> bool:
        """The user presses "log off" on the page. False when he was not logged in."""
        host = self._hosts.find(who)
        presence = None if host is None else self.presences.of_host(host)
        login = None if presence is None else self.logins.of_presence(presence)
        if login is None or presence is None:
            return False
        if erase_cookie:
            for mac_cookie in (True, False):
                self.cookies.take(presence.host.mac, mac_cookie=mac_cookie)
        self.logins.end(login, "user request")
        return True

    def _by_browser_cookie(self, presence: Presence) -> Login:
        cookie = self.cookies.of(presence.host.mac, mac_cookie=False)
        if cookie is None or not self.servers.logs_in_by(presence.server, "cookie"):
            raise HotspotError(f"you are not logged in (ip {presence.address})")
        return self.logins.log_in(presence, cookie.user, self._repeated(cookie.password), "cookie")

    def _log_in_unasked(self, presence: Presence) -> None:
        """By MAC cookie, then by MAC, where the server takes those."""
        mac = presence.host.mac
        for user, password, way in self._unasked(presence.server, mac):
            try:
                self.logins.log_in(presence, user, password, way)
            except HotspotError:
                continue
            return

    def _unasked(self, server: Row, mac: str) -> Iterable[tuple[str, str | None, str]]:
        cookie = self.cookies.of(mac, mac_cookie=True)
        if cookie is not None and self.servers.logs_in_by(server, "mac-cookie"):
            yield cookie.user, self._repeated(cookie.password), "mac-cookie"
        if self.servers.logs_in_by(server, "mac") and self.logins.users.find(mac, server.get("name")) is not None:
            profile = self.servers.profile(server)
            both = profile.get("mac-auth-mode") == "mac-as-username-and-password"
            yield mac, mac if both else profile.get("mac-auth-password"), "mac"

    def _repeated(self, password: str) -> str | None:
        return password if self._ground.switches.cookie_repeats_password else None

    def _with_cookies(self, login: Login, password: str) -> Login:
        """Cookies of a login that somebody typed."""
        server, mac, name = login.presence.server, login.presence.host.mac, login.user.get("name")
        profile = self.logins.users.profile(login.user)
        if profile.get("add-mac-cookie") == "true" and self.servers.logs_in_by(server, "mac-cookie"):
            lifetime_us = duration_us(profile.get("mac-cookie-timeout"))
            self.cookies.give(name, password, mac, lifetime_us, mac_cookie=True)
        if login.way in _PAGE_WAYS and self.servers.logs_in_by(server, "cookie"):
            lifetime_us = duration_us(self.servers.profile(server).get("http-cookie-lifetime"))
            self.cookies.give(name, password, mac, lifetime_us, mac_cookie=False)
        return login

    # -- hosts that come and go -----------------------------------------------------------------------------------

    def leaving(self, host: Host) -> None:
        """While it is still there: note when it was last heard."""
        if (presence := self.presences.of_host(host)) is not None:
            self.logins.note_heard(presence)

    def unplugged(self, host: Host) -> None:
        """Its rows stay until keepalive or idle time is over."""
        presence = self.presences.of_host(host)
        if presence is None:
            return
        login = self.logins.of_presence(presence)
        if login is None:
            self.presences.watch(presence)
        else:
            self.logins.watch(login)

    def counted(self, host: Host) -> None:
        """The host's counters grew."""
        presence = self.heard(host)
        login = None if presence is None else self.logins.of_presence(presence)
        if login is not None:
            self.logins.counted(login)

    def _gone(self, presence: Presence, reason: str) -> None:
        login = self.logins.of_presence(presence)
        if login is not None:
            self.logins.end(login, reason)

    def go_down(self, *, told: bool) -> None:
        self.logins.go_down(told=told)
        self.presences.forget_all()

    def come_up(self) -> None:
        self.cookies.come_up()
        self.servers.come_up()
