"""PPP: secrets, profiles, live sessions and the PPPoE server (names and defaults: facts gathered from RouterOS
7.9 to 7.24 command trees)."""

from lab.mikrotik.fields.live import session_uptime
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    boolean,
    duration,
    enum,
    first_of,
    ip4,
    ip6_prefix,
    number,
    rate_limit,
    several,
    text,
    yes_no,
)

_SERVICES = enum("any", "async", "l2tp", "ovpn", "pppoe", "pptp", "sstp")
_COMMON = frozenset(["print", "getall", "get", "comment", "listen", "find", "export"])
_READ_AND_REMOVE = frozenset(["print", "getall", "get", "remove", "listen", "find"])

SECRET = Menu(
    path="/ppp/secret",
    name_field="name",
    indexed=("profile", "comment", "remote-address"),
    verbs=_COMMON | {"add", "set", "remove", "enable", "disable", "unset"},
    unique=(Unique(("name",), "failure: secret with the same name already exists"),),
    fields=(
        Field("name", required=True),
        Field("service", _SERVICES, default="any"),
        Field("caller-id", default=""),
        Field("password", default="", sensitive=True),
        Field("profile", default="default", refers="/ppp/profile"),
        Field("local-address", ip4),
        Field("remote-address", ip4),
        Field("remote-ipv6-prefix", ip6_prefix),
        Field("routes"),
        Field("ipv6-routes", default=""),
        Field("limit-bytes-in", number(), default="0"),
        Field("limit-bytes-out", number(), default="0"),
        *read_only("last-logged-out", "last-caller-id"),
        Field("last-disconnect-reason", read_only=True, since=(7,)),
        DISABLED,
        COMMENT,
    ),
)

PROFILE = Menu(
    path="/ppp/profile",
    name_field="name",
    indexed=("comment",),
    verbs=_COMMON | {"add", "set", "remove", "unset"},
    unique=(Unique(("name",), "failure: profile with the same name already exists"),),
    held_message="failure: profile is in use",
    builtin=(
        (0x0, {"name": "default", "default": "true", "change-tcp-mss": "yes"}),
        (
            0xFFFFFFFE,
            {
                "name": "default-encryption",
                "default": "true",
                "change-tcp-mss": "yes",
                "use-encryption": "yes",
            },
        ),
    ),
    fields=(
        Field("name", required=True),
        Field("local-address", ip4, refers="/ip/pool", or_kind=ip4),
        Field("remote-address", ip4, refers="/ip/pool", or_kind=ip4),
        Field("remote-ipv6-prefix-pool"),
        Field("remote-ipv6-prefix-reuse", boolean, default="false"),
        Field("dhcpv6-pd-pool"),
        Field("dhcpv6-lease-time", duration()),
        Field("dhcpv6-use-radius", boolean, default="false"),
        Field("bridge", refers="/interface"),
        Field("bridge-horizon"),
        Field("bridge-learning", yes_no("default"), default="default"),
        Field("bridge-path-cost", number()),
        Field("bridge-port-priority", number()),
        Field("bridge-port-trusted", boolean, default="false"),
        Field("bridge-port-vid", number(1, 4094), default="1"),
        Field("session-timeout", duration()),
        Field("idle-timeout", duration()),
        Field("rate-limit", rate_limit),
        Field("only-one", yes_no("default"), default="default"),
        Field("address-list", several(text), default=""),
        Field("interface-list", refers="/interface/list"),
        Field("incoming-filter"),
        Field("outgoing-filter"),
        Field("insert-queue-before", refers="/queue/simple", or_kind=enum("first", "bottom")),
        Field("parent-queue", refers="/queue/simple", or_kind=enum("none")),
        Field("queue-type"),
        Field("dns-server", several(first_of(ip4))),
        Field("wins-server", several(first_of(ip4))),
        Field("change-tcp-mss", yes_no("default"), default="default"),
        Field("use-compression", yes_no("default"), default="default"),
        Field("use-encryption", yes_no("default", "required"), default="default"),
        Field("use-ipv6", yes_no("default", "required"), default="yes"),
        Field("use-mpls", yes_no("default", "required"), default="default"),
        Field("use-upnp", yes_no("default"), default="default"),
        Field("on-up", default=""),
        Field("on-down", default=""),
        flag("default"),
        COMMENT,
    ),
)

ACTIVE = Menu(
    path="/ppp/active",
    name_field="name",
    indexed=("address", "caller-id"),
    verbs=_READ_AND_REMOVE,
    dynamic_removable=True,
    survives_reboot=False,
    fields=(
        *read_only("name", "service", "caller-id", "address"),
        Field("uptime", live=session_uptime),
        *read_only("encoding", "session-id", "limit-bytes-in", "limit-bytes-out"),
        flag("radius", absent_when_false=True),
    ),
)

AAA = Menu(
    path="/ppp/aaa",
    singleton=True,
    verbs=frozenset(("print", "getall", "get", "set")),
    fields=(
        Field("use-radius", boolean, default="false"),
        Field("accounting", boolean, default="true"),
        Field("interim-update", duration(), default="0s"),
        Field("use-circuit-id-in-nas-port-id", boolean, default="false"),
        Field("enable-ipv6-accounting", boolean, default="false"),
    ),
)

PPPOE_SERVER = Menu(
    path="/interface/pppoe-server/server",
    indexed=("service-name",),
    verbs=_COMMON | {"add", "set", "remove", "enable", "disable"},
    fields=(
        Field("service-name", default=""),
        Field("interface", required=True, refers="/interface"),
        Field("max-mtu", default="auto"),
        Field("max-mru", default="auto"),
        Field("mrru", default="disabled"),
        Field("authentication", several(enum("pap", "chap", "mschap1", "mschap2")), "pap,chap,mschap1,mschap2"),
        Field("keepalive-timeout", first_of(enum("disabled"), number(1)), default="10"),
        Field("one-session-per-host", boolean, default="false"),
        Field("max-sessions", first_of(enum("unlimited"), number()), default="unlimited"),
        Field("pado-delay", number(), default="0"),
        Field("accept-empty-service", boolean, default="true"),
        Field("accept-untagged", boolean, default="true"),
        Field("pppoe-over-vlan-range", default=""),
        Field("default-profile", default="default", refers="/ppp/profile"),
        flag("invalid"),
        # Facts: a server is added disabled, and enabled by a second thought.
        Field("disabled", boolean, default="true"),
        COMMENT,
    ),
)

PPPOE_INTERFACE = Menu(
    path="/interface/pppoe-server",
    name_field="name",
    unique=(Unique(("name",), "failure: already have interface with such name"),),
    indexed=("user",),
    verbs=_COMMON | {"add", "set", "remove", "enable", "disable"},
    dynamic_removable=True,
    fields=(
        Field("name", required=True),
        Field("user", required=True),
        Field("service", default=""),
        *read_only("mtu", "mru", "remote-address", "encoding"),
        Field("uptime", live=session_uptime),
        *read_only("interface"),
        flag("dynamic"),
        flag("running"),
        DISABLED,
        COMMENT,
    ),
)

MENUS = (SECRET, PROFILE, ACTIVE, AAA, PPPOE_SERVER, PPPOE_INTERFACE)
