"""Raw and mangle rules, ARP, used pool addresses: what packets and hosts of the access network meet."""

from lab.mikrotik.menus.firewall import TABLE, rules
from lab.mikrotik.schema import COMMENT, DISABLED, Field, Menu, flag, read_only
from lab.mikrotik.values import boolean, enum, ip4, ip4_block, mac, text

_RULES = TABLE | {"move", "unset", "reset-counters", "reset-counters-all"}
_LISTS = ("add-dst-to-address-list", "add-src-to-address-list")
_RAW_ACTIONS = enum("accept", *_LISTS, "drop", "jump", "log", "notrack", "passthrough", "return")
_MANGLE_ACTIONS = enum(
    "accept", *_LISTS, "change-dscp", "change-mss", "change-ttl", "clear-df", "fasttrack-connection", "jump", "log",
    "mark-connection", "mark-packet", "mark-routing", "passthrough", "return", "route", "set-priority", "sniff-pc",
    "sniff-tzsp", "strip-ipv4-options",
)  # fmt: skip

RAW = Menu(
    path="/ip/firewall/raw",
    ordered=True,
    indexed=("comment", "action"),
    verbs=_RULES,
    fields=(
        Field("chain", required=True),
        Field("action", _RAW_ACTIONS, default="accept"),
        Field("tls-host"),
        *(one for one in rules(ip4_block) if not one.name.startswith("connection-")),
    ),
)

MANGLE = Menu(
    path="/ip/firewall/mangle",
    ordered=True,
    indexed=("comment", "action"),
    verbs=_RULES,
    fields=(
        Field("chain", required=True),
        Field("action", _MANGLE_ACTIONS, default="accept"),
        *(Field(name) for name in (
            "new-connection-mark", "new-dscp", "new-mss", "new-packet-mark", "new-priority", "new-routing-mark",
            "new-ttl", "route-dst", "sniff-id", "sniff-target", "sniff-target-port", "tls-host",
        )),
        Field("passthrough", boolean),
        *rules(ip4_block),
    ),
)  # fmt: skip

ARP = Menu(
    path="/ip/arp",
    indexed=("address", "mac-address"),
    verbs=TABLE,
    dynamic_removable=True,
    fields=(
        Field("address", ip4, required=True),
        Field("mac-address", mac),
        Field("interface", text, required=True, refers="/interface"),
        Field("published", boolean, default="false"),
        Field("status", read_only=True),
        flag("invalid"),
        flag("DHCP"),
        flag("dynamic"),
        flag("complete"),
        DISABLED,
        COMMENT,
    ),
)

POOL_USED = Menu(
    path="/ip/pool/used",
    indexed=("address",),
    verbs=frozenset(["print", "getall", "get", "find"]),
    survives_reboot=False,
    fields=read_only("pool", "address", "owner", "info"),
)

MENUS = (RAW, MANGLE, ARP, POOL_USED)
