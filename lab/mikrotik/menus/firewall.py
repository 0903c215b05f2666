"""Address lists, filter, NAT and live connections, for IPv4 and IPv6."""

from lab.mikrotik.fields.live import connection_timeout, remaining_timeout
from lab.mikrotik.fields.schema import COMMENT, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    Kind,
    boolean,
    duration,
    enum,
    first_of,
    host_name,
    ip4_block,
    ip4_range,
    ip6_prefix,
    negatable,
    number,
    ports,
    several,
    text,
)

_TABLE = frozenset(
    ["print", "getall", "get", "add", "set", "remove", "enable", "disable", "comment", "listen", "find", "export"]
)
_STATES = several(enum("established", "invalid", "new", "related", "untracked"))
_FILTER_ACTIONS = enum(
    "accept", "add-dst-to-address-list", "add-src-to-address-list", "drop", "fasttrack-connection", "jump", "log",
    "passthrough", "reject", "return", "tarpit",
)  # fmt: skip
_NAT_ACTIONS = enum(
    "accept", "add-dst-to-address-list", "add-src-to-address-list", "dst-nat", "jump", "log", "masquerade", "netmap",
    "passthrough", "redirect", "return", "same", "src-nat", "endpoint-independent-nat", "socksify",
)  # fmt: skip
_RAW_ACTIONS = enum(
    "accept", "add-dst-to-address-list", "add-src-to-address-list", "drop", "jump", "log", "notrack", "passthrough",
    "return",
)  # fmt: skip
_MANGLE_ACTIONS = enum(
    "accept", "add-dst-to-address-list", "add-src-to-address-list", "change-dscp", "change-mss", "change-ttl",
    "clear-df", "fasttrack-connection", "jump", "log", "mark-connection", "mark-packet", "mark-routing", "passthrough",
    "return", "route", "set-priority", "sniff-pc", "sniff-tzsp", "strip-ipv4-options",
)  # fmt: skip
_REJECT_WITH = enum(
    "icmp-network-unreachable", "icmp-host-unreachable", "icmp-protocol-unreachable", "icmp-port-unreachable",
    "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset", "icmp-no-route",
    "icmp-address-unreachable", "icmp-not-neighbour",
)  # fmt: skip
# Matchers that are stored and read back; a packet is never held against them (see packets.py).
_OTHER_MATCHERS = (
    "connection-bytes", "connection-limit", "connection-mark", "connection-rate", "connection-type", "content",
    "dscp", "dst-address-type", "dst-limit", "fragment", "hotspot", "icmp-options", "in-bridge-port",
    "in-bridge-port-list", "ingress-priority", "ipsec-policy", "ipv4-options", "layer7-protocol", "limit", "nth",
    "out-bridge-port", "out-bridge-port-list", "p2p", "packet-mark", "packet-size", "per-connection-classifier",
    "port", "priority", "psd", "random", "realm", "routing-mark", "src-address-type", "src-mac-address", "tcp-flags",
    "tcp-mss", "time", "tos", "ttl",
)  # fmt: skip
OTHER_MATCHERS = frozenset((*_OTHER_MATCHERS, "tls-host")) - {"dst-address-type", "hotspot", "port", "src-mac-address"}

# On firewall rows a false `disabled` was seen to be absent.
_DISABLED = Field("disabled", boolean, default="false", absent_when=("false",))
_LIST_DISABLED = Field("disabled", boolean, default="false")


# What stands for every interface of a kind, beside the names of single ones.
_MANY_INTERFACES = enum("all-ethernet", "all-ppp", "all-vlan", "all-wireless")


def _rules(address: Kind, *others: str) -> tuple[Field, ...]:
    """What all rules have. `others` are matchers that `arguments.json` does not list for the menu."""
    return (
        Field("src-address", negatable(address)),
        Field("dst-address", negatable(address)),
        Field("src-address-list", negatable(text)),
        Field("dst-address-list", negatable(text)),
        Field("protocol", negatable(text)),
        Field("src-port", negatable(ports)),
        Field("dst-port", negatable(ports)),
        Field("in-interface", refers="/interface", negated=True, or_kind=negatable(_MANY_INTERFACES)),
        Field("out-interface", refers="/interface", negated=True, or_kind=negatable(_MANY_INTERFACES)),
        Field("in-interface-list", refers="/interface/list", negated=True),
        Field("out-interface-list", refers="/interface/list", negated=True),
        Field("connection-state", negatable(_STATES)),
        Field("connection-nat-state", negatable(several(enum("dstnat", "srcnat", "ein-dnat", "ein-snat")))),
        *(Field(name) for name in others),
        Field("jump-target"),
        Field("address-list"),
        Field("address-list-timeout", duration("none-dynamic", "none-static")),
        Field("log", boolean, default="false"),
        Field("log-prefix", default=""),
        Field("bytes", read_only=True, default="0"),
        Field("packets", read_only=True, default="0"),
        flag("invalid", absent_when_false=True),
        flag("dynamic", absent_when_false=True),
        _DISABLED,
        COMMENT,
    )


