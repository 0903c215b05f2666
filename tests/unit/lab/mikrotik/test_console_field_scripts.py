"""Scripts as they are met in the field: voucher clocks on login, expiry checks, webhooks, everything abbreviated."""

from collections.abc import Callable

import pytest

from lab.mikrotik.errors import ScriptError
from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console

NewConsole = Callable[..., Console]

HOTSPOT = """
/ip address add address=10.5.50.1/24 interface=bridge
/ip pool add name=guests ranges=10.5.50.10-10.5.50.250
/ip dhcp-server network add address=10.5.50.0/24 gateway=10.5.50.1
/ip dhcp-server add name=guests address-pool=guests interface=bridge disabled=no
/ip hotspot profile add name=page hotspot-address=10.5.50.1 login-by=http-pap,mac-cookie
/ip hotspot add name=guests interface=bridge profile=page disabled=no
/ip hotspot user profile add name=day rate-limit=1M/2M
/ip hotspot user add name=K7QX password=K7QX profile=day comment=vc-0111
"""

# The first login asks a scheduler when its interval would be over, keeps that in the comment, and locks the device.
FIRST_LOGIN = r"""
:put (",remc,20,1d,"); {:local today [ /system clock get date ]; :local year [:pick $today 7 11];
:local note [/ip hotspot user get [/ip hotspot user find where name="$user"] comment];
:if ([:pic $note 0 2] = "vc" or $note = "") do={
  /sys sch add name="$user" disable=no start-date=$today interval="1d"; :delay 2s;
  :local exp [ /sys sch get [ /sys sch find where name="$user" ] next-run]; :local size [len $exp];
  :if ($size = 8) do={ /ip hotspot user set comment="$today $exp" [find where name="$user"] };
  :if ($size = 15) do={ :local d [:pic $exp 0 6]; :local t [:pic $exp 7 16]; :local s ("/");
    /ip hotspot user set comment="$d$s$year $t" [find where name="$user"] };
  :if ($size > 15) do={ /ip hotspot user set comment=$exp [find where name="$user"] };
  /sys sch remove [find where name="$user"];
  [:local mac $"mac-address"; /ip hotspot user set mac-address=$mac [find where name=$user]]}}
"""

# What runs every minute beside it, for dates with a month in letters.
SWEEP = r"""
:local asnumber do={:local months ("jan","feb","mar","apr","may","jun","jul","aug","sep","oct","nov","dec");
  :local month ([:find $months [:pick $d 0 3]] + 1); :if ([len $month] = 1) do={:set month ("0" . $month)};
  :local year [:pick $d 7 11]; :local day [:pick $d 4 6]; :return [:tonum ("$year$month$day")]};
:local today [$asnumber d=[/system clock get date]];
:foreach i in [ /ip hotspot user find where profile="day" ] do={ :local note [/ip hotspot user get $i comment];
  :local name [/ip hotspot user get $i name];
  :if ([:pic $note 3] = "/" and [$asnumber d=$note] < $today) do={
    [ /ip hotspot user remove $i ]; [ /ip hotspot active remove [find where user=$name] ]}}
"""


def with_hotspot(new_console: NewConsole, version: str) -> Console:
    console = new_console(version=version)
    ntp = "primary-ntp" if version.startswith("6") else "servers"
    run_script(console.router, f"/system ntp client set enabled=yes {ntp}=10.0.0.1{HOTSPOT}")
    console.wait_s(1)
    console.say("/ip/hotspot/user/profile/set", "=.id=day", f"=on-login={FIRST_LOGIN}")
    console.router.plug_in("02:00:00:00:00:01", name="phone")
    return console


def complaints(console: Console) -> list[str]:
    return [row["message"] for row in console.rows("/log/print") if "script,error" in row["topics"]]


@pytest.mark.parametrize(
    ("version", "until"),
    [("6.49.18", "may/29/2026 20:26:41"), ("7.8", "may/29/2026 20:26:41"), ("7.18.2", "2026-05-29 20:26:41")],
)
def test_a_voucher_is_valid_for_a_day_from_its_first_login(new_console: NewConsole, version: str, until: str) -> None:
    console = with_hotspot(new_console, version)
    console.router.hotspot_login("phone", "K7QX", "K7QX")
    console.wait_s(0)
    assert complaints(console) == []
    (voucher,) = console.rows("/ip/hotspot/user/print", "?name=K7QX")
    assert (voucher["comment"], voucher["mac-address"]) == (until, "02:00:00:00:00:01")
    assert console.rows("/system/scheduler/print") == []


def test_the_sweep_removes_a_voucher_the_day_after_and_its_session(new_console: NewConsole) -> None:
    console = with_hotspot(new_console, "6.49.18")
    console.add("/system/scheduler", name="sweep", interval="1m", on_event=SWEEP)
    console.router.hotspot_login("phone", "K7QX", "K7QX")
    console.wait_s(0)
    console.wait_s(86_400)
    assert len(console.rows("/ip/hotspot/active/print")) == 1
    console.wait_s(86_400)
    assert complaints(console) == []
    assert console.rows("/ip/hotspot/active/print") == []
    assert console.rows("/ip/hotspot/user/print", "?name=K7QX") == []


