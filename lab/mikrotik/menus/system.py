"""The system itself: identity, clock, resources, users, services, certificates, log."""

from lab.mikrotik.fields import live
from lab.mikrotik.fields.policy import POLICIES, POLICIES_6, merge_policies, new_policies
from lab.mikrotik.fields.schema import ALWAYS, COMMENT, DISABLED, NEVER, Field, Menu, Unique, Version, flag, read_only
from lab.mikrotik.fields.values import boolean, date, duration, enum, ip4, number, prefix, several, text, time_of_day

_READ = frozenset(("print", "getall", "get"))
_TABLE = frozenset(["print", "getall", "get", "add", "set", "remove", "comment", "find", "export"])

IDENTITY = Menu(
    path="/system/identity",
    singleton=True,
    verbs=_READ | {"set"},
    fields=(Field("name", default="MikroTik"),),
)

RESOURCE = Menu(
    path="/system/resource",
    singleton=True,
    verbs=_READ,
    fields=(
        Field("uptime", live=live.router_uptime),
        Field("version", live=live.version_text),
        Field("build-time", live=live.build_time),
        *(Field(name, read_only=True, default=value) for name, value in (
            ("factory-software", "7.2.3"), ("free-memory", "800000000"), ("total-memory", "1073741824"),
        )),
        Field("cpu", live=live.of_board("ARM64", "Common KVM processor")),
        *(Field(name, read_only=True, default=value) for name, value in (
            ("cpu-count", "4"), ("cpu-frequency", "1400"), ("cpu-load", "3"), ("free-hdd-space", "900000000"),
            ("total-hdd-space", "1073741824"),
        )),
        Field("write-sect-since-reboot", live=live.writes_since_boot),
        Field("write-sect-total", live=live.writes_in_all),
        Field("bad-blocks", read_only=True, default="0"),
        Field("architecture-name", live=live.of_board("arm64", "x86_64")),
        Field("board-name", live=live.of_board("RB5009UG+S+", "CHR QEMU Standard PC")),
        Field("platform", read_only=True, default="MikroTik"),
    ),
)  # fmt: skip

CLOCK = Menu(
    path="/system/clock",
    singleton=True,
    verbs=_READ | {"set"},
    fields=(
        Field("time", time_of_day, live=live.clock_time),
        Field("date", date, live=live.clock_date),
        Field("time-zone-autodetect", boolean, default="true"),
        Field("time-zone-name", default="manual"),
        Field("gmt-offset", read_only=True, default="+00:00"),
        Field("dst-active", read_only=True, default="false"),
    ),
)

NTP_CLIENT = Menu(
    path="/system/ntp/client",
    singleton=True,
    verbs=_READ | {"set"},
    since=(7,),
    fields=(
        Field("enabled", boolean, default="false"),
        Field("mode", enum("unicast", "broadcast", "multicast", "manycast"), default="unicast"),
        Field("servers", several(text), default=""),
        Field("vrf", default="main"),
        Field("freq-drift", read_only=True, default="0 PPM"),
        Field("status", live=live.ntp_status),
        Field("synced-server", live=live.ntp_server),
        Field("synced-stratum", read_only=True),
        Field("system-offset", read_only=True),
    ),
)

NTP_SERVERS = Menu(
    path="/system/ntp/client/servers",
    since=(7,),
    fields=(
        Field("address", required=True),
        *read_only("resolved-address"),
        Field("min-poll", number(), default="6"),
        Field("max-poll", number(), default="10"),
        Field("iburst", boolean, default="true"),
        Field("auth-key", default="none"),
        flag("dynamic"),
        DISABLED,
        COMMENT,
    ),
)

NTP_CLIENT_6 = Menu(
    path="/system/ntp/client",
    singleton=True,
    verbs=_READ | {"set"},
    until=(7,),
    fields=(
        Field("enabled", boolean, default="false"),
        Field("primary-ntp", ip4, default="0.0.0.0"),  # noqa: S104  # how v6 reads when unset
        Field("secondary-ntp", ip4, default="0.0.0.0"),  # noqa: S104  # how v6 reads when unset
        Field("server-dns-names", several(text), default=""),
        Field("mode", read_only=True, default="unicast"),
    ),
)

# What every router comes with: who reads, who writes, who may do everything.
_READERS = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,api,romon"
_GROUPS = (
    ("read", _READERS),
    ("write", f"{_READERS},write"),
    ("full", f"{_READERS},write,ftp,policy,sensitive"),
)


