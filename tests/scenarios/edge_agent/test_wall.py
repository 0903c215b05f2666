"""The main job on a simulated router: walled, paid, connected; cut on time; off; another speed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.routeros.connections import ConnectionQuery
from protocol.entitlement import Rate
from tests.scenarios.edge_agent.rig import HOUR_US, PERSONALITIES, SECOND_US, Rig, Running, rig, secrets, until, walled

ADDRESS = "100.64.0.3"


@pytest.fixture(params=PERSONALITIES)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(tmp_path, version=request.param) as made:
        yield made


@pytest.fixture
def running(site: Rig) -> Iterator[Running]:
    site.cloud.hold(*[site.cloud.row(number) for number in range(5)])
    running = site.start()
    until(lambda: applied(site) == 1, what="the first desired state is applied")
    yield running
    running.stop()


def applied(site: Rig) -> int:
    reports = site.cloud.reports()
    return reports[-1].applied if reports else 0


def expire(site: Rig, number: int = 1) -> None:
    site.cloud.change(site.cloud.row(number, valid_until=site.clock.wall_us() - SECOND_US))
    until(lambda: applied(site) == site.cloud.generation)


def told(site: Rig, kind: str, generation: int) -> Any:
    """Wait for what is told of sub-1 at a generation; an earlier one may have been told of before."""
    return until(lambda: [e for e in site.cloud.events_of(kind, "sub-1") if e.data["generation"] == generation])[-1]


def test_an_expired_subscriber_is_walled_and_his_payment_connects_him_without_a_redial(
    site: Rig, running: Running
) -> None:
    site.router.dial("user1", "secret-1")
    expire(site)
    assert walled(site.router) == {ADDRESS}
    assert not site.router.reach("user1", "1.2.3.4").reach
    assert secrets(site.router)["user1"]["disabled"] == "false"

    site.cloud.change(site.cloud.row(1))
    until(lambda: applied(site) == 3)
    assert walled(site.router) == set()
    assert site.router.reach("user1", "1.2.3.4").reach
    online = told(site, "online", 3)
    assert online.data == {
        "address": ADDRESS, "rate_up_bps": 2_000_000, "rate_down_bps": 5_000_000, "generation": 3,
    }  # fmt: skip
    assert len(site.router.events(kind="online")) == 1


def test_the_applied_event_carries_every_hop_and_at_most_three_waves(site: Rig, running: Running) -> None:
    expire(site)
    data = told(site, "applied", 2).data
    hops = ["received_at_us", "stored_at_us", "read_at_us", "wrote_at_us", "verified_at_us"]
    assert [data[hop] for hop in hops] == sorted(data[hop] for hop in hops)
    assert data["access"] == "walled"
    assert data["waves"] == 3


def test_only_entitlements_that_changed_are_told_of(site: Rig, running: Running) -> None:
    until(lambda: len(site.cloud.events_of("applied")) == 5)
    expire(site)
    until(lambda: len(site.cloud.events_of("applied")) > 5)
    assert {event.entitlement for event in site.cloud.events_of("applied")[5:]} == {"sub-1"}


def sources(site: Rig) -> set[str]:
    return {row["src-address"].partition(":")[0] for row in site.router.rows("/ip/firewall/connection")}


def two_users_with_connections(site: Rig) -> None:
    """The second one's address begins with the first one's text."""
    site.cloud.change(site.cloud.row(1), site.cloud.row(2, address=ADDRESS + "0"))
    until(lambda: applied(site) == site.cloud.generation)
    for user in ("user1", "user2"):
        site.router.dial(user, user.replace("user", "secret-"))
        site.router.connect(user, "1.2.3.4")
        site.router.connect(user, "1.2.3.4", protocol="icmp")
    assert sources(site) == {ADDRESS, ADDRESS + "0"}


@pytest.mark.parametrize("query", ["range", "scan"])
def test_live_connections_end_when_the_wall_goes_up_however_they_are_looked_for(
    site: Rig, query: ConnectionQuery
) -> None:
    site.connection_query = query
    running = site.start()
    two_users_with_connections(site)
    expire(site)
    assert sources(site) == {ADDRESS + "0"}
    running.stop()


def test_a_router_that_refuses_the_range_is_scanned_for_as_long_as_that_session_lasts(
    site: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = site.start()
    two_users_with_connections(site)
    monkeypatch.setattr("lab.mikrotik.speech.query.MAX_QUERY_WORDS", 4)
    expire(site)
    assert sources(site) == {ADDRESS + "0"}
    assert running.worker._fast._line.connections.query == "scan"
    waves = until(
        lambda: [e.data["waves"] for e in site.cloud.events_of("applied", "sub-1") if e.data["access"] == "walled"]
    )
    assert waves == [4]
    site.router.reboot(0.05)
    until(lambda: running.worker._fast._line.connections.query == "range", 10)
    running.stop()


def test_time_alone_walls_within_a_second_of_the_end_without_the_cloud(site: Rig, running: Running) -> None:
    end = site.clock.wall_us() + SECOND_US
    site.cloud.change(site.cloud.row(1, valid_until=end), site.cloud.row(2, valid_until=end))
    until(lambda: applied(site) == 2)
    site.cloud.cut()
    until(lambda: walled(site.router) == {ADDRESS, "100.64.0.4"})
    assert 0 <= site.clock.wall_us() - end <= SECOND_US
    site.cloud.connect()
    cut = until(lambda: site.cloud.events_of("cut"))
    assert {event.entitlement for event in cut} == {"sub-1", "sub-2"}
    assert cut[0].data["reason"] == "expired"


def test_an_outage_grace_serves_who_ran_out_while_the_cloud_was_silent_until_it_is_heard(
    site: Rig, running: Running
) -> None:
    site.cloud.change(site.cloud.row(1, valid_until=site.clock.wall_us() + SECOND_US // 2, outage_grace_s=3_600))
    until(lambda: applied(site) == 2)
    site.cloud.cut()
    until(lambda: site.clock.wall_us() and running.agent._site.targets["sub-1"].reason == "outage-grace")
    assert walled(site.router) == set()
    site.cloud.connect()
    until(lambda: walled(site.router) == {ADDRESS})


def test_off_disables_the_secret_and_hangs_up(site: Rig, running: Running) -> None:
    site.router.redial("user1", "secret-1", 0.05)
    until(lambda: "user1" in site.router.online())
    site.cloud.change(site.cloud.row(1, service="off"))
    until(lambda: applied(site) == 2)
    assert secrets(site.router)["user1"]["disabled"] == "true"
    assert "user1" not in site.router.online()
    site.cloud.change(site.cloud.row(1))
    told(site, "online", 3)
    assert "user1" in site.router.online()


def test_another_speed_takes_one_redial_and_is_seen_in_the_sessions_queue(site: Rig, running: Running) -> None:
    site.router.redial("user1", "secret-1", 0.05)
    until(lambda: "user1" in site.router.online())
    site.cloud.change(site.cloud.row(1, rate=Rate(up_bps=10_000_000, down_bps=20_000_000)))
    online = told(site, "online", 2)
    assert online.data["rate_down_bps"] == 20_000_000
    profile = next(row for row in site.router.rows("/ppp/profile") if row["name"] == "mnara-10000000-20000000")
    assert (profile["rate-limit"], profile["local-address"], profile["only-one"]) == (
        "10000000/20000000", "100.64.0.1", "yes",
    )  # fmt: skip
    assert len(site.router.events(kind="online")) == 2


def test_a_new_password_is_written_once_and_by_its_revision(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, password="another", revision=2))
    until(lambda: applied(site) == 2)
    assert secrets(site.router)["user1"]["password"] == "another"
    assert secrets(site.router)["user1"]["comment"] == "mnara:sub-1:2"


def test_a_removed_entitlement_leaves_no_row(site: Rig, running: Running) -> None:
    expire(site)
    site.cloud.change(remove=("sub-1",))
    until(lambda: applied(site) == 3)
    assert "user1" not in secrets(site.router)
    assert walled(site.router) == set()


def test_another_name_and_address_take_the_old_rows_away(site: Rig, running: Running) -> None:
    expire(site)
    site.cloud.change(
        site.cloud.row(1, username="renamed", address="100.64.3.9", valid_until=site.clock.wall_us() - HOUR_US)
    )
    until(lambda: applied(site) == 3)
    assert secrets(site.router)["renamed"]["remote-address"] == "100.64.3.9"
    assert "user1" not in secrets(site.router)
    assert walled(site.router) == {"100.64.3.9"}


def test_an_ipv6_prefix_is_walled_beside_its_address(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, prefix="2001:db8:1::/56", valid_until=site.clock.wall_us() - SECOND_US))
    until(lambda: applied(site) == 2)
    rows = site.router.rows("/ipv6/firewall/address-list")
    assert [row["address"] for row in rows if row["list"] == "mnara-walled"] == ["2001:db8:1::/56"]


def test_a_hundred_changes_of_one_delta_share_three_waves(site: Rig, running: Running) -> None:
    late = site.clock.wall_us() - SECOND_US
    site.cloud.change(*[site.cloud.row(number, valid_until=late) for number in range(90)])
    until(lambda: applied(site) == 2)
    assert len(walled(site.router)) == 90
    events = until(lambda: [e for e in site.cloud.events_of("applied") if e.data["generation"] == 2])
    assert {event.data["waves"] for event in events} == {3}


def test_an_unknown_access_kind_is_kept_reported_and_not_applied(site: Rig, running: Running) -> None:
    site.cloud.change(site.cloud.row(1, access="hotspot-user"))
    until(lambda: applied(site) == 2)
    report = site.cloud.reports()[-1]
    assert [(row.id, row.code) for row in report.failed] == [("sub-1", "unsupported")]
    assert report.router_digest != report.digest


def test_a_session_that_went_away_is_told_once_by_a_whole_pass_and_its_return_too(site: Rig, running: Running) -> None:
    def look() -> None:
        before = until(lambda: running.agent.progress.last_pass)["at_us"]
        running.worker.ask_for_pass("test")
        until(lambda: running.agent.progress.last_pass["at_us"] > before)

    site.router.dial("user1", "secret-1")
    site.router.dial("user2", "secret-2")
    until(lambda: site.cloud.events_of("online", "sub-1") and site.cloud.events_of("online", "sub-2"))
    look()
    assert not site.cloud.events_of("offline")
    site.router.hangup("user1")
    look()
    look()
    gone = until(lambda: site.cloud.events_of("offline"))
    assert [(event.entitlement, event.data) for event in gone] == [("sub-1", {"generation": 1})]
    site.router.dial("user1", "secret-1")
    look()
    look()
    until(lambda: len(site.cloud.events_of("online", "sub-1")) == 2)
    assert len(site.cloud.events_of("offline")) == 1


def test_who_is_walled_is_not_told_to_be_offline(site: Rig, running: Running) -> None:
    site.router.dial("user1", "secret-1")
    until(lambda: site.cloud.events_of("online", "sub-1"))
    expire(site)
    site.router.hangup("user1")
    running.worker.ask_for_pass("test")
    until(lambda: running.agent.progress.last_pass.get("reason") == "test")
    assert not site.cloud.events_of("offline")
