"""Long outages, driven by the clock: of the uplink, of the broker, and of the router itself."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from protocol.messages import Delta
from tests.scenarios.edge_agent.rig import HOUR_US, PERSONALITIES, SECOND_US, Rig, Running, rig, secrets, until, walled

DAY_US = 24 * HOUR_US
EXPIRIES, RENEWALS, OTHERS = 98, 40, 12
WRITTEN_WITHIN_US = SECOND_US


class Hasty(random.Random):
    """Tries again at once, where an agent would wait with jitter."""

    def uniform(self, a: float, b: float) -> float:
        return min(b, 0.02)


@pytest.fixture(params=PERSONALITIES)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(tmp_path, version=request.param) as made:
        made.machine.random = Hasty()
        yield made


def converged(site: Rig) -> bool:
    report = site.cloud.reports()[-1]
    return report.applied == site.cloud.generation and report.router_digest == site.cloud.held().digest


def begin(site: Rig) -> Running:
    running = site.start()
    until(lambda: site.cloud.reports() and converged(site), what="the desired state is applied")
    until(lambda: running.agent.progress.last_pass, what="the first whole pass")
    until(lambda: running.agent._time.unheard_since is None)
    return running


def address(number: int) -> str:
    return f"100.64.{number // 250}.{number % 250 + 2}"


# The uplink


def ends_over_21_hours(site: Rig) -> dict[int, int]:
    """When each of the 98 runs out: two at a time."""
    begin_us = site.clock.wall_us() + HOUR_US // 10
    return {number: begin_us + (number // 2) * (21 * HOUR_US * 2 // EXPIRIES) for number in range(EXPIRIES)}


def stand(site: Rig, running: Running, addresses: set[str]) -> bool:
    return walled(site.router) == addresses and not running.agent._site.pending


def outlive(site: Rig, running: Running, ends: dict[int, int]) -> None:
    """Go through the outage from end to end: at each exactly those are walled whose time is over."""
    over: set[str] = set()
    for end in sorted(set(ends.values())):
        assert walled(site.router) == over
        running.pass_time_until(end + 1_000)
        over |= {address(number) for number, at in ends.items() if at == end}
        until(partial(stand, site, running, over), what=f"{len(over)} are walled and read back")


@pytest.mark.parametrize("back_by", ["snapshot", "delta"])
def test_an_uplink_dead_for_21_hours_with_98_expiries_and_40_renewals_in_it(site: Rig, back_by: str) -> None:
    cloud = site.cloud
    ends = ends_over_21_hours(site)
    never = range(EXPIRIES, EXPIRIES + OTHERS)
    later = site.clock.wall_us() + 30 * DAY_US
    cloud.hold(*[cloud.row(number, valid_until=end) for number, end in ends.items()])
    cloud.hold(*[cloud.row(number, valid_until=later) for number in never])
    running = begin(site)
    cloud.cut()

    outlive(site, running, ends)
    running.pass_time_until(min(ends.values()) + 21 * HOUR_US)
    base, renewed = cloud.generation, range(0, 2 * RENEWALS, 2)
    rows = [cloud.row(number, valid_until=later) for number in renewed]
    for row in rows:
        cloud.change(row)
    writes = len(site.router.writes())
    cloud.snapshots = back_by == "snapshot"
    cloud.connect()
    if back_by == "delta":
        until(lambda: running.agent._awaited)
        cloud.say(Delta(base=base, desired=cloud.held(), upserts=rows))

    until(lambda: converged(site))
    paid = {address(number) for number in renewed}
    assert walled(site.router) == {address(number) for number in ends} - paid
    assert {(write.menu, write.verb) for write in site.router.writes()[writes:]} == {
        ("/ip/firewall/address-list", "remove")
    }
    cuts = until(lambda: (found := cloud.events_of("cut")) and len(found) == EXPIRIES and found)
    late = {event.entitlement: event.at - ends[int(event.entitlement.removeprefix("sub-"))] for event in cuts}
    assert len(late) == EXPIRIES
    assert all(0 <= us <= WRITTEN_WITHIN_US for us in late.values()), sorted(late.values())[-3:]
    running.stop()


# The broker


def test_a_broker_gone_for_an_hour_and_back_without_memory_loses_nothing(site: Rig) -> None:
    """What was on its way in either direction is lost with it: acks, events and a change."""
    cloud = site.cloud
    cloud.hold(*[cloud.row(number, valid_until=site.clock.wall_us() + DAY_US) for number in range(5)])
    ending = site.clock.wall_us() + HOUR_US // 2
    cloud.hold(cloud.row(5, valid_until=ending))
    running = begin(site)
    until(lambda: running.agent._outbox.count == 0)
    told = max(cloud.events)

    cloud.acks = False
    cloud.change(cloud.row(1, valid_until=site.clock.wall_us() - SECOND_US))
    until(lambda: max(cloud.events) > told)
    for number in [number for number in cloud.events if number > told]:
        del cloud.events[number]  # the broker had them, and nobody else
    cloud.change(cloud.row(2, valid_until=site.clock.wall_us() - SECOND_US), send=False)
    cloud.cut()
    running.pass_time_until(ending + 1_000)
    until(lambda: stand(site, running, {address(1), address(5)}))
    running.pass_time_until(ending + HOUR_US // 2)

    cloud.acks = True
    cloud.connect()
    until(lambda: converged(site))
    assert walled(site.router) == {address(1), address(2), address(5)}
    until(lambda: cloud.events_of("applied", "sub-2")[1:] and running.agent._outbox.count == 0)
    assert sorted(cloud.events) == list(range(1, max(cloud.events) + 1))
    assert [event.at - ending < WRITTEN_WITHIN_US for event in cloud.events_of("cut", "sub-5")] == [True]
    assert len(cloud.events_of("applied", "sub-1")) == 2
    running.stop()


# The router


def expire(site: Rig, number: int) -> None:
    site.cloud.change(site.cloud.row(number, valid_until=site.clock.wall_us() - SECOND_US))


def trouble(site: Rig) -> str:
    return site.cloud.reports()[-1].router.trouble


def test_a_router_that_refuses_then_hangs_then_traps_then_vanishes_is_named_each_time_and_converges(
    site: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.routeros.line.FAST_TIMEOUT_S", 0.2)
    site.cloud.hold(*[site.cloud.row(number) for number in range(5)])
    running = begin(site)

    site.router.fault("refuse")
    site.router.reboot(0.0)
    expire(site, 0)
    until(lambda: "does not answer" in trouble(site))
    site.router.fault("hang-after-login")
    site.router.clear_faults("refuse")
    until(lambda: "stopped answering" in trouble(site))
    assert not site.cloud.reports()[-1].router.reachable
    assert site.cloud.reports()[-1].applied == 1
    site.router.clear_faults()
    until(lambda: converged(site))
    assert walled(site.router) == {address(0)}
    until(lambda: not trouble(site))

    site.router.fault("trap-write", menu="/ip/firewall/address-list", times=None, message="failure: flash is full")
    expire(site, 1)
    failed = until(lambda: site.cloud.reports()[-1].failed)
    assert [(row.id, row.code, row.message) for row in failed] == [("sub-1", "refused", "failure: flash is full")]
    site.router.clear_faults()
    running.worker.ask_for_pass("test")
    until(lambda: converged(site) and not site.cloud.reports()[-1].failed)

    site.router.fault("reboot-on-write", menu="/ip/firewall/address-list")
    expire(site, 2)
    until(lambda: trouble(site))
    until(lambda: converged(site) and not trouble(site))
    assert walled(site.router) == {address(0), address(1), address(2)}
    assert len(secrets(site.router)) == 5
    running.stop()
