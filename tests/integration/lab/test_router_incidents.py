"""Incidents that other systems published, each played again on the simulated router in a few lines.

What belongs to the router of each is here: what an agent makes of it is tested with the agent.
"""

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import librouteros
import pytest
import pytest_asyncio
from librouteros.exceptions import LibRouterosError, TrapError

from lab.door import Door
from lab.mikrotik.control import control_door
from lab.mikrotik.network.server import serve
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.thread import RunningRouter, running_router
from lab.talk.player import Player
from lab.talk.script import read_script

VERSIONS = ("6.49.18", "7.18.2")

ONLINE = """
at router script text="/ppp secret add name=w1 password=x remote-address=10.7.0.9"
at router dial user=w1 password=x gives online=true
"""
GUESTS = """
at router script text="/ip address add address=10.5.50.1/24 interface=bridge"
at router script text="/ip hotspot profile add name=page hotspot-address=10.5.50.1 login-by=http-pap,mac-cookie"
at router script text="/ip hotspot add name=guests interface=bridge profile=page disabled=no"
at router script text="/ip hotspot user add name=K7QX password=K7QX"
at router plug mac=02:00:00:00:00:07 name=phone address=10.5.50.20
at router hotspot-login who=phone user=K7QX password=K7QX gives online=true
"""


@pytest_asyncio.fixture(params=VERSIONS)
async def play(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], object]]:
    router = Router(Setup(version=request.param, password="x"))
    async with (
        serve(router) as server,
        control_door(server, "127.0.0.1", 0) as port,
        Door("127.0.0.1", port, name="the router") as door,
    ):
        player = Player({"router": door}, lambda _line, _answer: None)
        yield lambda script: player.play(read_script(script, {"router"}))


async def test_rules_below_fasttrack_stop_nobody_who_is_already_talking(
    play: Callable[[str], object],
) -> None:
    await play(ONLINE + """
at router connect who=w1 to=1.1.1.1 gives open=true
at router script text="/ip firewall filter add chain=forward action=drop src-address-list=walled comment=wall"
at router script text="/ip firewall address-list add list=walled address=10.7.0.9"
at router reach who=w1 to=1.1.1.1 gives reach=true by=fasttrack
at router reach who=w1 to=9.9.9.9 gives reach=false by=wall
at router script text="/ip firewall filter move [find comment=wall] [find comment~\\"fasttrack\\" !dynamic]"
at router reach who=w1 to=1.1.1.1 gives reach=true by=fasttrack
at router script text="/ip firewall connection remove [find]"
at router reach who=w1 to=1.1.1.1 gives reach=false by=wall
""")  # fmt: skip


async def test_a_device_that_was_thrown_out_logs_in_again_by_its_mac_cookie(play: Callable[[str], object]) -> None:
    await play(GUESTS + """
at router script text="/ip hotspot active remove [find user=K7QX]"
at router reach who=phone to=1.1.1.1 gives reach=true      # the cookie, before anybody could look
at router rows menu=/ip/hotspot/active gives rows.0.login-by=mac-cookie
at router script text="/ip hotspot cookie remove [find]; /ip hotspot active remove [find user=K7QX]"
at router reach who=phone to=1.1.1.1 gives reach=false
at router hotspot-login who=phone user=K7QX password=K7QX gives online=true
at router script text="/ip hotspot user set K7QX disabled=yes; /ip hotspot active remove [find user=K7QX]"
at router reach who=phone to=1.1.1.1 gives reach=false     # a disabled user's cookie opens nothing
""")  # fmt: skip


async def test_a_secret_renamed_by_hand_leaves_a_session_without_a_secret(play: Callable[[str], object]) -> None:
    await play(ONLINE + """
at router script text="/ppp secret set w1 name=\\"Mama Njeri\\""
at router sessions gives sessions.length=1 sessions.0.user=w1
at router reach who=w1 to=1.1.1.1 gives reach=true
at router hangup user=w1
at router dial user=w1 password=x gives online=false why=unknown-user
at router dial user="Mama Njeri" password=x gives online=true address=10.7.0.9
""")  # fmt: skip


async def test_a_deleted_subscriber_surfs_on_until_somebody_ends_his_session(play: Callable[[str], object]) -> None:
    await play(ONLINE + """
at router script text="/ppp secret remove w1"
at router reach who=w1 to=1.1.1.1 gives reach=true
at router script text="/ppp active remove [find name=w1]"
at router reach who=w1 to=1.1.1.1 gives reach=false by=offline
at router dial user=w1 password=x gives online=false
""")  # fmt: skip


async def test_a_router_reset_to_its_factory_is_adopted_again(play: Callable[[str], object]) -> None:
    await play(ONLINE + """
at router reset down_s=0
at router sessions gives sessions.length=0
at router rows menu=/ppp/secret gives rows.length=0
at router dial user=w1 password=x gives online=false why=unknown-user
at router script text="/ppp secret add name=w1 password=x remote-address=10.7.0.9"
at router dial user=w1 password=x gives online=true
""")  # fmt: skip


async def test_after_a_power_cut_it_is_1970_and_whatever_had_a_time_is_gone(play: Callable[[str], object]) -> None:
    await play(ONLINE + """
at router clock gives time~1970
at router script text="/ip firewall address-list add list=grace address=10.7.0.9 timeout=1d"
at router script text="/ip firewall address-list add list=walled address=10.7.0.8"
at router power-cut down_s=0
at router rows menu=/ip/firewall/address-list gives rows.length=1 rows.0.list=walled
at router sessions gives sessions.length=0
at router rows menu=/ppp/secret gives rows.length=1
at router clock gives synchronized=false
at router redial user=w1 gives online=true
""")  # fmt: skip


