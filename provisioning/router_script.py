"""The RouterOS script of a site: what must be on the router before the agent can keep subscribers on it.

Sources: the firewall order and the PPPoE rows follow the manual's firewall, PPP and PPPoE chapters. It can be imported
again: every row of ours is removed by its exact comment or name before it is added.
"""

from collections.abc import Iterator

from provisioning.site_plan import SitePlan

WALLED_LIST = "mnara-walled"
PAY_LIST = "mnara-pay"
BASE_PROFILE = "mnara-base"
RULE = "mnara-rule:"


def render(plan: SitePlan) -> str:
    """Return the whole script, one command a line."""
    parts = (_system, _api_user, _pppoe, _pay_list, _filter_rules, _nat_rules, _ipv6_rules)
    lines = [f"# Mnara: router script of {plan.identity} for RouterOS {plan.version[0]}.{plan.version[1]}"]
    for part in parts:
        lines.extend(part(plan))
    return "\n".join(lines) + "\n"


def _system(plan: SitePlan) -> Iterator[str]:
    yield f"/system identity set name={plan.identity}"
    if plan.version >= (7, 0):
        yield f"/system ntp client set enabled=yes servers={plan.agent_address}"
    else:
        yield f"/system ntp client set enabled=yes primary-ntp={plan.agent_address}"


def _api_user(plan: SitePlan) -> Iterator[str]:
    # RouterOS policies cannot be limited to menus, so the address is the real fence; `policy`, `ftp`, `reboot`
    # and `sensitive` are never granted.
    yield f"/user remove [find name={plan.user}]"
    yield "/user group remove [find name=mnara-agent]"
    yield "/user group add name=mnara-agent policy=api,read,write"
    yield f'/user add name={plan.user} group=mnara-agent address={plan.agent_address}/32 password="{plan.password}"'
    yield f"/ip service set api address={plan.agent_address}/32 disabled=no"
    yield f"/ip service set api-ssl address={plan.agent_address}/32"
    for service in ("telnet", "ftp", "www"):
        yield f"/ip service set {service} disabled=yes"


def _pppoe(plan: SitePlan) -> Iterator[str]:
    # No rate limit on the profile that the server falls back to: what a subscriber's own profile leaves
    # unset would be filled in from it.
    # The server goes before the profile that it names, and comes back after it.
    yield "/interface pppoe-server server remove [find service-name=mnara]"
    yield f"/ppp profile remove [find name={BASE_PROFILE}]"
    yield (
        f"/ppp profile add name={BASE_PROFILE} local-address={plan.gateway} dns-server={plan.gateway} "
        "only-one=yes change-tcp-mss=yes comment=mnara"
    )
    yield (
        f"/interface pppoe-server server add service-name=mnara interface={plan.access_interface} "
        f"default-profile={BASE_PROFILE} one-session-per-host=yes keepalive-timeout=10 disabled=no"
    )
    yield "/ip dns set allow-remote-requests=yes"


def _pay_list(plan: SitePlan) -> Iterator[str]:
    yield f'/ip firewall address-list remove [find list={PAY_LIST} comment="{RULE}pay-page"]'
    yield f'/ip firewall address-list add list={PAY_LIST} address={plan.pay_address} comment="{RULE}pay-page"'


def _filter_rules(plan: SitePlan) -> Iterator[str]:
    established = "action=accept connection-state=established,related"
    rules = {
        "api": f"chain=input action=accept protocol=tcp dst-port=8728,8729 src-address={plan.agent_address}",
        "api-others": "chain=input action=drop protocol=tcp dst-port=8728,8729",
        "dns": f"chain=input action=accept protocol=udp dst-port=53 src-address-list={WALLED_LIST}",
        "pay": f"chain=forward action=accept src-address-list={WALLED_LIST} dst-address-list={PAY_LIST}",
        "pay-back": f"chain=forward action=accept src-address-list={PAY_LIST} dst-address-list={WALLED_LIST}",
        "wall": f"chain=forward action=reject reject-with=icmp-admin-prohibited src-address-list={WALLED_LIST}",
        "wall-in": f"chain=forward action=drop dst-address-list={WALLED_LIST}",
        # A fasttracked connection skips the wall and the speed limits, so subscribers' traffic never gets that far.
        "no-fasttrack-up": f"chain=forward {established} src-address={plan.pool}",
        "no-fasttrack-down": f"chain=forward {established} dst-address={plan.pool}",
    }
    yield from _ordered_rules("/ip firewall filter", rules)


def _nat_rules(plan: SitePlan) -> Iterator[str]:
    rules = {
        "pay-page": (
            f"chain=dstnat action=dst-nat protocol=tcp dst-port=80 src-address-list={WALLED_LIST} "
            f"dst-address-list=!{PAY_LIST} to-addresses={plan.pay_address} to-ports=80"
        ),
    }
    yield from _rules("/ip firewall nat", rules)


def _ipv6_rules(plan: SitePlan) -> Iterator[str]:
    if plan.prefix_pool is None:
        return
    established = "action=accept connection-state=established,related"
    rules = {
        "wall": f"chain=forward action=reject reject-with=icmp-admin-prohibited src-address-list={WALLED_LIST}",
        "wall-in": f"chain=forward action=drop dst-address-list={WALLED_LIST}",
        "no-fasttrack-up": f"chain=forward {established} src-address={plan.prefix_pool}",
        "no-fasttrack-down": f"chain=forward {established} dst-address={plan.prefix_pool}",
    }
    yield from _ordered_rules("/ipv6 firewall filter", rules)


def _rules(menu: str, rules: dict[str, str]) -> Iterator[str]:
    for name, rule in rules.items():
        yield f'{menu} remove [find comment="{RULE}{name}"]'
        yield f'{menu} add {rule} comment="{RULE}{name}"'


def _ordered_rules(menu: str, rules: dict[str, str]) -> Iterator[str]:
    """Add rules at the end, then move each to just above the first fasttrack rule, which keeps their order.

    Positions are not used: the console counts a hidden counter rule among them. Where there is no fasttrack rule
    the move lands at the end, in the same order.
    """
    yield from _rules(menu, rules)
    for name in rules:
        yield f'{menu} move [find comment="{RULE}{name}"] destination=[find action=fasttrack-connection]'
