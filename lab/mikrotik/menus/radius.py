"""RADIUS servers the router asks, and what it lets them ask."""

from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, flag
from lab.mikrotik.fields.values import boolean, duration, enum, first_of, ip4, ip6, number, several

_SERVICES = several(enum("ppp", "login", "hotspot", "wireless", "dhcp", "ipsec", "dot1x"))
_NOWHERE = "0.0.0.0"  # noqa: S104  # how an address reads that was not given

SERVER = Menu(
    path="/radius",
    indexed=("address",),
    ordered=True,
    fields=(
        Field("service", _SERVICES, default=""),
        Field("called-id", default=""),
        Field("domain", default=""),
        Field("address", first_of(ip4, ip6), default=_NOWHERE),
        Field("secret", default="", sensitive=True),
        Field("authentication-port", number(1, 65_535), default="1812"),
        Field("accounting-port", number(1, 65_535), default="1813"),
        Field("timeout", duration(), default="300ms"),
        Field("accounting-backup", boolean, default="false"),
        Field("realm", default=""),
        Field("protocol", enum("udp", "radsec"), default="udp"),
        Field("certificate", default="none"),
        Field("src-address", first_of(ip4, ip6), default=_NOWHERE),
        Field("require-message-auth", enum("no", "yes-for-request-resp"), default="yes-for-request-resp"),
        Field("radsec-timeout", duration(), default="3s300ms"),
        flag("invalid", absent_when_false=True),
        DISABLED,
        COMMENT,
    ),
)

INCOMING = Menu(
    path="/radius/incoming",
    singleton=True,
    fields=(
        Field("accept", boolean, default="false"),
        Field("port", number(1, 65_535), default="3799"),
        Field("vrf", default="main"),
    ),
)

MENUS = (SERVER, INCOMING)
