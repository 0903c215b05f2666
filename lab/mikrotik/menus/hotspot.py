"""Hotspot: servers, their profiles, users, live logins, hosts, bindings, cookies and the walled garden (names by
version: command trees of 7.9 to 7.24; defaults: the manual and Ansible's tables)."""

from lab.mikrotik.fields import hotspot_values as shown
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import (
    boolean,
    duration,
    enum,
    first_of,
    host_name,
    ip4,
    ip4_block,
    mac,
    negatable,
    number,
    ports,
    rate_limit,
    several,
    text,
    yes_no,
)

_PLAIN = frozenset(["print", "getall", "get", "add", "set", "remove", "find", "export", "listen"])
_SWITCHED = _PLAIN | {"enable", "disable"}
_ORDERED = _SWITCHED | {"comment", "move", "unset"}
_READ_AND_REMOVE = frozenset(["print", "getall", "get", "remove", "find", "listen"])
_NOT_SET = "0.0.0.0"  # noqa: S104  # how an unset address reads
_LOGIN_WAYS = several(enum("mac", "cookie", "http-chap", "https", "http-pap", "trial", "mac-cookie"))

SERVER = Menu(
    path="/ip/hotspot",
    name_field="name",
    indexed=("interface",),
    verbs=_SWITCHED,
    unique=(Unique(("name",), "failure: hotspot with such name already exists"),),
    fields=(
        Field("name", default="hotspot1"),
        Field("interface", required=True, refers="/interface"),
        Field("address-pool", default="none", refers="/ip/pool", or_kind=enum("none")),
        Field("profile", default="default", refers="/ip/hotspot/profile"),
        Field("idle-timeout", duration("none"), default="5m"),
        Field("keepalive-timeout", duration("none"), default="none"),
        Field("login-timeout", duration("none"), default="none"),
        Field("addresses-per-mac", first_of(enum("unlimited"), number()), default="2"),
        Field("proxy-status", live=shown.proxy_status),
        Field("ip-of-dns-name", live=shown.ip_of_dns_name),
        Field("invalid", live=shown.invalid),
        flag("HTTPS"),
        Field("disabled", boolean, default="true"),
    ),
)

PROFILE = Menu(
    path="/ip/hotspot/profile",
    name_field="name",
    verbs=_PLAIN,
    unique=(Unique(("name",), "failure: profile with the same name already exists"),),
    held_message="failure: profile is in use",
    builtin=((0, {"name": "default", "default": "true"}),),
    fields=(
        Field("name", required=True),
        Field("hotspot-address", ip4, default=_NOT_SET),
        Field("dns-name", default=""),
        Field("html-directory", default="hotspot"),
        Field("html-directory-override", default=""),
        Field("install-hotspot-queue", boolean, default="false"),
        Field("rate-limit", rate_limit, default=""),
        Field("http-proxy", default="0.0.0.0:0"),
        Field("smtp-server", ip4, default=_NOT_SET),
        Field("login-by", _LOGIN_WAYS, default="cookie,http-chap"),
        Field("http-cookie-lifetime", duration(), default="3d"),
        Field("mac-auth-mode", enum("mac-as-username", "mac-as-username-and-password"), default="mac-as-username"),
        Field("mac-auth-password", default="", sensitive=True),
        Field("split-user-domain", boolean, default="false"),
        Field("ssl-certificate", default="none"),
        Field("trial-uptime-limit", duration(), default="30m"),
        Field("trial-uptime-reset", duration(), default="1d"),
        Field("trial-user-profile", default="default"),
        Field("use-radius", boolean, default="false"),
        Field("radius-accounting", boolean, default="true"),
        Field("radius-interim-update", duration("received"), default="received"),
        Field("radius-default-domain", default=""),
        Field("radius-location-id", default=""),
        Field("radius-location-name", default=""),
        Field("radius-mac-format", default="XX:XX:XX:XX:XX:XX"),
        Field("nas-port-type", enum("ethernet", "cable", "wireless-802.11"), default="wireless-802.11"),
        flag("default"),
    ),
)

