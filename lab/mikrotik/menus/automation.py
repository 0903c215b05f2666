"""What the router does by itself: schedules, scripts, watched hosts; and the files it keeps."""

from typing import Any

from lab.mikrotik.fields.policy import SCRIPT_POLICIES, script_policies
from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.fields.values import boolean, date, duration, enum, first_of, number, text, time_of_day

# What a script or schedule may do when nobody says: everything but reach the router from outside.
_DEFAULT_POLICY = ",".join(SCRIPT_POLICIES)


def _schedule(router: Any, user: str) -> dict[str, str]:
    """A schedule without a start starts when it is made."""
    now = router.local_time()
    return {"start-date": router.format_date(now), "start-time": f"{now:%H:%M:%S}", "owner": user}


SCHEDULER = Menu(
    path="/system/scheduler",
    name_field="name",
    auto_name="schedule",
    born=_schedule,
    granting="policy",
    unique=(Unique(("name",), "failure: item with such name already exists"),),
    fields=(
        Field("name", required=True),
        Field("start-date", date),
        Field("start-time", first_of(enum("startup"), time_of_day)),
        Field("interval", duration(), default="0s"),
        Field("on-event", default=""),
        *read_only("owner"),
        Field("policy", script_policies, default=_DEFAULT_POLICY),
        Field("run-count", read_only=True, default="0"),
        *read_only("next-run"),
        DISABLED,
        COMMENT,
    ),
)

SCRIPT = Menu(
    path="/system/script",
    name_field="name",
    auto_name="script",
    born=lambda _router, user: {"owner": user},
    granting="policy",
    unique=(Unique(("name",), "failure: item with this name already exists"),),
    fields=(
        Field("name"),
        Field("owner"),
        Field("policy", script_policies, default=_DEFAULT_POLICY),
        Field("dont-require-permissions", boolean, default="false"),
        *read_only("last-started"),
        Field("run-count", read_only=True, default="0"),
        Field("source", default=""),
        flag("invalid"),
        COMMENT,
    ),
)

ENVIRONMENT = Menu(
    path="/system/script/environment",
    name_field="name",
    survives_reboot=False,
    fields=(*read_only("name"), Field("value"), *read_only("user"), COMMENT),
)

_TYPES = enum("simple", "icmp", "tcp-conn", "http-get", "https-get", "dns")
_HOST_UP = ("status", "since", "done-tests", "failed-tests")

NETWATCH = Menu(
    path="/tool/netwatch",
    indexed=("host",),
    since=(7,),
    fields=(
        Field("name"),
        Field("host", required=True),
        Field("type", _TYPES, default="simple"),
        Field("interval", duration(), default="10s"),
        Field("timeout", duration()),
        Field("up-script", default=""),
        Field("down-script", default=""),
        Field("test-script", default=""),
        Field("status", read_only=True, default="unknown"),
        *read_only(*_HOST_UP[1:]),
        Field("disabled", boolean, default="false", absent_when=("false",)),
        COMMENT,
    ),
)

NETWATCH_6 = Menu(
    path="/tool/netwatch",
    indexed=("host",),
    until=(7,),
    fields=(
        Field("host", required=True),
        Field("timeout", duration(), default="1s"),
        Field("interval", duration(), default="1m"),
        *read_only("since"),
        Field("status", read_only=True, default="unknown"),
        Field("up-script", default=""),
        Field("down-script", default=""),
        DISABLED,
        COMMENT,
    ),
)

FILE = Menu(
    path="/file",
    name_field="name",
    write_policy="ftp",
    unique=(Unique(("name",), "failure: file already exists"),),
    born=lambda router, _user: {"creation-time": router.stamp(), "last-modified": router.stamp()},
    derive=lambda _row, written: {"size": str(len(written["contents"]))} if "contents" in written else {},
    fields=(
        Field("name", required=True),
        Field("type", default="file"),
        Field("size", first_of(number(), text), read_only=True, default="0"),
        *read_only("creation-time", "last-modified"),
        Field("contents"),
    ),
)

MENUS = (SCHEDULER, SCRIPT, ENVIRONMENT, NETWATCH, NETWATCH_6, FILE)
