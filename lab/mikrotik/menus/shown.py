"""Menus beyond the modelled ones that strangers' tools read or write on their way: kept and shown, not acted on.

Names and defaults are those of the manual's reference. What is written here moves no packet.
"""

from lab.mikrotik.fields.live import plain_version
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    boolean,
    duration,
    enum,
    ip4,
    ip4_block,
    ip6_prefix,
    mac,
    number,
    several,
    text,
    yes_no,
)

_TABLE = frozenset(
    ["print", "getall", "get", "add", "set", "remove", "enable", "disable", "comment", "listen", "find", "export"]
)
_READ = frozenset(("print", "getall", "get", "listen", "find"))
_SINGLE = frozenset(("print", "getall", "get", "set"))
_ARP = enum("enabled", "disabled", "local-proxy-arp", "proxy-arp", "reply-only")
_TAKEN = Unique(("name",), "failure: already have interface with such name", also="/interface")
_SPEEDS = "10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-full"


def _port(number: int) -> dict[str, str]:
    """A port of an RB5009 as it comes."""
    name, address = f"ether{number}", f"48:A9:8A:00:00:{number:02X}"
    return {"name": name, "default-name": name, "mac-address": address, "orig-mac-address": address, "running": "true"}


ETHERNET = Menu(
    path="/interface/ethernet",
    name_field="name",
    verbs=_TABLE - {"add", "remove"},
    unique=(_TAKEN,),
    builtin=tuple((number, _port(number)) for number in range(1, 6)),
    fields=(
        Field("name", required=True),
        Field("default-name", read_only=True),
        Field("mtu", number(), default="1500"),
        Field("l2mtu", number(), default="1514"),
        Field("mac-address", mac),
        Field("orig-mac-address", read_only=True),
        Field("arp", _ARP, default="enabled"),
        Field("auto-negotiation", boolean, default="true"),
        Field("advertise", several(text), default=_SPEEDS),
        Field("rx-flow-control", enum("off", "on", "auto"), default="off"),
        Field("tx-flow-control", enum("off", "on", "auto"), default="off"),
        Field("bandwidth", default="unlimited/unlimited"),
        flag("running"),
        flag("slave", absent_when_false=True),
        DISABLED,
        COMMENT,
    ),
)

BRIDGE = Menu(
    path="/interface/bridge",
    name_field="name",
    auto_name="bridge",
    verbs=_TABLE,
    unique=(_TAKEN,),
    builtin=((6, {"name": "bridge", "mac-address": "48:A9:8A:00:00:06", "running": "true"}),),
    fields=(
        Field("name"),
        Field("mtu", default="auto"),
        *read_only("actual-mtu", "mac-address"),
        Field("arp", _ARP, default="enabled"),
        Field("auto-mac", boolean, default="true"),
        Field("admin-mac", mac),
        Field("ageing-time", duration(), default="5m"),
        Field("protocol-mode", enum("none", "stp", "rstp", "mstp"), default="rstp"),
        Field("priority", default="0x8000"),
        Field("fast-forward", boolean, default="true"),
        Field("igmp-snooping", boolean, default="false"),
        Field("vlan-filtering", boolean, default="false"),
        Field("pvid", number(1, 4094)),
        Field("frame-types"),
        Field("dhcp-snooping", boolean, default="false"),
        flag("running"),
        DISABLED,
        COMMENT,
    ),
)

