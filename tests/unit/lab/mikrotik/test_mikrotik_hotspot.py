"""The hotspot: who is let in and why not, cookies and MACs that log in by themselves, what ends a login."""

from collections.abc import Callable

import pytest

from lab.mikrotik.errors import HotspotError
from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console

ANN, BEN = "02:00:00:00:00:0A", "02:00:00:00:00:0B"
USER, ACTIVE, HOST, COOKIE = (f"/ip/hotspot/{part}" for part in ("user", "active", "host", "cookie"))


def laid_out(console: Console) -> Console:
    """A hotspot on the bridge with two phones, and a user on a plan."""
    console.add("/ip/address", address="10.5.50.1/24", interface="bridge")
    console.add("/ip/hotspot/profile", name="hs", login_by="cookie,http-pap,mac-cookie", dns_name="wifi.example")
    console.add("/ip/hotspot", name="hs1", interface="bridge", profile="hs", disabled="no")
    console.add("/ip/hotspot/user/profile", name="plan", rate_limit="2M/5M", address_list="online")
    console.add(USER, name="ann", password="pw", profile="plan")
    console.router.plug_in(ANN, address="10.5.50.10", name="phone")
    console.router.plug_in(BEN, address="10.5.50.11")
    return console


@pytest.fixture
def cafe(console: Console) -> Console:
    return laid_out(console)


def refusal(cafe: Console, mac: str = ANN, user: str = "ann", password: str = "pw") -> str:
    with pytest.raises(HotspotError) as caught:
        cafe.router.hotspot_login(mac, user, password)
    return str(caught.value)


def online(cafe: Console, who: str = ANN) -> bool:
    return cafe.router.reach(who, "1.2.3.4").reach


def test_a_host_is_seen_by_its_first_packet_and_reaches_nothing_before_it_logs_in(cafe: Console) -> None:
    rows = cafe.rows(f"{HOST}/print")
    assert {(row["mac-address"], row["address"], row["authorized"]) for row in rows} == {
        (ANN, "10.5.50.10", "false"), (BEN, "10.5.50.11", "false"),
    }  # fmt: skip
    assert cafe.router.reach(ANN, "1.2.3.4").by == "hotspot: not logged in"
    assert not cafe.router.reach(ANN, "1.2.3.4", inbound=True).reach


def test_a_login_makes_its_rows_and_its_removal_takes_them_along(cafe: Console) -> None:
    cafe.router.hotspot_login("phone", "ann", "pw")
    assert online(cafe)
    (active,) = cafe.rows(f"{ACTIVE}/print")
    assert (active["user"], active["mac-address"], active["login-by"]) == ("ann", ANN, "http-pap")
    (queue,) = cafe.rows("/queue/simple/print")
    assert (queue["name"], queue["target"], queue["max-limit"]) == (
        "<hotspot-ann>", "10.5.50.10/32", "2000000/5000000",
    )  # fmt: skip
    (listed,) = cafe.rows("/ip/firewall/address-list/print")
    assert (listed["list"], listed["address"]) == ("online", "10.5.50.10")
    cafe.say(f"{COOKIE}/remove", "=.id=" + ",".join(row[".id"] for row in cafe.rows(f"{COOKIE}/print")))
    cafe.say(f"{ACTIVE}/remove", f"=.id={active['.id']}")
    for menu in (ACTIVE, "/queue/simple", "/ip/firewall/address-list"):
        assert cafe.rows(f"{menu}/print") == []
    assert not online(cafe)
    assert len(cafe.rows(f"{HOST}/print")) == 2


def test_who_has_no_right_reads_why_on_the_page(cafe: Console) -> None:
    assert refusal(cafe, password="wrong") == "invalid username or password"
    assert refusal(cafe, user="nobody") == "invalid username or password"
    cafe.say(f"{USER}/set", "=.id=ann", f"=mac-address={BEN}")
    assert refusal(cafe) == "user ann is not allowed to log in from this MAC address"
    cafe.say(f"{USER}/set", "=.id=ann", "=!mac-address=", "=disabled=yes")
    assert refusal(cafe) == "invalid username or password"
    messages = [row["message"] for row in cafe.rows("/log/print")]
    assert "ann (10.5.50.10): login failed: invalid username or password" in messages


