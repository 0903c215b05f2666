"""The router's own network: ARP, static names, used pool addresses, how it treats IPv4."""

from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, flag, read_only
from lab.mikrotik.fields.values import boolean, duration, enum, first_of, ip4, ip6, mac, number, text

ARP = Menu(
    path="/ip/arp",
    indexed=("address", "mac-address"),
    dynamic_removable=True,
    fields=(
        Field("address", ip4, default="0.0.0.0"),  # noqa: S104  # how an ARP row reads without one
        Field("mac-address", mac, default="00:00:00:00:00:00"),
        Field("interface", required=True, refers="/interface"),
        Field("published", boolean, default="false"),
        *read_only("status"),
        Field("vrf", read_only=True, since=(7, 20)),
        flag("invalid"),
        flag("DHCP"),
        flag("dynamic"),
        flag("complete"),
        DISABLED,
        COMMENT,
    ),
)

_TYPES = enum("NXDOMAIN", "A", "NS", "CNAME", "MX", "TXT", "AAAA", "SRV", "FWD")


def _record_type(row: dict[str, str], _written: dict[str, str]) -> dict[str, str]:
    """Who gives an address and no type makes an A or AAAA record."""
    if "type" in row or "address" not in row:
        return {}
    return {"type": "AAAA" if ":" in row["address"] else "A"}


DNS_STATIC = Menu(
    path="/ip/dns/static",
    indexed=("name",),
    ordered=True,
    derive=_record_type,
    fields=(
        Field("name"),
        Field("regexp"),
        Field("type", _TYPES),
        Field("address", first_of(ip4, ip6)),
        *(Field(name) for name in ("cname", "forward-to", "mx-exchange", "ns", "srv-target", "text", "address-list")),
        Field("ttl", duration(), default="1d"),
        Field("match-subdomain", boolean, default="false", absent_when=("false",)),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

POOL_USED = Menu(
    path="/ip/pool/used",
    indexed=("pool", "address"),
    survives_reboot=False,
    fields=read_only("pool", "address", "owner", "info"),
)

SETTINGS = Menu(
    path="/ip/settings",
    singleton=True,
    fields=(
        Field("ip-forward", boolean, default="true"),
        Field("send-redirects", boolean, default="true"),
        Field("accept-source-route", boolean, default="false"),
        Field("accept-redirects", boolean, default="false"),
        Field("secure-redirects", boolean, default="true"),
        Field("rp-filter", enum("no", "strict", "loose"), default="no"),
        Field("tcp-syncookies", boolean, default="false"),
        Field("tcp-timestamps", enum("disabled", "random-offset", "enabled"), default="random-offset"),
        Field("max-neighbor-entries", number(), default="8192"),
        Field("arp-timeout", duration(), default="30s"),
        Field("icmp-rate-limit", number(), default="10"),
        Field("icmp-rate-mask", text, default="0x1818"),
        Field("icmp-errors-use-inbound-interface-address", boolean, default="false"),
        Field("route-cache", boolean, default="true"),
        Field("allow-fast-path", boolean, default="true"),
        Field("ipv4-multipath-hash-policy", enum("l3", "l4", "l3-inner"), default="l3"),
        *(Field(name, read_only=True, default=value) for name, value in (
            ("ipv4-fast-path-active", "true"), ("ipv4-fast-path-packets", "0"), ("ipv4-fast-path-bytes", "0"),
            ("ipv4-fasttrack-active", "true"), ("ipv4-fasttrack-packets", "0"), ("ipv4-fasttrack-bytes", "0"),
        )),
    ),
)  # fmt: skip

MENUS = (ARP, DNS_STATIC, POOL_USED, SETTINGS)
