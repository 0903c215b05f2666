"""Scripts that are kept, run, scheduled, or set off by what happens."""

from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console


def messages(console: Console) -> list[str]:
    return [row["message"] for row in console.rows("/log/print") if "script" in row["topics"]]


def test_a_script_runs_by_name_and_counts(console: Console) -> None:
    console.add("/system/script", name="hello", source=':log info "hello"')
    console.say("/system/script/run", "=.id=hello")
    console.say("/system/script/run", "=number=hello")
    (row,) = console.rows("/system/script/print")
    assert (row["run-count"], row["owner"]) == ("2", "script")
    assert messages(console) == ["hello", "hello"]
    console.add("/system/script", name="bad", source="\n/ppp secret remove nobody")
    assert console.trap("/system/script/run", "=.id=bad")[0] == "no such item (/ppp/secret/remove; line 2)"


def test_nobody_gives_or_runs_policies_he_lacks(console: Console) -> None:
    console.add("/system/script", name="strong", source=":put 1")
    console.access.policies = frozenset(("read", "write", "api"))
    assert console.trap("/system/script/run", "=.id=strong") == ("not enough permissions (9)", None)
    assert console.trap("/system/script/add", "=name=x", "=policy=read,reboot")[0] == "not enough permissions (9)"
    console.add("/system/script", name="weak", source="/user add name=x group=full")
    assert console.rows("/system/script/print", "?name=weak")[0]["policy"] == "read,write"
    assert "not enough permissions" in console.trap("/system/script/run", "=.id=weak")[0]


def test_execute_gives_a_job_or_the_output(console: Console) -> None:
    assert console.say("/execute", "=script=:put [:len abc]", "=as-string=") == "3"
    job = console.say("/execute", "=script=:log info ran")
    assert isinstance(job, str)
    assert job.startswith("*")
    assert messages(console) == ["ran"]
    assert console.say("/execute", "=script=/ip foo", "=as-string=") == "bad command name foo (line 1 column 5)"
    assert console.rows("/system/script/job/print") == []


def test_a_scheduler_runs_at_its_time_and_again(console: Console) -> None:
    console.add("/system/scheduler", name="tick", interval="10m", on_event=":log info tick")
    console.wait_s(601)
    console.wait_s(600)
    (row,) = console.rows("/system/scheduler/print")
    assert (row["run-count"], row["next-run"]) == ("2", "1970-01-02 00:30:00")
    assert messages(console) == ["tick", "tick"]
    console.say("/system/scheduler/disable", "=.id=tick")
    console.wait_s(3_600)
    assert len(messages(console)) == 2
    assert "next-run" not in console.rows("/system/scheduler/print")[0]


def test_startup_means_every_boot_and_counts_are_lost_there(console: Console) -> None:
    run_script(
        console.router,
        '/system script add name=boot source=":global n; :set n up; :log info booted"\n'
        "/system scheduler add name=s start-time=startup on-event=boot\n"
        "/system scheduler add name=later interval=1h on-event=boot",
    )
    console.wait_s(3_601)
    assert console.rows("/system/scheduler/print", "?name=later")[0]["run-count"] == "1"
    console.router.reboot()
    console.wait_s(2)
    assert {row["run-count"] for row in console.rows("/system/scheduler/print")} == {"0"}
    console.wait_s(1)  # three seconds after the start, says the manual
    counts = {row["name"]: row["run-count"] for row in console.rows("/system/scheduler/print")}
    assert counts == {"s": "1", "later": "0"}
    assert messages(console)[-1] == "booted"


def test_a_scheduler_of_another_day_waits_for_the_right_time(console: Console) -> None:
    run_script(
        console.router,
        "/system scheduler add name=night interval=1d start-date=2026-05-29 start-time=03:00:00 "
        'on-event=":log info night"',
    )
    console.wait_s(7_200)
    assert messages(console) == []  # it is 1970
    run_script(console.router, "/system ntp client set enabled=yes servers=1.1.1.1")
    console.wait_s(1)
    assert console.rows("/system/scheduler/print")[0]["next-run"] == "2026-05-29 03:00:00"
    console.wait_s(5 * 3_600)
    assert messages(console) == ["night"]


def test_a_scheduler_that_fails_says_so_in_the_log_and_goes_on(console: Console) -> None:
    console.add("/system/scheduler", name="bad", interval="1m", on_event="/ppp secret remove nobody")
    console.wait_s(61)
    console.wait_s(60)
    assert console.rows("/system/scheduler/print")[0]["run-count"] == "2"
    assert "no such item" in messages(console)[0]


def test_a_profile_greets_and_sees_off_its_users(console: Console) -> None:
    run_script(
        console.router,
        """
/ip pool add name=p ranges=10.0.0.2-10.0.0.9
/ppp profile add name=plan local-address=10.0.0.1 remote-address=p \
    on-up={:log info ("up " . $user . " " . $"remote-address" . " " . [/interface get $interface name])} \
    on-down=":log info \\"down \\$user\\""
/ppp secret add name=ann password=pw profile=plan
""",
    )
    console.router.dial("ann", "pw")
    console.wait_s(0)
    console.router.hangup("ann")
    console.wait_s(0)
    assert messages(console) == ["up ann 10.0.0.2 <pppoe-ann>", "down ann"]


def test_log_lines_come_over_the_api_too(console: Console) -> None:
    console.say("/log/warning", "=message=watch out")
    assert console.rows("/log/print")[-1]["topics"] == "script,warning"


def test_a_removed_global_variable_is_forgotten(console: Console) -> None:
    run_script(console.router, ":global x 5")
    row = console.rows("/system/script/environment/print")[0]
    console.say("/system/script/environment/remove", f"=.id={row['.id']}")
    assert run_script(console.router, ":global x\n:put [:typeof $x]") == "nothing"


def test_a_script_that_calls_itself_ends(console: Console) -> None:
    console.add("/system/script", name="loop", source="/system script run loop")
    message, _ = console.trap("/system/script/run", "=.id=loop")
    assert "too many scripts are running" in message