def test_two_devices_share_a_user_only_as_far_as_the_profile_says(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    assert refusal(cafe, BEN) == "no more sessions are allowed for user ann"
    cafe.say("/ip/hotspot/user/profile/set", "=.id=plan", "=shared-users=2")
    cafe.router.hotspot_login(BEN, "ann", "pw")
    assert [row["name"] for row in cafe.rows("/queue/simple/print")] == ["<hotspot-ann>", "<hotspot-ann-1>"]


def test_a_mac_cookie_logs_a_removed_device_in_again_until_it_is_removed_too(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    kinds = {row["mac-cookie"]: row["expires-in"] for row in cafe.rows(f"{COOKIE}/print")}
    assert kinds == {"true": "3d", "false": "3d"}
    cafe.say(f"{ACTIVE}/remove", "=.id=*1")
    assert cafe.rows(f"{ACTIVE}/print") == []
    assert online(cafe)
    (active,) = cafe.rows(f"{ACTIVE}/print")
    assert active["login-by"] == "mac-cookie"
    for row in cafe.rows(f"{COOKIE}/print"):
        cafe.say(f"{COOKIE}/remove", f"=.id={row['.id']}")
    cafe.say(f"{ACTIVE}/remove", f"=.id={active['.id']}")
    assert not online(cafe)


def test_a_cookie_does_not_help_who_is_disabled_or_has_another_password(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.say(f"{USER}/set", "=.id=ann", "=password=new")
    assert online(cafe)
    cafe.say(f"{ACTIVE}/remove", "=.id=*1")
    assert not online(cafe)
    cafe.say(f"{USER}/set", "=.id=ann", "=password=pw", "=disabled=yes")
    assert not online(cafe)
    cafe.say(f"{USER}/enable", "=.id=ann")
    assert online(cafe)


def test_a_cookie_ends_in_its_time(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.wait_s(3 * 86_400 + 1)
    assert cafe.rows(f"{COOKIE}/print") == []


def test_a_browser_cookie_waits_for_the_page_to_be_opened(cafe: Console) -> None:
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=login-by=cookie,http-chap")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    (cookie,) = cafe.rows(f"{COOKIE}/print")
    assert cookie["mac-cookie"] == "false"
    cafe.say(f"{ACTIVE}/remove", "=.id=*1")
    assert not online(cafe)
    assert cafe.router.hotspot_login(ANN).way == "cookie"
    assert cafe.router.hotspot_logout(ANN)
    assert refusal(cafe, user="") == "you are not logged in (ip 10.5.50.10)"


def test_a_device_logs_in_by_its_mac_where_the_server_takes_that(cafe: Console) -> None:
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=login-by=mac", "=mac-auth-password=m")
    cafe.add(USER, name=BEN, password="m")
    assert online(cafe, BEN)
    assert cafe.rows(f"{ACTIVE}/print")[0]["login-by"] == "mac"
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=mac-auth-mode=mac-as-username-and-password")
    cafe.say(f"{ACTIVE}/remove", "=.id=*1")
    assert not online(cafe, BEN)
    cafe.say(f"{USER}/set", f"=.id={BEN}", f"=password={BEN}")
    assert online(cafe, BEN)


def test_only_a_new_host_logs_in_by_itself_where_that_is_assumed(new_console: Callable[..., Console]) -> None:
    cafe = laid_out(new_console(switches=Switches(relogin_by_any_packet=False)))
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.say(f"{ACTIVE}/remove", "=.id=*1")
    assert not online(cafe)
    cafe.say(f"{HOST}/remove", "=.id=" + cafe.rows(f"{HOST}/print", f"?mac-address={ANN}")[0][".id"])
    assert online(cafe)


@pytest.mark.parametrize(("limit", "up", "down"), [("in", 900, 0), ("out", 0, 900), ("total", 500, 400)])
def test_a_byte_limit_ends_the_login_and_refuses_the_next_until_counters_are_reset(
    cafe: Console, limit: str, up: int, down: int
) -> None:
    cafe.say(f"{USER}/set", "=.id=ann", f"=limit-bytes-{limit}=1000")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, up, down)
    assert len(cafe.rows(f"{ACTIVE}/print")) == 1
    cafe.router.carry(ANN, up, down)
    assert cafe.rows(f"{ACTIVE}/print") == []
    assert refusal(cafe) == "user ann has reached traffic limit"
    (user,) = cafe.rows(f"{USER}/print", "?name=ann")
    assert (user["bytes-in"], user["bytes-out"]) == (str(2 * up), str(2 * down))
    cafe.say(f"{USER}/reset-counters", "=.id=ann")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    assert cafe.rows(f"{USER}/print", "?name=ann")[0]["bytes-in"] == "0"


def test_an_uptime_limit_is_used_up_over_many_logins(cafe: Console) -> None:
    cafe.say(f"{USER}/set", "=.id=ann", "=limit-uptime=1h")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.wait_s(2_400)
    assert cafe.rows(f"{ACTIVE}/print")[0]["session-time-left"] == "20m"
    assert cafe.rows(f"{USER}/print", "?name=ann")[0]["uptime"] == "40m"
    cafe.router.hotspot_logout(ANN)
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.wait_s(1_201)
    assert cafe.rows(f"{ACTIVE}/print") == []
    assert refusal(cafe) == "user ann has reached uptime limit"
    cafe.say(f"{USER}/set", "=.id=ann", "=limit-uptime=2h")
    cafe.router.hotspot_login(ANN, "ann", "pw")


def test_counters_reset_while_online_count_from_then(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, 700, 70)
    cafe.say(f"{USER}/reset-counters", "=.id=ann")
    cafe.router.carry(ANN, 5, 6)
    (user,), (active,) = cafe.rows(f"{USER}/print", "?name=ann"), cafe.rows(f"{ACTIVE}/print")
    assert (user["bytes-in"], user["bytes-out"], active["bytes-in"]) == ("5", "6", "705")


def test_a_session_ends_in_its_time_or_in_silence(cafe: Console) -> None:
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=login-by=http-pap")
    cafe.say("/ip/hotspot/user/profile/set", "=.id=plan", "=session-timeout=10m", "=idle-timeout=4m")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    for _ in range(2):
        cafe.wait_s(180)
        assert online(cafe)
    cafe.wait_s(241)
    assert cafe.router.journal.events_after(0, "hotspot-logout")[-1].facts["reason"] == "idle timeout"
    cafe.router.hotspot_login(ANN, "ann", "pw")
    for _ in range(3):
        cafe.wait_s(200)
        cafe.router.carry(ANN, 1, 1)
    assert cafe.router.journal.events_after(0, "hotspot-logout")[-1].facts["reason"] == "session timeout"


def test_a_device_that_left_is_logged_out_after_keepalive_and_may_come_back_before(cafe: Console) -> None:
    cafe.say("/ip/hotspot/profile/set", "=.id=hs", "=login-by=http-pap")
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.unplug(ANN)
    cafe.wait_s(60)
    cafe.router.plug_in(ANN, address="10.5.50.10")
    cafe.wait_s(100)
    assert online(cafe)
    cafe.router.unplug(ANN)
    cafe.wait_s(119)
    assert len(cafe.rows(f"{ACTIVE}/print")) == 1
    cafe.wait_s(2)
    assert cafe.rows(f"{ACTIVE}/print") == []
    cafe.router.plug_in(ANN, address="10.5.50.10")
    assert not online(cafe)


def test_a_silent_host_is_forgotten_and_seen_again(cafe: Console) -> None:
    cafe.wait_s(301)
    assert cafe.rows(f"{HOST}/print") == []
    cafe.router.reach(ANN, "1.2.3.4")
    assert len(cafe.rows(f"{HOST}/print")) == 1


def test_the_api_logs_a_host_in(cafe: Console) -> None:
    cafe.say(f"{ACTIVE}/login", "=user=ann", "=password=pw", "=ip=10.5.50.10", f"=mac-address={ANN}")
    assert online(cafe)
    assert cafe.trap(f"{ACTIVE}/login", "=user=ann", "=ip=10.5.50.99")[0] == "unknown host IP 10.5.50.99"
    assert cafe.trap(f"{ACTIVE}/login", "=user=ann", "=password=x", "=ip=10.5.50.11")[0].startswith("invalid username")
    assert cafe.trap(f"{ACTIVE}/login", "=user=ann", "=color=red")[0] == "unknown parameter color"


def test_bindings_are_met_in_their_order(cafe: Console) -> None:
    binding = "/ip/hotspot/ip-binding"
    blocked = cafe.add(binding, mac_address=ANN, type="blocked")
    assert cafe.router.reach(ANN, "1.2.3.4").by == "hotspot: blocked"
    assert refusal(cafe).startswith("this host is blocked")
    bypassed = cafe.add(binding, address="10.5.50.0/24", type="bypassed")
    assert online(cafe, BEN)
    assert not online(cafe)
    cafe.say(f"{binding}/move", f"=numbers={bypassed}", f"=destination={blocked}")
    assert online(cafe)
    (host,) = cafe.rows(f"{HOST}/print", f"?mac-address={ANN}")
    assert (host["bypassed"], host["authorized"]) == ("true", "false")
    cafe.say(f"{binding}/disable", f"=.id={bypassed}")
    assert not online(cafe, BEN)


def test_a_host_is_made_a_binding(cafe: Console) -> None:
    (host,) = cafe.rows(f"{HOST}/print", f"?mac-address={BEN}")
    cafe.say(f"{HOST}/make-binding", f"=.id={host['.id']}", "=type=bypassed", "=comment=tv")
    (row,) = cafe.rows("/ip/hotspot/ip-binding/print")
    assert (row["mac-address"], row["type"], row["bypassed"], row["comment"]) == (BEN, "bypassed", "true", "tv")
    assert online(cafe, BEN)


def test_a_binding_waits_for_a_new_host_where_that_is_assumed(new_console: Callable[..., Console]) -> None:
    cafe = laid_out(new_console(switches=Switches(bindings_at_once=False)))
    cafe.add("/ip/hotspot/ip-binding", mac_address=ANN, type="bypassed")
    assert not online(cafe)
    cafe.say(f"{HOST}/remove", "=.id=" + cafe.rows(f"{HOST}/print", f"?mac-address={ANN}")[0][".id"])
    assert online(cafe)


def test_a_reboot_forgets_logins_and_hosts_but_not_cookies_and_totals(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, 100, 200)
    cafe.router.go_down("reboot")
    cafe.router.come_up()
    assert {row["login-by"] for row in cafe.rows(f"{ACTIVE}/print")} == {"mac-cookie"}
    (user,) = cafe.rows(f"{USER}/print", "?name=ann")
    assert (user["bytes-in"], user["bytes-out"]) == ("100", "200")
    cafe.router.carry(ANN, 1, 1)
    assert cafe.rows(f"{ACTIVE}/print")[0]["bytes-in"] == "1"


def test_nothing_survives_where_flash_is_assumed_to_keep_nothing(new_console: Callable[..., Console]) -> None:
    lost = Switches(cookies_survive_reboot=False, hotspot_counters_survive_reboot=False)
    cafe = laid_out(new_console(switches=lost))
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, 100, 200)
    cafe.router.reboot()
    assert cafe.rows(f"{ACTIVE}/print") == cafe.rows(f"{COOKIE}/print") == []
    assert cafe.rows(f"{USER}/print", "?name=ann")[0]["bytes-in"] == "0"
    assert len(cafe.rows(f"{HOST}/print")) == 2
    assert not online(cafe)


def test_a_power_cut_takes_what_was_not_added_at_a_logout(cafe: Console) -> None:
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, 100, 0)
    cafe.router.hotspot_logout(ANN)
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.carry(ANN, 11, 0)
    cafe.router.go_down("")
    cafe.router.come_up()
    assert cafe.rows(f"{USER}/print", "?name=ann")[0]["bytes-in"] == "100"


def test_a_user_is_unique_per_name_and_server(cafe: Console) -> None:
    said = cafe.trap(f"{USER}/add", "=name=ann")
    assert said[0] == "failure: already have user with this name for this server"
    cafe.add(USER, name="ann", server="hs1", password="own")
    assert refusal(cafe) == "invalid username or password"
    cafe.router.hotspot_login(ANN, "ann", "own")


def test_a_disabled_server_lets_everybody_pass(cafe: Console) -> None:
    cafe.say("/ip/hotspot/disable", "=.id=hs1")
    assert online(cafe)
    assert cafe.rows(f"{HOST}/print", f"?mac-address={ANN}") == []


def test_a_habit_uses_up_the_bytes_of_a_user(cafe: Console) -> None:
    cafe.say(f"{USER}/set", "=.id=ann", "=limit-bytes-out=50000000")
    cafe.router.habit("phone", "streaming")
    cafe.router.hotspot_login("phone", "ann", "pw")
    for _ in range(600):
        cafe.wait_s(1)
        if not cafe.rows(f"{ACTIVE}/print"):
            break
    assert cafe.router.journal.events_after(0, "hotspot-logout")[-1].facts["reason"] == "traffic limit reached"
    used = int(cafe.rows(f"{USER}/print", "?name=ann")[0]["bytes-out"])
    assert 50_000_000 <= used < 52_000_000
    assert cafe.rows("/queue/simple/print") == []


def test_a_device_that_sends_by_habit_is_not_idle(cafe: Console) -> None:
    cafe.say("/ip/hotspot/user/profile/set", "=.id=plan", "=idle-timeout=2m")
    cafe.router.habit("phone", "streaming")
    cafe.router.hotspot_login("phone", "ann", "pw")
    for _ in range(10):
        cafe.wait_s(60)
    assert len(cafe.rows(f"{ACTIVE}/print")) == 1
    (queue,) = cafe.rows("/queue/simple/print")
    assert int(queue["bytes"].split("/")[1]) == int(cafe.rows(f"{ACTIVE}/print")[0]["bytes-out"]) > 0
    cafe.router.unplug("phone")
    cafe.wait_s(121)
    assert cafe.rows(f"{ACTIVE}/print") == []


def test_the_device_mode_of_a_home_router_has_no_hotspot(new_console: Callable[..., Console]) -> None:
    home = new_console(device_mode="home")
    assert home.trap("/ip/hotspot/add", "=interface=bridge")[0] == "failure: not allowed by device-mode"
    cafe = laid_out(new_console())
    cafe.router.device.mode = "home"
    assert online(cafe)
    assert cafe.rows("/ip/hotspot/print")[0]["proxy-status"] == "stopped"


def test_scripts_of_the_profile_see_who_came_and_why_he_went(cafe: Console) -> None:
    cafe.say("/ip/hotspot/user/profile/set", "=.id=plan", '=on-login=:log info "in $user $address"',
             '=on-logout=:log info "out $username $cause"')  # fmt: skip
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.router.hotspot_logout(ANN)
    cafe.wait_s(0)
    messages = [row["message"] for row in cafe.rows("/log/print")]
    assert "in ann 10.5.50.10" in messages
    assert "out ann user request" in messages


@pytest.mark.parametrize("version", ["6.49.18", "7.9.2", "7.24"])
def test_every_version_logs_in_and_out(new_console: Callable[..., Console], version: str) -> None:
    cafe = laid_out(new_console(version=version))
    cafe.router.hotspot_login(ANN, "ann", "pw")
    assert online(cafe)
    (active,) = cafe.rows(f"{ACTIVE}/print", "?user=ann")
    cafe.router.hotspot_logout(ANN)
    assert not online(cafe)
    assert active["server"] == "hs1"


def test_a_hotspot_with_a_pool_translates_addresses_of_foreign_networks(cafe: Console) -> None:
    cafe.add("/ip/pool", name="hs", ranges="10.5.50.100-10.5.50.200")
    cafe.say("/ip/hotspot/set", "=.id=hs1", "=address-pool=hs")
    cafe.router.plug_in("02:00:00:00:00:0C", address="192.168.1.7", name="stray")
    (host,) = cafe.rows(f"{HOST}/print", "?address=192.168.1.7")
    assert host["to-address"] == "10.5.50.100"
    cafe.router.hotspot_login("stray", "ann", "pw")
    assert cafe.rows(f"{ACTIVE}/print")[0]["address"] == "10.5.50.100"
    assert cafe.rows("/queue/simple/print")[0]["target"] == "10.5.50.100/32"
    cafe.add("/ip/firewall/filter", chain="forward", action="drop", src_address="10.5.50.100", comment="seen as")
    assert cafe.router.reach("stray", "1.2.3.4").by == "seen as"
    assert len(cafe.rows("/ip/pool/used/print")) == 1
    cafe.say(f"{HOST}/remove", f"=.id={host['.id']}")
    assert cafe.rows("/ip/pool/used/print") == []


def test_a_binding_may_name_the_address_a_host_is_translated_to(cafe: Console) -> None:
    cafe.add("/ip/hotspot/ip-binding", mac_address=ANN, to_address="10.5.50.99", type="bypassed")
    cafe.say(f"{HOST}/remove", "=.id=" + cafe.rows(f"{HOST}/print", f"?mac-address={ANN}")[0][".id"])
    cafe.add("/ip/firewall/filter", chain="forward", action="drop", src_address="10.5.50.99", comment="seen as")
    assert cafe.router.reach(ANN, "1.2.3.4").by == "seen as"


def test_a_host_that_was_logged_in_longer_than_hosts_are_kept_is_forgotten_after_its_logout(cafe: Console) -> None:
    cafe.router.unplug(BEN)
    cafe.wait_s(180)
    cafe.router.hotspot_login(ANN, "ann", "pw")
    cafe.wait_s(150)
    cafe.router.unplug(ANN)
    cafe.wait_s(121)
    cafe.wait_s(301)
    assert cafe.rows(f"{ACTIVE}/print") == []
    assert cafe.rows(f"{HOST}/print") == []
