"""`mnara-agent check` against a simulated router: what an installer got wrong, and what to do about it."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from edge_agent.checks import Finding, run_checks
from edge_agent.clock import Clock
from edge_agent.routeros.client import Address
from edge_agent.routeros.rules import judge_base, read_rules
from edge_agent.setup import check_router
from lab.mikrotik.router import Setup
from lab.mikrotik.thread import running_router
from provisioning.router_script import render
from provisioning.site_plan import SitePlan
from tests.integration.edge_agent.site_folder import Authority, enrolled_folder
from tests.scenarios.edge_agent.rig import Rig, rig


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        enrolled_folder(tmp_path / "data", made.cloud, made.router, Authority())
        yield made


def wrong(site: Rig) -> dict[str, list[Finding]]:
    """What is wrong with the router, by the name of the line."""
    found: dict[str, list[Finding]] = {}
    for finding in run_checks(site.folder / "data"):
        if not finding.good and finding.name != "broker":  # there is none in these tests
            found.setdefault(finding.name, []).append(finding)
    return found


def test_a_router_that_ran_the_script_is_good(site: Rig) -> None:
    assert wrong(site) == {}


def test_fasttrack_above_our_rules_is_red(site: Rig) -> None:
    site.router.script(
        '/ip firewall filter move [find action=fasttrack-connection] destination=[find comment="mnara-rule:pay"]'
    )
    text = wrong(site)["rules"][0].text
    assert "fasttrack rule stands above mnara-rule:pay" in text
    assert "mnara-provision router script" in text


def test_each_thing_wrong_with_the_rules_has_a_line_of_its_own(site: Rig) -> None:
    site.router.script(
        '/ip firewall filter disable [find comment="mnara-rule:wall-in"]\n'
        '/ip firewall filter move [find comment="mnara-rule:wall"] destination=[find comment="mnara-rule:pay"]'
    )
    lines = [finding.text for finding in wrong(site)["rules"]]
    assert len(lines) == 2
    assert lines[0].startswith("mnara-rule:wall-in is missing or disabled")
    assert lines[1].startswith("mnara-rule:pay stands below mnara-rule:wall: ")


def test_a_base_profile_that_is_missing_or_gives_no_address_is_red(site: Rig) -> None:
    site.router.script("/ppp profile unset [find name=mnara-base] value-name=local-address")
    assert "has no local-address: nobody can connect" in wrong(site)["profile"][0].text
    site.router.script("/interface pppoe-server server remove [find]\n/ppp profile remove [find name=mnara-base]")
    assert "mnara-base is missing" in wrong(site)["profile"][0].text


def test_a_user_without_a_needed_policy_is_red(site: Rig) -> None:
    site.router.script("/user group add name=weak policy=api,read\n/user set [find name=agent] group=weak")
    text = wrong(site)["router"][0].text
    assert "lacks the policy write" in text
    assert "policies api, read and write" in text


@pytest.mark.parametrize("version", [(7, 18), (6, 49)])
def test_the_script_that_provisioning_prints_passes_the_check(version: tuple[int, int]) -> None:
    plan = SitePlan(
        identity="TWR-1", pool=IPv4Network("100.64.0.0/22"), pay_address=IPv4Address("10.0.0.9"),
        agent_address=IPv4Address("127.0.0.1"), user="agent", password="a-password-of-the-site",
        version=version, prefix_pool=IPv6Network("2001:db8::/40"), access_interface="ether2",
    )  # fmt: skip
    setup = Setup(version=f"{version[0]}.{version[1]}.2", user="admin", password="x")
    with running_router(setup, script=render(plan)) as router:
        line = check_router(Address(router.host, router.port, plan.user, plan.password))
        assert read_rules(line.session(), Clock()) == []
        assert judge_base(line.base) == []
        line.close()
