"""What an export holds, in which order, and where it differs from "what is not the default"."""

# As published exports of RouterOS 6.47 to 7.20 have them; menus not named here follow by name.
ORDER = (
    "/interface/bridge", "/interface/ethernet", "/interface", "/interface/vlan", "/interface/list",
    "/ip/hotspot/profile", "/ip/hotspot/user/profile", "/ip/pool", "/ip/dhcp-server", "/ip/hotspot", "/port",
    "/ppp/profile", "/queue/simple", "/queue/tree", "/queue/type", "/system/logging/action", "/user/group",
    "/interface/bridge/port", "/interface/bridge/settings", "/ip/neighbor/discovery-settings", "/ip/settings",
    "/ipv6/settings", "/interface/list/member", "/interface/pppoe-server", "/interface/pppoe-server/server",
    "/ip/address", "/ip/arp", "/ip/cloud", "/ip/dhcp-client", "/ip/dhcp-server/lease", "/ip/dhcp-server/network",
    "/ip/dns", "/ip/dns/static", "/ip/firewall/address-list", "/ip/firewall/filter", "/ip/firewall/mangle",
    "/ip/firewall/nat", "/ip/firewall/raw", "/ip/hotspot/ip-binding", "/ip/hotspot/user", "/ip/hotspot/walled-garden",
    "/ip/hotspot/walled-garden/ip", "/ip/proxy", "/ip/proxy/access", "/ip/route", "/ip/service", "/ipv6/address",
    "/ipv6/firewall/address-list", "/ipv6/firewall/filter", "/ipv6/firewall/nat", "/ppp/aaa", "/ppp/secret", "/radius",
    "/radius/incoming", "/snmp", "/system/clock", "/system/identity", "/system/logging", "/system/note",
    "/system/ntp/client", "/system/ntp/client/servers", "/system/scheduler", "/system/script", "/tool/netwatch",
)  # fmt: skip

# Users and what belongs to them, keys, and what is no configuration.
NEVER = frozenset([
    "/certificate", "/file", "/log", "/system/device-mode", "/system/license", "/system/package",
    "/system/script/environment", "/system/script/job", "/user", "/user/active", "/user/ssh-keys",
])  # fmt: skip

_RULES = ("/ip/firewall/filter", "/ip/firewall/mangle", "/ip/firewall/nat", "/ip/firewall/raw", "/ipv6/firewall/filter",
          "/ipv6/firewall/mangle", "/ipv6/firewall/nat", "/ipv6/firewall/raw")  # fmt: skip
# Written even when they are the default.
ALWAYS = frozenset([
    *((path, "action") for path in _RULES), ("/ip/hotspot/walled-garden/ip", "action"),
    ("/ip/hotspot/walled-garden/ip", "disabled"), ("/queue/type", "kind"), ("/system/scheduler", "policy"),
    ("/system/script", "policy"), ("/system/script", "dont-require-permissions"),
])  # fmt: skip

# Kept as plain numbers, written with their unit.
RATES = frozenset([
    "burst-limit", "burst-threshold", "limit-at", "max-limit", "pcq-burst-rate", "pcq-burst-threshold", "pcq-rate",
    "total-burst-limit", "total-burst-threshold", "total-limit-at", "total-max-limit",
])  # fmt: skip
"""Properties of queues."""

# The property whose value decides what others start with.
DECIDING = {"/queue/type": "kind"}

# Read-only for clients, yet part of what an export must say.
OWNED = frozenset([("/system/script", "owner")])


def place(path: str) -> tuple[int, str]:
    """What sorts menus as an export has them."""
    return (ORDER.index(path) if path in ORDER else len(ORDER), path)
