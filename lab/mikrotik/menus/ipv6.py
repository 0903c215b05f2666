"""IPv6 as far as a PPP session meets it: prefix pools, and the prefix that is announced on its interface (the manual's
page on PPP; no command tree of these menus was at hand, so their arguments are the well-known ones only)."""

from lab.mikrotik.fields.schema import COMMENT, DISABLED, TABLE_VERBS, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import boolean, duration, ip6_prefix, number

_READ = frozenset(("print", "getall", "get", "find", "listen"))

POOL = Menu(
    path="/ipv6/pool",
    name_field="name",
    verbs=TABLE_VERBS - {"enable", "disable", "unset"},
    unique=(Unique(("name",), "failure: pool with such name exists"),),
    fields=(
        Field("name", required=True),
        Field("prefix", ip6_prefix, required=True),
        Field("prefix-length", number(1, 128), required=True),
        *read_only("expires-after"),
        flag("dynamic"),
        COMMENT,
    ),
)

POOL_USED = Menu(
    path="/ipv6/pool/used",
    indexed=("prefix",),
    verbs=_READ,
    survives_reboot=False,
    fields=read_only("pool", "prefix", "owner", "info"),
)

ND_PREFIX = Menu(
    path="/ipv6/nd/prefix",
    indexed=("interface",),
    verbs=TABLE_VERBS - {"unset"},
    fields=(
        Field("prefix", ip6_prefix),
        Field("interface", required=True, refers="/interface"),
        Field("on-link", boolean, default="true"),
        Field("autonomous", boolean, default="true"),
        Field("valid-lifetime", duration(), default="4w2d"),
        Field("preferred-lifetime", duration(), default="1w"),
        flag("dynamic"),
        flag("invalid"),
        DISABLED,
        COMMENT,
    ),
)

MENUS = (POOL, POOL_USED, ND_PREFIX)