def _filter(path: str, address: Kind, *others: str) -> Menu:
    return Menu(
        path=path,
        ordered=True,
        indexed=("comment", "action"),
        verbs=_TABLE | {"move", "unset", "reset-counters", "reset-counters-all"},
        fields=(
            Field("chain", required=True),
            Field("action", _FILTER_ACTIONS, default="accept"),
            Field("reject-with", _REJECT_WITH),
            *_rules(address, *others),
        ),
    )


def _address_list(path: str, address: Kind) -> Menu:
    return Menu(
        path=path,
        indexed=("address", "list", "comment"),
        verbs=_TABLE,
        unique=(Unique(("address", "list"), "failure: already have such entry", enabled_only=True),),
        dynamic_removable=True,
        dynamic_writable=True,
        fields=(
            Field("list", required=True),
            Field("address", address, required=True),
            Field("creation-time", read_only=True),
            Field("timeout", duration("none"), live=remaining_timeout),
            Field("dynamic", boolean, default="false"),
            _LIST_DISABLED,
            COMMENT,
        ),
    )


FILTER = _filter("/ip/firewall/filter", ip4_block)
FILTER6 = _filter("/ipv6/firewall/filter", ip6_prefix, *_OTHER_MATCHERS, "tls-host")
ADDRESS_LIST = _address_list("/ip/firewall/address-list", first_of(ip4_block, ip4_range, host_name))
ADDRESS_LIST6 = _address_list("/ipv6/firewall/address-list", first_of(ip6_prefix, host_name))

NAT = Menu(
    path="/ip/firewall/nat",
    ordered=True,
    indexed=("comment", "action"),
    verbs=_TABLE | {"move", "unset", "reset-counters", "reset-counters-all"},
    fields=(
        Field("chain", required=True),
        Field("action", _NAT_ACTIONS, default="accept"),
        Field("to-addresses", first_of(ip4_block, ip4_range)),
        Field("to-ports", ports),
        *_rules(ip4_block),
    ),
)


RAW = Menu(
    path="/ip/firewall/raw",
    ordered=True,
    indexed=("comment", "action"),
    fields=(
        Field("chain", required=True),
        Field("action", _RAW_ACTIONS, default="accept"),
        *_rules(ip4_block),
    ),
)


MANGLE = Menu(
    path="/ip/firewall/mangle",
    ordered=True,
    indexed=("comment", "action"),
    verbs=_TABLE | {"move", "unset", "reset-counters", "reset-counters-all"},
    fields=(
        Field("chain", required=True),
        Field("action", _MANGLE_ACTIONS, default="accept"),
        *(Field(name) for name in (
            "new-connection-mark", "new-dscp", "new-mss", "new-packet-mark", "new-priority", "new-routing-mark",
            "new-ttl", "route-dst", "sniff-id", "sniff-target", "sniff-target-port",
        )),
        Field("passthrough", boolean),
        *_rules(ip4_block, *_OTHER_MATCHERS, "tls-host"),
    ),
)  # fmt: skip


def _connection(path: str) -> Menu:
    return Menu(
        path=path,
        indexed=("src-address", "dst-address"),
        verbs=frozenset(["print", "getall", "get", "remove", "find"]),
        dynamic_removable=True,
        survives_reboot=False,
        fields=(
            *read_only("protocol", "src-address", "dst-address", "reply-src-address", "reply-dst-address"),
            *read_only("tcp-state"),
            Field("timeout", live=connection_timeout),
            Field("connection-mark", read_only=True),
            *(Field(name, number(), read_only=True) for name in ("orig-bytes", "repl-bytes")),
            flag("seen-reply"),
            flag("assured"),
            flag("confirmed"),
            flag("fasttrack"),
            flag("dstnat"),
            flag("srcnat"),
            flag("dying"),
        ),
    )


CONNECTION = _connection("/ip/firewall/connection")
CONNECTION6 = _connection("/ipv6/firewall/connection")

MENUS = (ADDRESS_LIST, FILTER, NAT, RAW, MANGLE, CONNECTION, ADDRESS_LIST6, FILTER6, CONNECTION6)