USER = Menu(
    path="/ip/hotspot/user",
    name_field="name",
    indexed=("profile", "server", "mac-address"),
    verbs=_SWITCHED | {"comment", "reset-counters"},
    unique=(Unique(("name", "server"), "failure: already have user with this name for this server"),),
    builtin=((0, {"name": "default-trial", "default": "true", "comment": "counters and limits for trial users"}),),
    fields=(
        Field("server", default="all", refers="/ip/hotspot", or_kind=enum("all")),
        Field("name", required=True),
        Field("password", default="", sensitive=True),
        Field("address", ip4, absent_when=(_NOT_SET,)),
        Field("mac-address", mac, absent_when=("00:00:00:00:00:00",)),
        Field("profile", default="default", refers="/ip/hotspot/user/profile"),
        Field("routes", default=""),
        Field("email", default=""),
        Field("limit-uptime", duration(), absent_when=("0s",)),
        Field("limit-bytes-in", number(), absent_when=("0",)),
        Field("limit-bytes-out", number(), absent_when=("0",)),
        Field("limit-bytes-total", number(), absent_when=("0",)),
        Field("otp-secret", default="", sensitive=True, since=(7, 21, 3)),
        *(Field(name, live=shown.user_total(name)) for name in (
            "uptime", "bytes-in", "bytes-out", "packets-in", "packets-out",
        )),
        flag("dynamic"),
        flag("default"),
        DISABLED,
        COMMENT,
    ),
)  # fmt: skip

USER_PROFILE = Menu(
    path="/ip/hotspot/user/profile",
    name_field="name",
    verbs=_PLAIN | {"unset"},
    unique=(Unique(("name",), "failure: profile with the same name already exists"),),
    held_message="failure: profile is in use",
    builtin=((0, {"name": "default", "default": "true"}),),
    fields=(
        Field("name", required=True),
        Field("rate-limit", rate_limit, absent_when=("",)),
        Field("shared-users", first_of(enum("unlimited"), number()), default="1"),
        Field("session-timeout", duration(), absent_when=("0s",)),
        Field("idle-timeout", duration("none"), default="none"),
        Field("keepalive-timeout", duration("none"), default="2m"),
        Field("status-autorefresh", duration("none"), default="1m"),
        Field("add-mac-cookie", boolean, default="true"),
        Field("mac-cookie-timeout", duration(), default="3d"),
        Field("address-list", several(text), default=""),
        Field("address-pool", default="none", refers="/ip/pool", or_kind=enum("none")),
        Field("transparent-proxy", boolean, default="false"),
        Field("open-status-page", enum("always", "http-login"), default="always"),
        Field("advertise", yes_no(), default="no"),
        *(Field(name) for name in (
            "advertise-url", "advertise-interval", "advertise-timeout", "incoming-filter", "outgoing-filter",
            "incoming-packet-mark", "outgoing-packet-mark", "insert-queue-before", "parent-queue", "queue-type",
        )),
        Field("on-login", default=""),
        Field("on-logout", default=""),
        flag("default"),
    ),
)  # fmt: skip

ACTIVE = Menu(
    path="/ip/hotspot/active",
    indexed=("user", "mac-address", "address", "server"),
    verbs=_READ_AND_REMOVE | {"login"},
    dynamic_removable=True,
    survives_reboot=False,
    fields=(
        *read_only("server", "user", "domain", "address", "mac-address", "login-by"),
        Field("uptime", live=shown.login_uptime),
        Field("session-time-left", live=shown.session_time_left),
        Field("idle-time", live=shown.idle_time),
        *read_only("idle-timeout", "keepalive-timeout"),
        *(Field(name, live=shown.login_counter(name)) for name in (
            "bytes-in", "bytes-out", "packets-in", "packets-out",
        )),
        *read_only("limit-bytes-in", "limit-bytes-out", "limit-bytes-total"),
        flag("radius"),
        flag("blocked"),
        COMMENT,
    ),
)  # fmt: skip