@pytest.mark.parametrize(
    ("version", "asked_at_s", "reads"),
    [
        ("6.49.18", 3_600, "22:26:41"),
        ("6.49.18", 86_400, "may/29 21:26:41"),
        ("6.49.18", 300 * 86_400, "mar/24/2027 21:26:41"),
        ("7.18.2", 3_600, "2026-05-28 22:26:41"),
    ],
)
def test_the_next_run_is_as_short_as_its_version_writes_it(
    new_console: NewConsole, version: str, asked_at_s: int, reads: str
) -> None:
    console = with_hotspot(new_console, version)
    console.wait_s(3_600)
    console.add("/system/scheduler", name="once", interval=str(asked_at_s))
    assert console.rows("/system/scheduler/print")[0]["next-run"] == reads


def test_a_console_knows_what_only_one_word_can_mean(console: Console) -> None:
    run_script(
        console.router,
        """
/s sch
a i=10s n=tick on-e=":log w ticked"
/ip h u a n=ann pass=pw
/ip h u rem [f name=ann]
:loc x [:pic "abc" 1]
:log info $x
""",
    )
    assert [row["name"] for row in console.rows("/ip/hotspot/user/print")] == ["default-trial"]
    (tick,) = console.rows("/system/scheduler/print")
    assert (tick["name"], tick["interval"]) == ("tick", "10s")
    console.wait_s(10)
    assert [row["message"] for row in console.rows("/log/print")][-2:] == ["b", "ticked"]
    with pytest.raises(ScriptError, match="bad command name re"):
        run_script(console.router, ":re 5")  # resolve, retry or return?
    message, _ = console.trap("/ppp/secret/add", "=name=ann", "=pass=pw")  # the API wants every letter
    assert message == "unknown parameter pass"


def test_a_value_may_follow_its_name_after_a_blank(console: Console) -> None:
    run_script(
        console.router,
        "/system scheduler add name=ann interval=1d\n"
        '/system scheduler set ann interval ([get ann interval] + "1d")\n'
        ":local n 0\n:foreach one in [/system scheduler find] do={ :set n ($n + 1) }\n"
        ":for i from 1 to 3 do={ :set n ($n + $i) }\n"
        ":log info $n",
    )
    assert console.rows("/system/scheduler/print")[0]["interval"] == "2d"
    assert console.rows("/log/print")[-1]["message"] == "7"
    with pytest.raises(ScriptError, match="expected end of command"):
        run_script(console.router, "/system scheduler set ann nonsense 5")


def test_a_subscriber_who_comes_up_is_put_on_a_list_and_off_it_again(console: Console) -> None:
    run_script(
        console.router,
        """
/ip pool add name=p ranges=10.0.0.2-10.0.0.9
/ppp profile add name=night local-address=10.0.0.1 remote-address=p \
    on-up={/ip firewall address-list add list=night address=$"remote-address" timeout=8h comment=$user} \
    on-down={/ip firewall address-list remove [find list=night comment=$user]}
/ppp secret add name=ann password=pw profile=night
/ip firewall filter add chain=forward src-address-list=night action=drop comment=night place-before=[find]
""",
    )
    console.router.dial("ann", "pw")
    console.wait_s(0)
    assert console.router.reach("ann", "8.8.8.8").by == "night"
    console.router.hangup("ann")
    console.wait_s(0)
    assert complaints(console) == []
    assert console.rows("/ip/firewall/address-list/print") == []


def test_a_webhook_is_noted_and_answered_only_by_hosts_that_are_there(new_console: NewConsole) -> None:
    console = new_console(hosts={"billing.example.co.ke": ["203.0.113.9"]})
    run_script(
        console.router,
        r"""
:local said [/tool fetch http-method=post url="https://billing.example.co.ke/up" http-data="user=ann" as-value]
:log info ("said " . ($said->"status"))
:do { /tool fetch url="http://nobody.example/x" keep-result=no } on-error={ :log warning "no webhook" }
""",
    )
    assert [row["message"] for row in console.rows("/log/print")][-2:] == ["said finished", "no webhook"]
    first, second = console.router.journal.events_after(kind="fetch")
    assert first.facts == {"url": "https://billing.example.co.ke/up", "method": "post", "data": "user=ann"}
    assert second.facts["url"] == "http://nobody.example/x"


def test_a_home_device_fetches_nothing(new_console: NewConsole) -> None:
    console = new_console(device_mode="home", hosts={"billing.example.co.ke": ["203.0.113.9"]})
    assert console.trap("/tool/fetch", "=url=http://billing.example.co.ke/")[0] == "failure: not allowed by device-mode"
    assert console.trap("/tool/fetch")[0] == "failure: not allowed by device-mode"
    assert console.router.journal.events_after(kind="fetch") == []


def test_a_scheduler_with_an_interval_does_not_run_at_the_start_itself(console: Console) -> None:
    run_script(console.router, '/system scheduler add name=s start-time=startup interval=1h on-event=":log info now"')
    console.router.reboot()
    console.wait_s(60)
    assert console.rows("/system/scheduler/print")[0]["run-count"] == "0"
    console.wait_s(3_600)
    assert console.rows("/system/scheduler/print")[0]["run-count"] == "1"


def test_time_tells_what_a_script_would_have_waited(console: Console) -> None:
    run = run_script(console.router, ":put [:time {:delay 2s; :delay 90}]\n:put [:typeof [:time {:put x}]]")
    assert run.split("\n") == ["00:01:32", "x", "time"]


def test_a_menu_of_one_row_prints_its_names_right_aligned(console: Console) -> None:
    lines = run_script(console.router, "/system clock print").split("\n")
    assert len({line.index(":") for line in lines}) == 1
    assert "                  date: 1970-01-02" in lines
