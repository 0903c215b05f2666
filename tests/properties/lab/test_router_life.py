"""Whatever happens to a router in whatever order, its books agree: sessions, rows, pools, counters."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.mikrotik.counting.habits import HABITS
from lab.mikrotik.errors import DialError, Trap
from lab.mikrotik.router import Router, Setup
from tests.unit.lab.mikrotik.conftest import Console, HeldClock

USERS = ("ann", "bob", "cyd", "dan")
_users = st.sampled_from(USERS)
_steps = st.one_of(
    st.tuples(st.just("dial"), _users),
    st.tuples(st.just("redial"), _users),
    st.tuples(st.just("hang up"), _users),
    st.tuples(st.just("vanish"), _users),
    st.tuples(st.just("habit"), _users, st.sampled_from(sorted(HABITS))),
    st.tuples(st.just("carry"), _users, st.integers(0, 10_000), st.integers(0, 10_000)),
    st.tuples(st.just("connect"), _users),
    st.tuples(st.just("wait"), st.integers(1, 200)),
    st.tuples(st.just("broad"), st.sampled_from(["100.64.0.0/24", "100.64.0.3", "ether2", "0.0.0.0/0"])),
    st.tuples(st.just("first"), st.integers(0, 5)),
    st.tuples(st.just("remove queue")),
    st.tuples(st.just("boot"), st.sampled_from(["", "reboot"])),
    st.tuples(st.just("server"), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("read")),
)


class Tower:
    """A small tower and what may be done to it."""

    def __init__(self) -> None:
        clock = HeldClock()
        self.console = Console(Router(Setup(), clock), clock)
        console = self.console
        console.add("/ip/pool", name="homes", ranges="100.64.0.2-100.64.0.4")
        console.add(
            "/ppp/profile", name="plan", rate_limit="2M/5M", remote_address="homes", local_address="100.64.0.1",
            address_list="online", session_timeout="10m",
        )  # fmt: skip
        for user in USERS:
            console.add("/ppp/secret", name=user, profile="plan", limit_bytes_out="50000000")

    def do(self, step: tuple[Any, ...]) -> None:
        """One step; a router that refuses is as good as one that obeys."""
        router = self.console.router
        steps: dict[str, Callable[..., object]] = {
            "dial": lambda user: router.dial(user, ""),
            "redial": router.redial,
            "hang up": router.hangup,
            "vanish": router.vanish,
            "habit": router.habit,
            "carry": router.carry,
            "connect": lambda user: router.connect(user, "203.0.113.1"),
            "wait": self.console.wait_s,
            "broad": self._add_queue,
            "first": self._move_first,
            "remove queue": lambda: self.console.say("/queue/simple/remove", "=numbers=0"),
            "boot": self._boot,
            "server": lambda said: self.console.say(
                "/interface/pppoe-server/server/set", "=.id=*1", f"=disabled={said}"
            ),
            "read": self.read,
        }
        with suppress(DialError, Trap):
            steps[step[0]](*step[1:])

    def _add_queue(self, target: str) -> None:
        name = f"q{len(self.console.router.tables.get('/queue/simple'))}"
        self.console.add("/queue/simple", name=name, target=target)

    def _move_first(self, at: int) -> None:
        rows = self.console.rows("/queue/simple/print", "=.proplist=.id")
        if rows:
            self.console.say("/queue/simple/move", f"=numbers={at}", f"=destination={rows[0]['.id']}")

    def _boot(self, reason: str) -> None:
        self.console.router.go_down(reason)
        self.console.router.come_up()

    def read(self) -> dict[str, list[dict[str, str]]]:
        paths = ("/interface", "/queue/simple", "/ip/firewall/connection", "/ppp/active", "/ip/pool")
        return {path: self.console.rows(f"{path}/print") for path in paths}

    def check(self) -> None:
        """What must hold at any instant."""
        router = self.console.router
        sessions = router.sessions.all()
        found = self.read()
        names = sorted(session.interface for session in sessions)
        assert sorted(row["name"] for row in found["/interface"] if row["type"] == "pppoe-in") == names
        assert sorted(row["name"] for row in found["/queue/simple"] if row["dynamic"] == "true") == names
        addresses = [row["address"] for row in found["/ppp/active"]]
        assert len(set(addresses)) == len(addresses) <= 3
        assert router.pools.used("homes") == len(addresses)
        assert [row["address"] for row in router.rows("/ip/firewall/address-list")] == addresses
        ports = {row["name"]: row for row in found["/interface"]}
        for session in sessions:
            row = ports[session.interface]
            assert (int(row["rx-byte"]), int(row["tx-byte"])) == (session.bytes_up, session.bytes_down)
        assert int(ports["ether2"]["rx-byte"]) >= sum(session.bytes_up for session in sessions)
        for way, back in (("rx", "tx"), ("tx", "rx")):
            for what in ("byte", "packet"):
                assert ports["ether2"][f"{way}-{what}"] == ports["ether1"][f"{back}-{what}"]
        for row in found["/queue/simple"]:
            for name in ("bytes", "packets", "rate"):
                assert all(int(part) >= 0 for part in row[name].split("/"))


@settings(max_examples=60, deadline=None)
@given(st.lists(_steps, max_size=40))
def test_the_books_of_a_router_agree_whatever_happens(steps: list[tuple[Any, ...]]) -> None:
    tower = Tower()
    for step in steps:
        tower.do(step)
        tower.check()


@settings(max_examples=30, deadline=None)
@given(st.lists(_steps, max_size=30), st.integers(1, 5))
def test_reading_changes_nothing(steps: list[tuple[Any, ...]], reads: int) -> None:
    quiet, watched = Tower(), Tower()
    for step in steps:
        quiet.do(step)
        watched.do(step)
        for _ in range(reads):
            watched.read()
    assert quiet.read() == watched.read()