def _groups(policies: tuple[str, ...], more: str, since: Version, until: Version) -> Menu:
    new = new_policies(policies)
    return Menu(
        path="/user/group",
        name_field="name",
        verbs=_TABLE,
        write_policy="policy",
        held_message="failure: group has some users",
        unique=(Unique(("name",), "failure: group with the same name already exists"),),
        since=since,
        until=until,
        builtin=tuple(
            (at, {"name": name, "policy": new(f"{named},{more}")}) for at, (name, named) in enumerate(_GROUPS, 1)
        ),
        fields=(
            Field("name", required=True),
            Field("policy", new, default=new(""), merge=merge_policies(policies)),
            Field("skin", default="default"),
            COMMENT,
        ),
    )


USER_GROUP = _groups(POLICIES, "rest-api", (7,), NEVER)
USER_GROUP_6 = _groups(POLICIES_6, "dude,tikapp", ALWAYS, (7,))

USER = Menu(
    path="/user",
    name_field="name",
    indexed=("group",),
    verbs=_TABLE | {"enable", "disable"},
    write_policy="policy",
    unique=(Unique(("name",), "failure: user with the same name already exists"),),
    derive=lambda _row, written: {"expired": "false"} if "password" in written else {},
    fields=(
        Field("name", required=True),
        Field("group", required=True, refers="/user/group"),
        Field("address", several(prefix), default=""),
        Field("password", default="", write_only=True),
        Field("inactivity-policy", enum("none", "logout", "lockscreen"), default="none"),
        Field("inactivity-timeout", duration(), default="10m"),
        *read_only("last-logged-in"),
        flag("expired"),
        DISABLED,
        COMMENT,
    ),
)

USER_SETTINGS = Menu(
    path="/user/settings",
    singleton=True,
    write_policy="policy",
    fields=(
        Field("minimum-password-length", number(), default="0"),
        Field("minimum-categories", number(0, 4), default="0"),
    ),
)

USER_ACTIVE = Menu(
    path="/user/active",
    indexed=("name",),
    verbs=_READ | {"find"},
    survives_reboot=False,
    fields=(*read_only("when", "name", "address", "via", "group"), flag("radius")),
)

_SERVICES = (
    ("telnet", "23", "false"), ("ftp", "21", "false"), ("www", "80", "false"), ("ssh", "22", "false"),
    ("www-ssl", "443", "true"), ("api", "8728", "false"), ("winbox", "8291", "false"), ("api-ssl", "8729", "false"),
)  # fmt: skip

SERVICE = Menu(
    path="/ip/service",
    name_field="name",
    verbs=_READ | {"set", "enable", "disable", "find", "unset"},
    builtin=tuple(
        (at, {"name": name, "port": port, "disabled": disabled, "proto": "tcp"})
        for at, (name, port, disabled) in enumerate(_SERVICES)
    ),
    fields=(
        Field("name", read_only=True),
        Field("port", number(1, 65_535)),
        *read_only("proto", "local", "remote"),
        Field("address", several(prefix), default=""),
        Field("certificate", default="none", refers="/certificate", or_kind=enum("none")),
        Field("tls-version", enum("any", "only-1.2"), default="any"),
        Field("vrf", default="main"),
        Field("max-sessions", number(1, 1000), default="20"),
        flag("invalid"),
        flag("dynamic"),
        flag("connection", absent_when_false=True),
        DISABLED,
    ),
)

CERTIFICATE = Menu(
    path="/certificate",
    name_field="name",
    auto_name="cert",
    verbs=_TABLE | {"sign", "export-certificate"},
    unique=(Unique(("name",), "failure: certificate with the same name already exists"),),
    fields=(
        Field("name"),
        Field("key-size", default="2048"),
        Field("days-valid", number(1), default="365"),
        Field("trusted", boolean, default="false"),
        *read_only("issuer", "fingerprint", "invalid-before", "invalid-after", "ca"),
        flag("private-key"),
        flag("authority"),
    ),
)

CERTIFICATE_SETTINGS = Menu(
    path="/certificate/settings",
    singleton=True,
    fields=(
        Field("crl-download", boolean, default="false"),
        Field("crl-use", boolean, default="false"),
        Field("crl-store", enum("ram", "system"), default="ram"),
        Field("builtin-trust-anchors", default="not-trusted"),
        Field("builtin-trust-store", default="default"),
        Field("current-defaults", default=""),
    ),
)

LOG = Menu(
    path="/log",
    verbs=_READ | {"listen", "find"},
    survives_reboot=False,
    fields=read_only("time", "topics", "message", "extra-info"),
)

MENUS = (
    IDENTITY, RESOURCE, CLOCK, NTP_CLIENT, NTP_SERVERS, NTP_CLIENT_6, USER_GROUP, USER_GROUP_6, USER, USER_SETTINGS,
    USER_ACTIVE, SERVICE, CERTIFICATE, CERTIFICATE_SETTINGS, LOG,
)  # fmt: skip
