"""What goes wrong at a tower: routers, power, the link, clocks, foreign hands, and hostile messages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.messages import Ack, Command, Delta, Held, Hello, Result, Resync
from protocol.signing import Signer
from protocol.snapshot import pack
from tests.scenarios.edge_agent.rig import HOUR_US, SECOND_US, Rig, Running, rig, secrets, until, walled

ADDRESS = "100.64.0.3"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        made.cloud.hold(*[made.cloud.row(number) for number in range(5)])
        yield made


@pytest.fixture
def running(site: Rig) -> Iterator[Running]:
    running = begin(site)
    yield running
    running.stop()


def begin(site: Rig) -> Running:
    running = site.start()
    until(lambda: applied(site) == site.cloud.generation, what="the desired state is applied")
    until(lambda: running.agent.progress.last_pass, what="the first whole pass")
    return running


def applied(site: Rig) -> int:
    reports = site.cloud.reports()
    return reports[-1].applied if reports else 0


def late(site: Rig) -> int:
    return site.clock.wall_us() - SECOND_US


def converged(site: Rig) -> bool:
    report = site.cloud.reports()[-1]
    return report.applied == site.cloud.generation and report.router_digest == site.cloud.held().digest


# Foreign hands


def test_a_foreign_secret_with_our_name_is_a_conflict_and_is_left_alone(site: Rig, running: Running) -> None:
    site.router.script('/ppp secret add name=user9 password=theirs comment="uncle"')
    site.cloud.change(site.cloud.row(9))
    until(lambda: applied(site) == 2)
    report = site.cloud.reports()[-1]
    assert [(row.id, row.code) for row in report.failed] == [("sub-9", "conflict")]
    assert secrets(site.router)["user9"]["password"] == "theirs"
    assert until(lambda: site.cloud.events_of("conflict", "sub-9"))


def test_a_secret_renamed_by_hand_gets_its_name_back_and_is_told_as_drift(site: Rig, running: Running) -> None:
    site.router.script("/ppp secret set [find name=user1] name=uncle")
    running.worker.ask_for_pass("test")
    until(lambda: "user1" in secrets(site.router))
    assert "uncle" not in secrets(site.router)
    assert until(lambda: site.cloud.events_of("drift", "sub-1"))
    until(lambda: site.cloud.reports()[-1].drift_repaired == 1)


def test_rows_of_ours_that_nobody_wants_go_and_foreign_rows_stay(site: Rig, running: Running) -> None:
    site.router.script(
        '/ppp secret add name=ghost comment="mnara:sub-gone:1"\n'
        "/ip firewall address-list add list=mnara-walled address=100.64.9.9 comment=mnara:sub-gone\n"
        "/ip firewall address-list add list=mnara-walled address=100.64.9.8 comment=hand\n"
        "/ppp secret add name=theirs password=x"
    )
    running.worker.ask_for_pass("test")
    until(lambda: "ghost" not in secrets(site.router))
    until(lambda: walled(site.router) == {"100.64.9.8"})
    assert "theirs" in secrets(site.router)


def test_a_wall_row_taken_off_by_hand_comes_back(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: walled(site.router) == {ADDRESS})
    site.router.script("/ip firewall address-list remove [find list=mnara-walled]")
    running.worker.ask_for_pass("test")
    until(lambda: walled(site.router) == {ADDRESS})


# Routers


def test_a_router_that_reboots_converges_and_walls_by_itself_meanwhile(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: applied(site) == 2)
    passes = running.agent.progress.last_pass["at_us"]
    site.router.reboot(0.2)
    site.cloud.change(site.cloud.row(2, valid_until=late(site)))
    until(lambda: applied(site) == 3, 15)
    assert walled(site.router) == {ADDRESS, "100.64.0.4"}
    until(lambda: running.agent.progress.last_pass["at_us"] > passes, 10)
    until(lambda: converged(site))


def test_a_dead_router_holds_up_neither_the_store_nor_the_report(site: Rig, running: Running) -> None:
    running.worker.stop()
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    report = until(lambda: [r for r in site.cloud.reports() if r.stored == 2])[-1]
    assert report.applied == 1


def test_a_router_reset_to_factory_is_filled_again(site: Rig, running: Running) -> None:
    site.router.script("/ppp secret remove [find name!=x]\n/ppp profile remove [find name=mnara-2000000-5000000]")
    running.worker.ask_for_pass("test")
    until(lambda: len(secrets(site.router)) == 5)
    until(lambda: converged(site))


# Power


def test_an_agent_killed_in_the_middle_of_applying_converges_and_tells_what_it_owed(site: Rig) -> None:
    running = begin(site)
    running.worker.stop()
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: [r for r in site.cloud.reports() if r.stored == 2])
    running.stop()
    assert walled(site.router) == set()
    again = site.start()
    until(lambda: walled(site.router) == {ADDRESS})
    until(lambda: converged(site))
    assert until(lambda: [e for e in site.cloud.events_of("applied", "sub-1") if e.data["generation"] == 2])
    again.stop()


def test_after_a_restart_without_the_cloud_the_tower_goes_on_by_itself(site: Rig) -> None:
    site.cloud.rows["sub-1"] = site.cloud.row(1, valid_until=site.clock.wall_us() + 2 * SECOND_US)
    running = begin(site)
    running.stop()
    again = site.start(connect=False)
    until(lambda: walled(site.router) == {ADDRESS})
    again.stop()


def test_a_corrupt_store_is_set_aside_and_the_router_left_alone_until_the_cloud_is_heard(site: Rig) -> None:
    running = begin(site)
    running.stop()
    database = site.folder / "store" / "cache.db"
    database.write_bytes(database.read_bytes()[:8192].ljust(30_000, b"\xff"))
    for side in ("cache.db-wal", "cache.db-shm"):
        (site.folder / "store" / side).unlink(missing_ok=True)
    before = site.router.writes()
    again = site.start(connect=False)
    assert (site.folder / "store.corrupt-1").exists()
    assert not again.worker.started
    assert site.router.writes() == before
    site.cloud.connect()
    until(lambda: converged(site))
    stored = until(lambda: site.cloud.events_of("store"))[0]
    assert stored.data["set_aside"] == "store.corrupt-1"
    again.stop()


# Clocks


def test_after_a_reboot_with_a_dead_clock_nobody_is_cut_who_was_entitled_at_the_floor(site: Rig) -> None:
    site.cloud.rows["sub-1"] = site.cloud.row(1, valid_until=site.clock.wall_us() + SECOND_US)
    begin(site).stop()
    site.clock.boot, site.clock.shift_us = "boot-2", 365 * 24 * HOUR_US
    again = site.start(connect=False)
    until(lambda: again.agent.progress.last_pass)
    assert again.agent._time.quality == "floor"
    with pytest.raises(AssertionError):
        until(lambda: walled(site.router), 1.5)
    site.clock.shift_us = 0
    site.cloud.connect()
    until(lambda: walled(site.router) == {ADDRESS})
    again.stop()


def test_a_year_ahead_from_an_unauthenticated_source_cuts_nobody(site: Rig, running: Running) -> None:
    site.cloud.time_shift_us = -365 * 24 * HOUR_US  # the cloud's own clock stays right
    site.clock.synchronised, site.clock.shift_us = True, 365 * 24 * HOUR_US
    running.agent._time._ntp_due_us = 0
    running.worker.ask_for_pass("test")
    with pytest.raises(AssertionError):
        until(lambda: walled(site.router), 1.0)


# The link


def test_deltas_out_of_order_wait_for_the_gap_and_then_apply_together(site: Rig, running: Running) -> None:
    first = site.cloud.change(site.cloud.row(1, valid_until=late(site)), send=False)
    site.cloud.change(site.cloud.row(2, valid_until=late(site)))
    site.cloud.say(first)
    until(lambda: applied(site) == 3)
    assert len(walled(site.router)) == 2


def test_a_lost_delta_is_asked_for_after_two_seconds(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, valid_until=late(site)), send=False)
    site.cloud.change(site.cloud.row(2, valid_until=late(site)))
    until(lambda: applied(site) == 3, 6)
    asked = [body for _, body in site.cloud.said if isinstance(body, Resync)]
    assert len(asked) == 1
    assert not asked[0].snapshot


def test_a_delta_with_a_wrong_digest_changes_nothing_and_a_snapshot_is_asked_for(site: Rig, running: Running) -> None:
    delta = site.cloud.change(site.cloud.row(1, valid_until=late(site)), send=False)
    wrong = Delta(base=delta.base, desired=Held(epoch=1, generation=2, digest="0" * 64), upserts=delta.upserts)
    site.cloud.answers_resync = False
    site.cloud.say(wrong)
    asked = until(lambda: [body for _, body in site.cloud.said if isinstance(body, Resync)])
    assert asked[0].snapshot
    assert asked[0].held.generation == 1
    assert walled(site.router) == set()
    site.cloud.send_snapshot()
    until(lambda: applied(site) == 2)


def test_a_repeated_delta_is_acknowledged_again_and_writes_nothing(site: Rig, running: Running) -> None:
    delta = site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: applied(site) == 2)
    writes, reports = site.router.writes(), len(site.cloud.reports())
    site.cloud.say(delta)
    until(lambda: len(site.cloud.reports()) > reports)
    assert site.router.writes() == writes
    assert site.cloud.reports()[-1].stored == 2


def test_forged_foreign_damaged_and_rolled_back_messages_change_nothing_and_are_counted(
    site: Rig, running: Running
) -> None:
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: applied(site) == 2)
    bad = Delta(base=2, desired=Held(epoch=1, generation=3), removals=["sub-1"])
    site.cloud.say_raw(site.cloud.frame(bad, signer=Signer.generate()))
    site.cloud.say_raw(site.cloud.frame(bad, agent="somebody-else"))
    site.cloud.say_raw(site.cloud.frame(bad)[:-3])
    site.cloud.say_raw(b"\xff" * 200)
    old = Delta(base=0, desired=Held(epoch=0, generation=9), removals=["sub-1"])
    site.cloud.say_raw(site.cloud.frame(old))
    until(lambda: sum(running.agent._refused.values()) == 5)
    assert running.agent._refused == {"forged": 2, "misaddressed": 1, "malformed": 1, "rolled-back": 1}
    assert walled(site.router) == {ADDRESS}
    assert running.agent.reported().refused["forged"] == 2


def test_a_new_epoch_begins_below_and_is_taken_whole(site: Rig, running: Running) -> None:
    for _ in range(3):
        site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: applied(site) == 4)
    site.cloud.epoch, site.cloud.generation = 2, 1
    site.cloud.rows["sub-1"] = site.cloud.row(1)
    site.cloud.send_snapshot()
    until(lambda: walled(site.router) == set())
    until(lambda: (site.cloud.reports()[-1].epoch, applied(site)) == (2, 1))


def test_events_are_kept_until_the_cloud_acknowledges_them_and_sent_again(site: Rig) -> None:
    site.cloud.acks = False
    running = begin(site)
    until(lambda: len(site.cloud.events_of("applied")) == 5)
    running.stop()
    site.cloud.events.clear()
    again = site.start()
    until(lambda: len(site.cloud.events_of("applied")) == 5)
    numbers = sorted(site.cloud.events)
    site.cloud.say(Ack(upto=numbers[-1]))
    until(lambda: again.agent._outbox.low > numbers[-1])
    again.stop()


def test_a_command_is_done_once_and_not_after_its_deadline(site: Rig, running: Running) -> None:
    def results() -> list[Result]:
        return [body for _, body in site.cloud.said if isinstance(body, Result)]

    soon = site.clock.wall_us() + HOUR_US
    for command in (
        Command(command_id="c1", verb="diagnose", not_after=soon),
        Command(command_id="c1", verb="diagnose", not_after=soon),
        Command(command_id="c2", verb="diagnose", not_after=1),
        Command(command_id="c3", verb="dance", not_after=soon),
    ):
        site.cloud.say(command)
    until(lambda: len(results()) == 3)
    assert [(r.command_id, r.status) for r in results()] == [("c1", "done"), ("c2", "expired"), ("c3", "unsupported")]
    assert results()[0].output["reported"]["applied"] == 1


def test_a_new_key_list_takes_the_old_online_key_out_of_service(site: Rig, running: Running) -> None:
    old = site.cloud.online
    site.cloud.new_keys()
    site.cloud.change(site.cloud.row(1, valid_until=late(site)))
    until(lambda: applied(site) == 2)
    site.cloud.say_raw(site.cloud.frame(Delta(base=2, desired=Held(epoch=1, generation=3)), signer=old))
    until(lambda: running.agent._refused.get("forged") == 1)


def test_every_connection_says_hello_with_what_is_held(site: Rig, running: Running) -> None:
    site.cloud.cut()
    site.cloud.connect()
    hellos = until(lambda: [body for _, body in site.cloud.said if isinstance(body, Hello)][1:])
    assert hellos[0].held == site.cloud.held()
    assert hellos[0].applied == 1


def test_a_snapshot_whose_chunk_is_missing_is_asked_for_again(site: Rig, running: Running) -> None:
    manifest, _ = pack(["{}"], epoch=1, generation=7)
    site.cloud.say(manifest)
    until(lambda: running.agent._intake.assembly is not None)
    running.agent._intake.ask_at = site.clock.boot_us()
    until(lambda: [body for _, body in site.cloud.said if isinstance(body, Resync)], 3)


def test_a_cloud_that_is_gone_behind_a_standing_broker_counts_as_not_heard(site: Rig, running: Running) -> None:
    until(lambda: running.agent._time.unheard_since is None)
    # No ack may be under way: it would count as the cloud being heard.
    until(lambda: site.cloud.reports()[-1].router.reachable and running.agent._outbox.count == 0)
    site.cloud.mailbox, mailbox = type(running.mailbox)(), running.mailbox  # what the cloud says now reaches nobody
    agent = running.agent

    def silent_since(heard_s: int, asked_s: int) -> None:
        """Set anew at every look, because a message that was on its way may have come in between."""
        agent._heard_us = site.clock.boot_us() - heard_s * SECOND_US
        agent._asked_us = site.clock.boot_us() - asked_s * SECOND_US

    silent_since(heard_s=700, asked_s=700)
    until(lambda: agent._asked_us > site.clock.boot_us() - 10 * SECOND_US or silent_since(heard_s=700, asked_s=700))
    until(lambda: agent._time.unheard_since is not None or silent_since(heard_s=700, asked_s=31))
    site.cloud.mailbox = mailbox


def test_a_router_that_refuses_to_show_rows_is_not_taken_for_an_empty_one(site: Rig, running: Running) -> None:
    site.router.script("/user group add name=blind policy=api,write\n/user set [find name=agent] group=blind")
    writes = site.router.writes()
    site.router.reboot(0.1)
    until(lambda: "polic" in site.cloud.reports()[-1].router.trouble, 15)
    assert len(site.router.writes()) == len(writes)


def test_fasttrack_above_our_rules_is_told_once_and_once_more_when_it_is_mended(site: Rig, running: Running) -> None:
    def look() -> None:
        before = running.agent.progress.last_pass["at_us"]
        running.worker.ask_for_pass("test")
        until(lambda: running.agent.progress.last_pass["at_us"] > before)

    until(lambda: site.cloud.reports()[-1].router.reachable)
    fasttrack = "/ip firewall filter move [find action=fasttrack-connection] destination="
    site.router.script(fasttrack + '[find comment="mnara-rule:pay"]')
    look()
    look()
    trouble = until(lambda: site.cloud.reports()[-1].router.trouble)
    assert "fasttrack rule stands above mnara-rule:pay" in trouble
    assert site.cloud.reports()[-1].router.reachable
    site.router.script(fasttrack + '[find comment~"defconf: accept"]')
    look()
    until(lambda: not site.cloud.reports()[-1].router.trouble)
    told = until(lambda: (found := site.cloud.events_of("router")) and len(found) == 3 and found)
    assert [bool(event.data["trouble"]) for event in told] == [False, True, False]
