"""Interfaces, addresses, pools, queues and DNS."""

import ipaddress

from lab.mikrotik.fields.live import pool_available, pool_total, pool_used, queue_bytes, session_byte_counter
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    boolean,
    duration,
    duration_us,
    enum,
    first_of,
    ip4,
    ip4_block,
    ip4_with_length,
    ip6,
    number,
    pair,
    queue_targets,
    rate,
    several,
    size,
    text,
)

_TABLE = frozenset(
    ["print", "getall", "get", "add", "set", "remove", "enable", "disable", "comment", "listen", "find", "export"]
)


def _seconds(value: str) -> str:
    duration_us(value)
    return value


def _interface(number: int, name: str, kind: str) -> dict[str, str]:
    """A port as it comes: up, with an address of the maker's."""
    values = {"name": name, "type": kind, "actual-mtu": "1500", "l2mtu": "1514", "link-downs": "0", "running": "true"}
    values["mac-address"] = f"48:A9:8A:00:00:{number:02X}"
    return values | ({"default-name": name, "max-l2mtu": "9796"} if kind == "ether" else {})


INTERFACE = Menu(
    path="/interface",
    name_field="name",
    unique=(Unique(("name",), "failure: already have interface with such name"),),
    verbs=_TABLE - {"add", "remove"},
    builtin=(
        *((port, _interface(port, f"ether{port}", "ether")) for port in range(1, 6)),
        (6, _interface(6, "bridge", "bridge")),
    ),
    fields=(
        Field("name", required=True),
        *read_only("default-name", "type"),
        Field("mtu", number(), default="1500"),
        Field("actual-mtu", read_only=True),
        Field("l2mtu", number()),
        *read_only("max-l2mtu", "mac-address", "last-link-down-time", "last-link-up-time", "link-downs"),
        Field("rx-byte", live=session_byte_counter("up")),
        Field("tx-byte", live=session_byte_counter("down")),
        flag("dynamic", absent_when_false=True),
        flag("running"),
        DISABLED,
        COMMENT,
    ),
)

INTERFACE_LIST = Menu(
    path="/interface/list",
    name_field="name",
    verbs=_TABLE - {"enable", "disable"},
    unique=(Unique(("name",), "failure: already have such name"),),
    builtin=tuple(
        (0x2000000 + at, {"name": name, "builtin": "true"})
        for at, name in enumerate(("all", "none", "dynamic", "static"))
    ),
    fields=(
        Field("name", required=True),
        Field("include", default="", refers="/interface/list", list_of_names=True),
        Field("exclude", default="", refers="/interface/list", list_of_names=True),
        flag("builtin"),
        flag("dynamic"),
        COMMENT,
    ),
)

INTERFACE_LIST_MEMBER = Menu(
    path="/interface/list/member",
    indexed=("list",),
    verbs=_TABLE,
    unique=(Unique(("list", "interface"), "failure: already have such member"),),
    fields=(
        Field("list", required=True, refers="/interface/list"),
        Field("interface", required=True, refers="/interface"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

POOL = Menu(
    path="/ip/pool",
    name_field="name",
    verbs=_TABLE - {"enable", "disable"},
    unique=(Unique(("name",), "failure: pool with such name exists"),),
    fields=(
        Field("name", required=True),
        Field("ranges", several(ip4_block), required=True),
        Field("next-pool", refers="/ip/pool", or_kind=lambda value: value if value == "none" else ip4("")),
        Field("total", live=pool_total, since=(7, 20)),
        Field("used", live=pool_used, since=(7, 20)),
        Field("available", live=pool_available, since=(7, 20)),
        COMMENT,
    ),
)


def _of_address(row: dict[str, str], written: dict[str, str]) -> dict[str, str]:
    """The network follows the address unless it was written too."""
    follows = {"actual-interface": row["interface"]} if "interface" in row else {}
    if "address" in written and "network" not in written:
        follows["network"] = str(ipaddress.IPv4Interface(row["address"]).network.network_address)
    return follows


ADDRESS = Menu(
    path="/ip/address",
    indexed=("address",),
    derive=_of_address,
    verbs=_TABLE,
    unique=(Unique(("address", "interface"), "failure: already have such address"),),
    fields=(
        Field("address", ip4_with_length, required=True),
        Field("network", ip4),
        Field("interface", required=True, refers="/interface"),
        *read_only("actual-interface"),
        flag("invalid"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

_PAIR_RATE = pair(rate)
_TOTALS = ("bytes", "packets", "rate", "packet-rate", "queued-packets", "queued-bytes", "dropped")

QUEUE = Menu(
    path="/queue/simple",
    name_field="name",
    auto_name="queue",
    ordered=True,
    indexed=("target", "comment"),
    verbs=_TABLE | {"move", "unset", "reset-counters"},
    unique=(Unique(("name",), "failure: already have such name"),),
    fields=(
        Field("name"),
        Field("target", queue_targets, required=True),
        Field("dst"),
        Field("parent", default="none", refers="/queue/simple", or_kind=enum("none")),
        Field("packet-marks", default=""),
        Field("priority", pair(number(1, 8)), default="8/8"),
        Field("queue", pair(text), default="default-small/default-small"),
        Field("limit-at", _PAIR_RATE, default="0/0"),
        Field("max-limit", _PAIR_RATE, default="0/0"),
        Field("burst-limit", _PAIR_RATE, default="0/0"),
        Field("burst-threshold", _PAIR_RATE, default="0/0"),
        Field("burst-time", pair(duration()), default="0s/0s"),
        Field("bucket-size", pair(text), default="0.1/0.1"),
        Field("time"),
        Field("bytes", live=queue_bytes),
        *(
            Field(name, read_only=True, default="0/0")
            for name in ("packets", "rate", "packet-rate", "queued-packets", "queued-bytes", "dropped")
        ),
        *(Field(f"total-{name}", read_only=True, default="0") for name in _TOTALS),
        flag("invalid"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

DNS = Menu(
    path="/ip/dns",
    singleton=True,
    verbs=frozenset(("print", "getall", "get", "set")),
    fields=(
        Field("servers", several(first_of(ip4, ip6)), default=""),
        Field("dynamic-servers", read_only=True, default=""),
        Field("use-doh-server", default=""),
        Field("verify-doh-cert", boolean, default="false"),
        Field("allow-remote-requests", boolean, default="false"),
        Field("max-udp-packet-size", number(50, 65_507), default="4096"),
        Field("query-server-timeout", _seconds, default="2s"),
        Field("query-total-timeout", _seconds, default="10s"),
        Field("doh-max-server-connections", number(), default="5"),
        Field("doh-max-concurrent-queries", number(), default="50"),
        Field("doh-timeout", duration(), default="5s"),
        Field("max-concurrent-queries", number(), default="100"),
        Field("max-concurrent-tcp-sessions", number(), default="20"),
        Field("cache-size", size, default="2048KiB"),
        Field("cache-max-ttl", duration(), default="1w"),
        Field("address-list-extra-time", duration(), default="0s"),
        Field("vrf", default="main"),
        Field("mdns-repeat-ifaces", default=""),
        Field("cache-used", read_only=True, default="48KiB"),
    ),
)

MENUS = (INTERFACE, INTERFACE_LIST, INTERFACE_LIST_MEMBER, POOL, ADDRESS, QUEUE, DNS)