BRIDGE_PORT = Menu(
    path="/interface/bridge/port",
    indexed=("interface",),
    verbs=_TABLE,
    unique=(Unique(("interface",), "failure: device already added as bridge port"),),
    fields=(
        Field("interface", required=True, refers="/interface"),
        Field("bridge", required=True, refers="/interface/bridge"),
        Field("priority", default="0x80"),
        Field("path-cost", number(), default="10"),
        Field("edge", enum("auto", "no", "no-discover", "yes", "yes-discover"), default="auto"),
        Field("point-to-point", yes_no("auto"), default="auto"),
        Field("learn", yes_no("auto"), default="auto"),
        Field("horizon", default="none"),
        Field("hw", boolean, default="true"),
        Field("pvid", number(1, 4094), default="1"),
        flag("inactive"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

VLAN = Menu(
    path="/interface/vlan",
    name_field="name",
    auto_name="vlan",
    verbs=_TABLE,
    unique=(_TAKEN,),
    fields=(
        Field("name"),
        Field("mtu", number(), default="1500"),
        Field("arp", _ARP, default="enabled"),
        Field("vlan-id", number(1, 4095), default="1"),
        Field("interface", required=True, refers="/interface"),
        Field("use-service-tag", boolean, default="false"),
        flag("running"),
        DISABLED,
        COMMENT,
    ),
)

ROUTE = Menu(
    path="/ip/route",
    indexed=("dst-address",),
    verbs=_TABLE | {"unset"},
    fields=(
        Field("dst-address", ip4_block, default="0.0.0.0/0"),
        Field("gateway"),
        Field("distance", number(1, 255), default="1"),
        Field("pref-src", ip4),
        Field("scope", number(0, 255), default="30"),
        Field("target-scope", number(0, 255), default="10"),
        Field("routing-table", default="main", since=(7,)),
        Field("routing-mark", until=(7,)),
        Field("check-gateway", enum("none", "arp", "ping", "bfd")),
        Field("active", read_only=True, default="true"),
        Field("static", read_only=True, default="true"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

NEIGHBOR = Menu(
    path="/ip/neighbor",
    verbs=_READ,
    fields=read_only(
        "interface", "address", "mac-address", "identity", "platform", "version", "board", "uptime", "interface-name"
    ),
)

DHCP_CLIENT = Menu(
    path="/ip/dhcp-client",
    indexed=("interface",),
    verbs=_TABLE,
    unique=(Unique(("interface",), "failure: dhcp-client on that interface already exists"),),
    fields=(
        Field("interface", required=True, refers="/interface"),
        Field("add-default-route", yes_no("special-classless"), default="yes"),
        Field("default-route-distance", number(0, 255), default="1"),
        Field("use-peer-dns", yes_no("exclusively"), default="yes"),
        Field("use-peer-ntp", boolean, default="true"),
        Field("dhcp-options", default="hostname,clientid"),
        Field("status", read_only=True, default="searching..."),
        flag("invalid"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

ADDRESS6 = Menu(
    path="/ipv6/address",
    indexed=("address",),
    verbs=_TABLE,
    fields=(
        Field("address", ip6_prefix, required=True),
        Field("interface", required=True, refers="/interface"),
        Field("from-pool", default=""),
        Field("eui-64", boolean, default="false"),
        Field("advertise", boolean, default="true"),
        Field("no-dad", boolean, default="false"),
        flag("invalid"),
        flag("dynamic"),
        flag("global", absent_when_false=True),
        DISABLED,
        COMMENT,
    ),
)

LOGGING = Menu(
    path="/system/logging",
    verbs=_TABLE,
    builtin=tuple(
        (at, {"topics": topic, "action": "echo" if topic == "critical" else "memory", "default": "true"})
        for at, topic in enumerate(("info", "error", "warning", "critical"), 1)
    ),
    fields=(
        Field("topics", default="info"),
        Field("prefix", default=""),
        Field("action", default="memory", refers="/system/logging/action"),
        flag("invalid"),
        flag("default"),
        DISABLED,
    ),
)

LOGGING_ACTION = Menu(
    path="/system/logging/action",
    name_field="name",
    verbs=_TABLE - {"enable", "disable", "comment"},
    unique=(Unique(("name",), "failure: action with the same name already exists"),),
    builtin=tuple(
        (at, {"name": name, "target": name, "default": "true"})
        for at, name in enumerate(("memory", "disk", "echo", "remote"), 1)
    ),
    fields=(
        Field("name", required=True),
        Field("target", enum("memory", "disk", "echo", "remote", "email"), required=True),
        Field("remote", ip4),
        Field("remote-port", number(0, 65_535)),
        Field("memory-lines", number(1, 65_535)),
        flag("default"),
    ),
)

NOTE = Menu(
    path="/system/note",
    singleton=True,
    verbs=_SINGLE,
    fields=(
        Field("show-at-login", boolean, default="true"),
        Field("show-at-cli-login", boolean, default="false", since=(7, 13)),
        Field("note", default=""),
    ),
)

HISTORY = Menu(path="/system/history", verbs=_READ, fields=read_only("action", "by", "policy", "time"))

UPDATE = Menu(
    path="/system/package/update",
    singleton=True,
    verbs=_SINGLE - {"set"},
    fields=(Field("channel", read_only=True, default="stable"), Field("installed-version", live=plain_version)),
)

MENUS = (
    ETHERNET, BRIDGE, BRIDGE_PORT, VLAN, ROUTE, NEIGHBOR, DHCP_CLIENT, ADDRESS6, LOGGING, LOGGING_ACTION, NOTE,
    HISTORY, UPDATE,
)  # fmt: skip
