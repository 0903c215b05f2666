"""The router's clock: 1970, NTP, a hand, a time zone; and the log that is stamped with it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from lab.mikrotik.fields.policy import POLICIES
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.life.log import MAX_ROWS
from lab.mikrotik.speech.commands import Access, parse
from lab.mikrotik.speech.language import Language
from lab.mikrotik.thread import RunningRouter
from tests.unit.lab.mikrotik.conftest import PASSWORD, Console, RawClient

# What the test's wall clock shows at its start.
NOW = datetime.fromtimestamp(1_780_000_000, UTC)


def log(console: Console) -> list[tuple[str, str, str]]:
    return [(row["time"], row["topics"], row["message"]) for row in console.rows("/log/print")]


def clock(console: Console) -> tuple[str, str]:
    (row,) = console.rows("/system/clock/print")
    return row["date"], row["time"]


def ask_ntp(console: Console) -> None:
    said = "=primary-ntp=10.0.0.1" if console.router.version < (7,) else "=servers=10.0.0.1"
    console.say("/system/ntp/client/set", "=enabled=yes", said)


# -- clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "first"),
    [("6.49.18", "jan/02/1970"), ("7.9.2", "jan/02/1970"), ("7.10", "1970-01-02"), ("7.18.2", "1970-01-02")],
)
def test_a_router_wakes_in_1970_and_ntp_takes_a_while(
    new_console: Callable[..., Console], version: str, first: str
) -> None:
    console = new_console(version=version, ntp_delay_s=20.0)
    ask_ntp(console)
    assert clock(console) == (first, "00:00:00")
    console.wait_s(19)
    assert clock(console) == (first, "00:00:19")
    if version[0] == "7":
        assert console.rows("/system/ntp/client/print")[0]["status"] == "waiting"
    console.wait_s(1)
    assert clock(console)[1] == f"{datetime.fromtimestamp(1_780_000_020, UTC):%H:%M:%S}"
    assert console.router.clock_is_set
    if version[0] == "7":
        assert console.rows("/system/ntp/client/print")[0]["status"] == "synchronized"


def test_ntp_that_never_answers_leaves_1970(new_console: Callable[..., Console]) -> None:
    console = new_console(ntp_answers=False)
    ask_ntp(console)
    console.wait_s(3_600)
    assert clock(console) == ("1970-01-02", "01:00:00")
    console.router.wall.ntp_says(answers=True)
    assert clock(console)[0] == f"{NOW:%Y-%m-%d}"


@pytest.mark.parametrize("cut", [True, False])
def test_every_boot_loses_the_clock_unless_there_is_a_battery(new_console: Callable[..., Console], cut: bool) -> None:
    for battery, date in ((False, "1970-01-02"), (True, f"{NOW:%Y-%m-%d}")):
        console = new_console(has_battery=battery, ntp_delay_s=5.0)
        ask_ntp(console)
        console.wait_s(5)
        console.router.go_down("" if cut else "reboot")
        console.router.come_up()
        assert clock(console)[0] == date
        console.wait_s(5)
        assert clock(console)[0] == f"{NOW:%Y-%m-%d}"


def test_a_hand_may_set_the_clock_and_ntp_sets_it_right_again(console: Console) -> None:
    console.say("/system/clock/set", "=date=2030-02-03", "=time=04:05:06")
    assert clock(console) == ("2030-02-03", "04:05:06")
    console.say("/system/clock/set", "=date=jan/05/2031")
    console.wait_s(60)
    assert clock(console) == ("2031-01-05", "04:06:06")
    ask_ntp(console)
    assert clock(console)[0] == f"{NOW:%Y-%m-%d}"
    console.say("/system/clock/set", "=date=2030-02-03")
    assert clock(console)[0] == "2030-02-03"
    console.wait_s(64)
    assert clock(console)[0] == f"{NOW:%Y-%m-%d}"
    assert console.trap("/system/clock/set", "=date=tomorrow") == ("invalid value for argument date", 1)
    assert console.trap("/system/clock/set", "=time=noon") == ("invalid value for argument time", 1)


def test_a_time_zone_moves_every_stamp(console: Console) -> None:
    ask_ntp(console)
    utc = console.router.stamp()
    console.say("/system/clock/set", "=time-zone-name=Africa/Nairobi")
    (row,) = console.rows("/system/clock/print")
    assert (row["gmt-offset"], row["dst-active"]) == ("+03:00", "false")
    apart = datetime.fromisoformat(console.router.stamp()) - datetime.fromisoformat(utc)
    assert apart.total_seconds() == 3 * 3_600
    console.say("/system/clock/set", "=time-zone-name=Europe/Riga", "=date=2030-07-01")
    (row,) = console.rows("/system/clock/print")
    assert (row["gmt-offset"], row["dst-active"]) == ("+03:00", "true")
    refused = console.trap("/system/clock/set", "=time-zone-name=Mars/Olympus")
    assert refused == ("input does not match any value of time-zone-name", 1)


# -- log ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "how", "topics", "early"),
    [
        ("6.49.18", "sntp", "system,info", "jan/02/1970 00:00:00"),
        ("7.18.2", "ntp", "system,clock,critical,info", "1970-01-02 00:00:00"),
    ],
)
def test_what_was_written_before_the_time_was_known_carries_1970(
    new_console: Callable[..., Console], version: str, how: str, topics: str, early: str
) -> None:
    console = new_console(version=version, ntp_delay_s=18.0)
    console.router.log("system,info", "early")
    ask_ntp(console)
    assert log(console)[0] == ("00:00:00", "system,info", "early")
    console.wait_s(18)
    lines = log(console)
    assert lines[0] == (early, "system,info", "early")
    now = datetime.fromtimestamp(1_780_000_018, UTC)
    assert lines[-1] == (
        f"{now:%H:%M:%S}", topics, f"{how} change time Jan/02/1970 00:00:18 => {now:%b/%d/%Y %H:%M:%S}",
    )  # fmt: skip


def test_an_older_line_of_this_year_reads_without_the_year_before_7_10(new_console: Callable[..., Console]) -> None:
    for version, read in (("6.49.18", "jan/02 00:00:00"), ("7.18.2", "1970-01-02 00:00:00")):
        console = new_console(version=version)
        console.router.log("system,info", "yesterday")
        console.wait_s(86_400)
        assert log(console)[0][0] == read


def test_the_log_is_bounded_and_can_be_asked_by_topic(console: Console) -> None:
    for at in range(MAX_ROWS + 10):
        console.router.log("script,warning" if at % 2 else "script,info", f"line {at}")
    assert len(console.rows("/log/print")) == MAX_ROWS
    found = console.rows("/log/print", "?topics=script,warning", "=.proplist=message")
    assert len(found) == MAX_ROWS // 2
    assert found[0] == {"message": "line 11"}


@pytest.mark.parametrize(
    ("version", "lines"),
    [
        ("6.49.18", ["ppp secret <ann> added by joe", "ppp secret <ann> changed by joe", "ppp secret removed by joe"]),
        ("7.18.2", [
            'ppp secret <ann> added by api:joe@10.0.0.9 (*1 = /ppp secret add comment="from upstairs" name=ann'
            " password=*****)",
            "ppp secret <ann> changed by api:joe@10.0.0.9/action:2 (/ppp secret set ann profile=default)",
            "ppp secret removed by api:joe@10.0.0.9/action:3 (/ppp secret remove *1)",
        ]),
    ],
)  # fmt: skip
def test_a_change_is_logged_with_who_made_it_and_never_with_a_password(
    new_console: Callable[..., Console], version: str, lines: list[str]
) -> None:
    console = new_console(version=version)
    joe = Access("joe", frozenset(POLICIES), ConnectionRecord(1, 0), "10.0.0.9")
    for words in (
        ("/ppp/secret/add", "=name=ann", "=password=hush", "=comment=from upstairs"),
        ("/ppp/secret/set", "=.id=ann", "=profile=default"),
        ("/ppp/secret/remove", "=.id=*1"),
    ):
        Language(console.router).run(parse(list(words)), joe)
    assert [(topics, message) for _, topics, message in log(console)] == [("system,info", line) for line in lines]


def test_what_was_refused_changed_nothing_and_is_not_logged(console: Console) -> None:
    console.trap("/ppp/secret/add", "=name=ann", "=profile=nothing")
    assert log(console) == []


def test_a_session_is_logged_from_its_first_to_its_last_word(new_console: Callable[..., Console]) -> None:
    for version, tail in (("6.49.18", ""), ("7.18.2", " from AA:AA:AA:AA:AA:01")):
        console = new_console(version=version)
        console.router.editor.add(
            console.router.tables.get("/ppp/secret"), {"name": "ann", "remote-address": "100.64.0.5"}
        )
        console.router.dial("ann", "", "AA:AA:AA:AA:AA:01")
        console.router.carry("ann", 3_000, 4_501)
        console.wait_s(143)
        console.router.hangup("ann")
        assert [line[1:] for line in log(console)] == [
            ("pppoe,info", "PPPoE connection established from AA:AA:AA:AA:AA:01"),
            ("pppoe,ppp,info,account", f"ann logged in, 100.64.0.5{tail}"),
            ("pppoe,ppp,info", "<pppoe-ann>: authenticated"),
            ("pppoe,ppp,info", "<pppoe-ann>: connected"),
            ("pppoe,ppp,info", "<pppoe-ann>: terminating... - hungup"),
            ("pppoe,ppp,info,account", f"ann logged out, 143 3000 4501 2 4{tail}"),
            ("pppoe,ppp,info", "<pppoe-ann>: disconnected"),
        ]


def test_api_users_are_logged_coming_failing_and_going(
    live: RunningRouter, connect: Callable[[RunningRouter], RawClient]
) -> None:
    watcher = connect(live).log_in()
    watcher.send(["/log/listen", "?topics=system,info,account", "=.proplist=message", ".tag=l"])
    other = connect(live)
    other.talk("/login", "=name=eve", "=password=guess")
    other.log_in()
    assert watcher.read()[-1] == "=message=user admin logged in from 127.0.0.1 via api"
    other.socket.close()
    assert watcher.read()[-1] == "=message=user admin logged out from 127.0.0.1 via api"
    failures = [row["message"] for row in live.rows("/log") if row["topics"] == "system,error,critical"]
    assert failures == ["login failure for user eve from 127.0.0.1 via api"]
    assert PASSWORD not in str(live.rows("/log"))
