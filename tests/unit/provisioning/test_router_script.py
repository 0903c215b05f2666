"""The router's script: its order is its meaning."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any

import pytest

from provisioning.router_script import render
from provisioning.site_plan import PlanRefused, SitePlan


def plan(**changes: Any) -> SitePlan:
    fields: dict[str, Any] = {
        "identity": "TWR-1",
        "pool": IPv4Network("100.64.0.0/22"),
        "pay_address": IPv4Address("10.0.0.2"),
        "agent_address": IPv4Address("192.168.77.2"),
        "user": "mnara-agent",
        "password": "a-password-of-some-length",
        "version": (7, 18),
    }
    return SitePlan(**(fields | changes))


def moves(script: str, menu: str) -> list[str]:
    """Return the names of rules in the order in which they are moved above the fasttrack rule."""
    lines = [line for line in script.splitlines() if line.startswith(f"{menu} move")]
    return [line.split('comment="mnara-rule:')[1].split('"')[0] for line in lines]


def test_the_pay_page_is_allowed_before_the_wall_and_the_wall_before_everything_established() -> None:
    order = moves(render(plan()), "/ip firewall filter")
    assert order.index("pay") < order.index("wall") < order.index("no-fasttrack-up")
    assert order.index("pay-back") < order.index("wall-in") < order.index("no-fasttrack-down")


def test_every_rule_goes_above_the_fasttrack_rule_and_none_by_position() -> None:
    script = render(plan())
    added = script.count("/ip firewall filter add")
    assert len(moves(script, "/ip firewall filter")) == added
    assert "place-before=" not in script


def test_a_script_can_be_imported_again() -> None:
    """Whatever is added under a comment or a name is removed by it first."""
    lines = render(plan(prefix_pool=IPv6Network("2001:db8::/40"))).splitlines()
    for number, line in enumerate(lines):
        if " add " in line and 'comment="' in line:
            comment = line.split('comment="')[1].split('"')[0]
            assert any(" remove " in before and f'"{comment}"' in before for before in lines[:number]), line


def test_ipv6_is_walled_only_where_there_is_ipv6() -> None:
    assert "/ipv6" not in render(plan())
    assert moves(render(plan(prefix_pool=IPv6Network("2001:db8::/40"))), "/ipv6 firewall filter")[0] == "wall"


def test_the_agent_gets_no_more_than_it_needs() -> None:
    group = next(line for line in render(plan()).splitlines() if line.startswith("/user group add"))
    assert group.endswith("policy=api,read,write")


def test_versions_differ_where_routeros_does() -> None:
    assert "servers=192.168.77.2" in render(plan())
    assert "primary-ntp=192.168.77.2" in render(plan(version=(6, 49)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": (6, 44)}, "upgrade the router"),
        ({"pool": IPv4Network("100.64.0.0/30")}, "choose /29 or larger"),
        ({"pay_address": IPv4Address("100.64.0.5")}, "change one of them"),
        ({"password": "short"}, "at least 16"),
        ({"password": 'has-a-"-quote-inside-it'}, "at least 16"),
        ({"identity": "TWR 1; /user add"}, "is not a usable name"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanRefused, match=said):
        plan(**changes)