HOST = Menu(
    path="/ip/hotspot/host",
    indexed=("mac-address", "address", "to-address", "server"),
    verbs=_READ_AND_REMOVE | {"make-binding"},
    dynamic_removable=True,
    survives_reboot=False,
    fields=(
        *read_only("mac-address", "address", "to-address", "server", "bridge-port"),
        Field("uptime", live=shown.host_uptime),
        Field("idle-time", live=shown.idle_time),
        *read_only("idle-timeout", "keepalive-timeout", "host-dead-time"),
        *(Field(name, live=shown.host_counter(name)) for name in (
            "bytes-in", "bytes-out", "packets-in", "packets-out",
        )),
        *read_only("found-by"),
        Field("authorized", live=shown.authorized),
        Field("bypassed", live=shown.bypassed),
        Field("blocked", live=shown.blocked),
        flag("dynamic"),
        flag("static"),
        flag("DHCP"),
        COMMENT,
    ),
)  # fmt: skip

BINDING = Menu(
    path="/ip/hotspot/ip-binding",
    ordered=True,
    indexed=("mac-address", "address", "comment"),
    verbs=_ORDERED,
    fields=(
        Field("mac-address", mac, absent_when=("00:00:00:00:00:00",)),
        Field("address", first_of(ip4_block), absent_when=(_NOT_SET,)),
        Field("to-address", ip4, absent_when=(_NOT_SET,)),
        Field("server", default="all", refers="/ip/hotspot", or_kind=enum("all")),
        Field("type", enum("regular", "bypassed", "blocked"), default="regular"),
        Field("blocked", live=shown.binding_is("blocked")),
        Field("bypassed", live=shown.binding_is("bypassed")),
        DISABLED,
        COMMENT,
    ),
)

COOKIE = Menu(
    path="/ip/hotspot/cookie",
    indexed=("user", "mac-address"),
    verbs=_READ_AND_REMOVE,
    dynamic_removable=True,
    fields=(
        *read_only("user", "domain", "mac-address"),
        Field("expires-in", live=shown.cookie_left),
        flag("mac-cookie"),
    ),
)

_WHO = (Field("server", negatable(text), absent_when=("all",)), Field("src-address", negatable(ip4_block)))

GARDEN = Menu(
    path="/ip/hotspot/walled-garden",
    ordered=True,
    indexed=("dst-host", "comment"),
    verbs=_ORDERED | {"reset-counters", "reset-counters-all"},
    fields=(
        Field("action", enum("allow", "deny"), default="allow"),
        *_WHO,
        Field("method", negatable(text)),
        Field("dst-host", negatable(text)),
        Field("dst-port", negatable(ports)),
        Field("path", negatable(text)),
        Field("dst-address", read_only=True),
        Field("hits", read_only=True, default="0"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

GARDEN_IP = Menu(
    path="/ip/hotspot/walled-garden/ip",
    ordered=True,
    indexed=("comment",),
    verbs=_ORDERED,
    fields=(
        Field("action", enum("accept", "drop", "reject"), default="accept"),
        *_WHO,
        Field("src-address-list", negatable(text)),
        Field("dst-address", negatable(ip4_block)),
        Field("dst-address-list", negatable(text)),
        # Here the name is resolved: a wildcard is refused, as another project's tests assert.
        Field("dst-host", host_name),
        Field("dst-port", negatable(ports)),
        Field("protocol", negatable(text)),
        flag("dynamic"),
        flag("invalid"),
        DISABLED,
        COMMENT,
    ),
)

MENUS = (SERVER, PROFILE, USER, USER_PROFILE, ACTIVE, HOST, BINDING, COOKIE, GARDEN, GARDEN_IP)
