"""The box: board, sensors, licence, packages, and the mode it was shipped in."""

from lab.mikrotik.fields import live
from lab.mikrotik.fields.schema import ALWAYS, NEVER, Field, Menu, Version, read_only
from lab.mikrotik.fields.values import boolean

_READ = frozenset(("print", "getall", "get"))

# A CHR has no such menu: it answers `no such command prefix`.
ROUTERBOARD = Menu(
    path="/system/routerboard",
    singleton=True,
    verbs=_READ,
    boards=("RB5009",),
    fields=(
        *(Field(name, read_only=True, default=value) for name, value in (
            ("routerboard", "true"), ("board-name", "RB5009UG+S+"), ("model", "RB5009UG+S+"), ("revision", "r2"),
            ("serial-number", "HEX08XYZ123"), ("firmware-type", "70x0"), ("factory-firmware", "7.2.3"),
        )),
        Field("current-firmware", live=live.plain_version),
        Field("upgrade-firmware", live=live.plain_version),
    ),
)  # fmt: skip

_HEALTH_ROWS = (("voltage", "24.1", "V"), ("temperature", "41", "C"))

HEALTH = Menu(
    path="/system/health",
    name_field="name",
    since=(7,),
    boards=("RB5009",),
    verbs=_READ,
    builtin=tuple(
        (at, {"name": name, "value": value, "type": unit}) for at, (name, value, unit) in enumerate(_HEALTH_ROWS, 13)
    ),
    fields=read_only("name", "value", "type"),
)
# A virtual machine has no sensors: the menu is there and empty.
HEALTH_CHR = Menu(
    path="/system/health", name_field="name", since=(7,), boards=("CHR",), verbs=_READ,
    fields=read_only("name", "value", "type"),
)  # fmt: skip
# RouterOS 6 shows one row of fields.
HEALTH_6 = Menu(
    path="/system/health",
    singleton=True,
    until=(7,),
    verbs=_READ,
    fields=tuple(Field(name, read_only=True, default=value) for name, value, _unit in _HEALTH_ROWS),
)

LICENSE = Menu(
    path="/system/license",
    singleton=True,
    boards=("RB5009",),
    verbs=_READ,
    fields=tuple(
        Field(name, read_only=True, default=value)
        for name, value in (("software-id", "MNRA-0001"), ("nlevel", "5"), ("features", ""))
    ),
)
LICENSE_CHR = Menu(
    path="/system/license",
    singleton=True,
    boards=("CHR",),
    verbs=_READ,
    fields=tuple(
        Field(name, read_only=True, default=value)
        for name, value in (("system-id", "mnra0001mnr"), ("level", "p1"), ("limited-upgrades", "false"))
    ),
)


def _packages(*names: str, since: Version, until: Version) -> Menu:
    return Menu(
        path="/system/package", name_field="name", verbs=_READ, since=since, until=until, fields=_PACKAGE_FIELDS,
        builtin=tuple((at, {"name": name}) for at, name in enumerate(names, 1)),
    )  # fmt: skip


_PACKAGE_FIELDS = (
    Field("name", read_only=True),
    Field("version", live=live.plain_version),
    Field("build-time", live=live.build_time),
    Field("scheduled", read_only=True, default=""),
    Field("size", read_only=True, default="12000000", since=(7, 18)),
    Field("available", read_only=True, default="false", since=(7, 18)),
    Field("disabled", read_only=True, default="false"),
)
PACKAGE = _packages("routeros", since=(7,), until=NEVER)
# RouterOS 6 came as a bundle of packages.
PACKAGE_6 = _packages(
    "routeros-arm", "system", "ppp", "dhcp", "hotspot", "security", "advanced-tools", "routing", "wireless", "ipv6",
    since=ALWAYS, until=(7,),
)  # fmt: skip

# What a mode allows, of what an ISP may miss.
_FEATURES = (
    "scheduler", "socks", "fetch", "pptp", "l2tp", "bandwidth-test", "traffic-gen", "sniffer", "ipsec", "romon",
    "proxy", "hotspot", "smb", "email", "zerotier", "container",
)  # fmt: skip

DEVICE_MODE = Menu(
    path="/system/device-mode",
    singleton=True,
    since=(7,),
    verbs=_READ,
    fields=(
        Field("mode", live=live.device_mode),
        *(Field(name, boolean, live=live.device_feature(name)) for name in _FEATURES),
        *(Field(name, read_only=True, default=value) for name, value in (
            ("flagging-enabled", "true"), ("flagged", "false"), ("attempt-count", "0"),
        )),
    ),
)  # fmt: skip

MENUS = (
    ROUTERBOARD, HEALTH, HEALTH_CHR, HEALTH_6, LICENSE, LICENSE_CHR, PACKAGE, PACKAGE_6, DEVICE_MODE,
)  # fmt: skip
