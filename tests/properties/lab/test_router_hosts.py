"""Whatever devices, users and operators do in whatever order, the books of leases and hotspot agree."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.mikrotik.counting.habits import HABITS
from lab.mikrotik.errors import HostError, HotspotError, Trap
from lab.mikrotik.router import Router, Setup
from tests.unit.lab.mikrotik.conftest import Console, HeldClock

MACS = tuple(f"02:00:00:00:00:{number:02X}" for number in range(1, 6))
USERS = ("ann", "bob")
DAY_S = 86_400
_macs = st.sampled_from(MACS)
_users = st.sampled_from(USERS)
_menus = st.sampled_from([
    "/ip/hotspot/active", "/ip/hotspot/host", "/ip/hotspot/cookie", "/ip/dhcp-server/lease",
    "/ip/firewall/connection", "/ip/hotspot/ip-binding",
])  # fmt: skip
_steps = st.one_of(
    st.tuples(st.just("plug"), _macs, st.sampled_from(["dhcp", "dhcp", "10.5.50.200"])),
    st.tuples(st.just("unplug"), _macs),
    st.tuples(st.just("login"), _macs, _users),
    st.tuples(st.just("logout"), _macs),
    st.tuples(st.just("reach"), _macs),
    st.tuples(st.just("carry"), _macs, st.integers(0, 400_000), st.integers(0, 400_000)),
    st.tuples(st.just("connect"), _macs),
    st.tuples(st.just("habit"), _macs, st.sampled_from(sorted(HABITS))),
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("remove"), _menus),
    st.tuples(st.just("static")),
    st.tuples(st.just("rate"), st.sampled_from(["1M/1M", "3M/4M"])),
    st.tuples(st.just("bind"), _macs, st.sampled_from(["bypassed", "blocked"])),
    st.tuples(st.just("reset"), _users),
    st.tuples(st.just("user"), _users, st.sampled_from(["yes", "no"])),
    st.tuples(st.just("server"), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("boot"), st.sampled_from(["", "reboot"])),
)


class Cafe:
    """A small hotspot with DHCP, and what may be done to it."""

    def __init__(self) -> None:
        clock = HeldClock()
        self.console = Console(Router(Setup(), clock), clock)
        self.router = self.console.router
        add = self.console.add
        add("/ip/address", address="10.5.50.1/24", interface="bridge")
        add("/ip/pool", name="lan", ranges="10.5.50.10-10.5.50.13")
        add("/ip/dhcp-server", name="dhcp1", interface="bridge", address_pool="lan", lease_time="10m", disabled="no")
        add("/ip/hotspot/profile", name="hs", login_by="http-pap,mac-cookie,cookie")
        add("/ip/hotspot", name="hs1", interface="bridge", profile="hs", disabled="no")
        add("/ip/hotspot/user/profile", name="plan", rate_limit="2M/5M", address_list="online", idle_timeout="5m",
            session_timeout="20m")  # fmt: skip
        for user in USERS:
            add("/ip/hotspot/user", name=user, profile="plan", limit_bytes_total="5000000")
        for mac in MACS[:3]:
            self.router.plug_in(mac)

    def do(self, step: tuple[str, ...]) -> None:
        """One step; a router that refuses is as good as one that obeys."""
        with suppress(HostError, HotspotError, Trap):
            getattr(self, f"_{step[0]}")(*step[1:])

    def _plug(self, mac: str, address: str) -> None:
        self.router.plug_in(mac, address=address)

    def _unplug(self, mac: str) -> None:
        self.router.unplug(mac)

    def _login(self, mac: str, user: str) -> None:
        self.router.hotspot_login(mac, user, "")

    def _logout(self, mac: str) -> None:
        self.router.hotspot_logout(mac)

    def _reach(self, mac: str) -> None:
        self.router.reach(mac, "203.0.113.1")

    def _carry(self, mac: str, up: int, down: int) -> None:
        self.router.carry(mac, up, down)

    def _connect(self, mac: str) -> None:
        self.router.connect(mac, "203.0.113.1")

    def _habit(self, mac: str, habit: str) -> None:
        self.router.habit(mac, habit)

    def _wait(self, seconds: int) -> None:
        self.console.wait_s(seconds)

    def _remove(self, menu: str) -> None:
        self.console.say(f"{menu}/remove", "=numbers=0")

    def _static(self) -> None:
        rows = self.console.rows("/ip/dhcp-server/lease/print", "?dynamic=true")
        self.console.say("/ip/dhcp-server/lease/make-static", f"=.id={rows[0]['.id'] if rows else '*FFFF'}")

    def _rate(self, rate: str) -> None:
        self.console.say("/ip/dhcp-server/lease/set", "=numbers=0", f"=rate-limit={rate}")

    def _bind(self, mac: str, kind: str) -> None:
        self.console.add("/ip/hotspot/ip-binding", mac_address=mac, type=kind)

    def _reset(self, user: str) -> None:
        self.console.say("/ip/hotspot/user/reset-counters", f"=.id={user}")

    def _user(self, user: str, disabled: str) -> None:
        self.console.say("/ip/hotspot/user/set", f"=.id={user}", f"=disabled={disabled}")

    def _server(self, disabled: str) -> None:
        self.console.say("/ip/hotspot/set", "=.id=hs1", f"=disabled={disabled}")

    def _boot(self, reason: str) -> None:
        self.router.go_down(reason)
        self.router.come_up()

    def check(self) -> None:
        """What must hold at any instant."""
        rows = self.console.rows
        active = rows("/ip/hotspot/active/print")
        leases = rows("/ip/dhcp-server/lease/print")
        online = {row["mac-address"]: row["address"] for row in active}
        assert len(online) == len(active)
        assert sorted(row["address"] for row in rows("/ip/firewall/address-list/print")) == sorted(online.values())
        present = {row["mac-address"] for row in rows("/ip/hotspot/host/print")}
        assert set(online) <= present
        for user in USERS:
            assert sum(row["user"] == user for row in active) <= 1
        taken = [row["active-address"] for row in leases if row["status"] == "bound"]
        assert len(set(taken)) == len(taken)
        limited = {row["active-address"] for row in leases if row["status"] == "bound" and "rate-limit" in row}
        queues = [row["target"].removesuffix("/32") for row in rows("/queue/simple/print")]
        assert sorted(queues) == sorted([*online.values(), *limited])
        granted = {row["address"] for row in leases if row["status"] != "waiting"}
        assert {row["address"] for row in rows("/ip/pool/used/print")} == granted
        self._check_hosts()

    def _check_hosts(self) -> None:
        hosts = self.router.access.hosts.plugged()
        arp = {row["address"]: row["mac-address"] for row in self.console.rows("/ip/arp/print")}
        assert arp == {host.address: host.mac for host in hosts if host.address}
        for host in hosts:
            self.router.counters.of_station(host)
            assert min(host.bytes_up, host.bytes_down) >= 0
        for row in self.console.rows("/ip/hotspot/user/print"):
            assert int(row["bytes-in"]) >= 0
        ports = {row["name"]: row for row in self.console.rows("/interface/print")}
        assert ports["bridge"]["rx-byte"] == ports["ether1"]["tx-byte"]


@settings(max_examples=60, deadline=None)
@given(st.lists(_steps, max_size=40))
def test_the_books_of_hosts_agree_whatever_happens(steps: list[tuple[str, ...]]) -> None:
    cafe = Cafe()
    for step in steps:
        cafe.do(step)
        cafe.check()
    for mac in MACS:
        cafe.router.unplug(mac)
    cafe.console.wait_s(DAY_S)
    cafe.console.wait_s(DAY_S)
    for menu in ("/ip/hotspot/active", "/ip/hotspot/host", "/queue/simple", "/ip/pool/used", "/ip/arp"):
        assert cafe.console.rows(f"{menu}/print") == []
    assert cafe.console.rows("/ip/dhcp-server/lease/print", "?dynamic=true") == []
