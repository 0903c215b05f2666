"""DHCP server: servers, leases, networks (names by version: command trees of 7.9 to 7.24)."""

from lab.mikrotik.fields.lease_values import expires_after, last_seen
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    boolean,
    duration,
    enum,
    first_of,
    ip4,
    ip4_block,
    mac,
    number,
    rate_limit,
    several,
    text,
    yes_no,
)

_TABLE = frozenset(["print", "getall", "get", "add", "set", "remove", "comment", "listen", "find", "export"])
_SWITCHED = _TABLE | {"enable", "disable"}
_NOT_SET = "0.0.0.0"  # noqa: S104  # how an unset address reads
_QUEUE = (
    Field("insert-queue-before"),
    Field("parent-queue"),
    Field("allow-dual-stack-queue", boolean),
    Field("always-broadcast", boolean),
)

SERVER = Menu(
    path="/ip/dhcp-server",
    name_field="name",
    indexed=("interface",),
    verbs=_SWITCHED,
    unique=(Unique(("name",), "failure: already have server with such name"),),
    fields=(
        Field("name", required=True),
        Field("interface", required=True, refers="/interface"),
        Field("address-pool", default="static-only", refers="/ip/pool", or_kind=enum("static-only")),
        Field("lease-time", duration(), default="30m", since=(7,)),
        Field("lease-time", duration(), default="10m", until=(7,)),
        Field("authoritative", enum("yes", "no", "after-2sec-delay", "after-10sec-delay"), default="yes"),
        Field("add-arp", boolean),
        Field("address-lists", several(text), default="", since=(7, 18)),
        Field("bootp-lease-time", duration("forever", "lease-time"), default="forever"),
        Field("bootp-support", enum("none", "static", "dynamic"), default="static"),
        Field("client-mac-limit", first_of(enum("unlimited"), number()), default="unlimited"),
        Field("conflict-detection", boolean, default="true"),
        Field("delay-threshold", duration("none"), default="none"),
        Field("dhcp-option-set"),
        Field("lease-script", default=""),
        Field("relay", ip4, absent_when=(_NOT_SET,)),
        Field("server-address", ip4, absent_when=(_NOT_SET,)),
        Field("use-framed-as-classless", boolean, default="true"),
        Field("use-radius", yes_no("accounting"), default="no"),
        Field("use-reconfigure", boolean, default="false", since=(7, 20)),
        *_QUEUE,
        flag("dynamic"),
        flag("invalid"),
        DISABLED,
        COMMENT,
    ),
)

LEASE = Menu(
    path="/ip/dhcp-server/lease",
    indexed=("mac-address", "address", "client-id", "server", "status"),
    verbs=_SWITCHED | {"unset"},
    dynamic_removable=True,
    dynamic_survives_reboot=True,
    unique=(
        Unique(("mac-address", "server"), "failure: already have static lease for this client", static_only=True),
        Unique(("address",), "failure: already have static lease with this IP address", static_only=True),
    ),
    fields=(
        Field("address", ip4, refers="/ip/pool", or_kind=ip4),
        Field("mac-address", mac),
        Field("client-id", absent_when=("",)),
        Field("address-lists", several(text), default=""),
        Field("server", refers="/ip/dhcp-server", or_kind=enum("all"), absent_when=("all",)),
        Field("lease-time", duration()),
        Field("rate-limit", rate_limit, absent_when=("",)),
        Field("block-access", boolean),
        Field("use-src-mac", boolean),
        Field("dhcp-option", several(text), default=""),
        Field("dhcp-option-set"),
        Field("queue-type"),
        Field("routes"),
        *_QUEUE,
        Field("status", read_only=True, default="waiting"),
        Field("expires-after", live=expires_after),
        Field("last-seen", live=last_seen),
        *read_only(
            "active-address", "active-mac-address", "active-client-id", "active-server", "host-name", "class-id"
        ),
        flag("radius"),
        flag("dynamic"),
        flag("blocked"),
        DISABLED,
        COMMENT,
    ),
)

NETWORK = Menu(
    path="/ip/dhcp-server/network",
    indexed=("address",),
    verbs=_TABLE | {"unset"},
    unique=(Unique(("address",), "failure: such network already exists"),),
    fields=(
        Field("address", ip4_block, required=True),
        Field("gateway", several(ip4), default=""),
        Field("netmask", number(0, 32), absent_when=("0",)),
        Field("dns-server", several(ip4), default=""),
        Field("dns-none", boolean),
        Field("ntp-server", several(ip4), default=""),
        Field("ntp-none", boolean, since=(7, 20)),
        Field("wins-server", several(ip4), default=""),
        Field("caps-manager", several(ip4), default=""),
        Field("domain", default=""),
        Field("boot-file-name"),
        Field("next-server", ip4),
        Field("dhcp-option", default=""),
        Field("dhcp-option-set"),
        flag("dynamic"),
        COMMENT,
    ),
)

MENUS = (SERVER, LEASE, NETWORK)