async def test_the_clock_goes_back_to_1970_until_ntp_answers(play: Callable[[str], object]) -> None:
    await play("""
at router script text=":do {/system ntp client set enabled=yes servers=10.0.0.1} on-error={}"
at router script text=":do {/system ntp client set enabled=yes primary-ntp=10.0.0.1} on-error={}"
until router clock gives synchronized=true
at router clock ntp_answers=false
at router power-cut down_s=0
at router clock gives synchronized=false utc~1970-01-02
at router clock ntp_answers=true
until router clock gives synchronized=true
""")


# -- over the API, with a client that is not ours -------------------------------------------------------------------


@pytest.fixture(params=VERSIONS)
def tower(request: pytest.FixtureRequest) -> Iterator[RunningRouter]:
    with running_router(Setup(version=request.param, user="owner", password="x")) as running:
        running.script("/ppp secret add name=w1 password=x remote-address=10.7.0.9")
        running.dial("w1", "x")
        yield running


def connected(running: RunningRouter, user: str, password: str = "") -> librouteros.api.Api:
    api = librouteros.connect(running.host, user, password, port=running.port, timeout=5)
    _OPEN.append(api)
    return api


_OPEN: list[librouteros.api.Api] = []


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def say_and_lose(api: librouteros.api.Api, command: str, **values: str) -> None:
    """Something that ends every connection."""
    list(api(command, **values))
    list(api("/system/identity/print"))


def connected_again(running: RunningRouter, user: str, password: str = "") -> librouteros.api.Api:
    """Once it is up again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return connected(running, user, password)
        except TrapError:
            raise
        except (OSError, LibRouterosError):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_an_old_id_means_a_neighbour_after_a_reboot(tower: RunningRouter) -> None:
    tower.script("/ppp secret add name=w2")
    ids = {row["name"]: row[".id"] for row in connected(tower, "owner", "x").path("ppp", "secret")}
    tower.reboot(down_s=0.01)
    after = {row[".id"]: row["name"] for row in connected_again(tower, "owner", "x").path("ppp", "secret")}
    assert sorted(after.values()) == ["w1", "w2"]
    assert after.get(ids["w2"]) == "w1"


@pytest.mark.parametrize("no_defaults", ["no", "yes"])
def test_a_factory_reset_over_the_api_leaves_admin_and_nothing_of_ours(tower: RunningRouter, no_defaults: str) -> None:
    api = connected(tower, "owner", "x")
    with pytest.raises((LibRouterosError, OSError)):
        say_and_lose(api, "/system/reset-configuration", **{"no-defaults": no_defaults, "skip-backup": "yes"})
    admin = connected_again(tower, "admin")
    with pytest.raises(TrapError, match="invalid user name or password"):
        connected(tower, "owner", "x")
    assert [row["name"] for row in admin.path("user")] == ["admin"]
    assert tower.online() == {}
    assert list(admin.path("ppp", "secret")) == []
    assert (list(admin.path("ip", "address")) == []) is (no_defaults == "yes")
    assert next(iter(admin("/system/identity/print")))["name"] == "MikroTik"


def test_a_backup_brings_users_secrets_and_rules_back_but_no_session(tower: RunningRouter) -> None:
    api = connected(tower, "owner", "x")
    list(api("/system/backup/save", name="good", **{"dont-encrypt": "yes"}))
    tower.script("/ppp secret remove [find]; /ip firewall filter remove [find !dynamic]; /user add name=x group=full")
    with pytest.raises((LibRouterosError, OSError)):
        say_and_lose(api, "/system/backup/load", name="good", password="")
    api = connected_again(tower, "owner", "x")
    assert [row["name"] for row in api.path("ppp", "secret")] == ["w1"]
    assert [row["name"] for row in api.path("user")] == ["owner"]
    assert "defconf: fasttrack" in [row.get("comment") for row in api.path("ip", "firewall", "filter")]
    assert tower.online() == {}
    assert tower.dial("w1", "x") == "10.7.0.9"


def test_an_export_of_one_router_makes_another_answer_the_same(tower: RunningRouter) -> None:
    tower.script(
        "/ip firewall address-list add list=walled address=10.7.0.0/24\n"
        "/ip firewall filter add chain=forward action=drop src-address-list=walled dst-port=25 protocol=tcp "
        'comment="no \\"mail\\""'
    )
    secrets = "" if tower.on_router(lambda router: router.version) < (7,) else "show-sensitive"
    text = tower.on_router(lambda router: router.desk.run(f"/export {secrets}").output)
    with running_router(Setup(version=tower.on_router(lambda router: router.version_text), empty=True)) as other:
        other.script(text)
        other.dial("w1", "x")
        for asked in (("w1", "1.1.1.1"), ("w1", "1.1.1.1", "tcp", 25), ("w1", "198.51.100.2")):
            assert other.reach(*asked) == tower.reach(*asked)
        assert not other.reach("w1", "1.1.1.1", "tcp", 25).reach


def test_many_hands_at_once_end_in_one_session_each(tower: RunningRouter) -> None:
    """Two clients remove the same session at the same moment: one of them is told that there is none."""
    (row,) = connected(tower, "owner", "x").path("ppp", "active")
    outcomes: list[str] = []

    def remove() -> None:
        try:
            connected(tower, "owner", "x").path("ppp", "active").remove(row[".id"])
            outcomes.append("done")
        except TrapError as trap:
            outcomes.append(str(trap.message))

    threads = [threading.Thread(target=remove) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["done", "no such item"]
