"""What belongs to the console: files, scripts, schedulers, global variables, jobs."""

from lab.mikrotik.console import live
from lab.mikrotik.console.kinds import policies, start_date, start_time
from lab.mikrotik.schema import COMMENT, DISABLED, Field, Menu, Unique, flag, read_only
from lab.mikrotik.values import boolean, duration, number

_READ = frozenset(("print", "getall", "get", "find"))
_TABLE = _READ | {"add", "set", "remove", "comment", "export", "unset"}
# What a script may do unless its owner said otherwise.
_ALL_POLICIES = "ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"

FILE = Menu(
    path="/file",
    name_field="name",
    verbs=_READ | {"add", "set", "remove"},
    write_policy="ftp",
    unique=(Unique(("name",), "failure: already have such file"),),
    fields=(
        Field("name", required=True),
        Field("type", default="file"),
        Field("size", number(), read_only=True, default="0"),
        Field("creation-time", read_only=True, until=(7, 10)),
        Field("last-modified", read_only=True, since=(7, 10)),
        Field("contents", live=live.file_contents),
    ),
)

SCRIPT = Menu(
    path="/system/script",
    name_field="name",
    verbs=_TABLE,
    unique=(Unique(("name",), "failure: item with such name already exists"),),
    fields=(
        Field("name", required=True),
        Field("source", default=""),
        Field("owner"),
        Field("policy", policies, default=_ALL_POLICIES),
        Field("dont-require-permissions", boolean, default="false"),
        *read_only("last-started"),
        Field("run-count", read_only=True, default="0"),
        flag("invalid"),
        COMMENT,
    ),
)

SCHEDULER = Menu(
    path="/system/scheduler",
    name_field="name",
    verbs=_TABLE | {"enable", "disable"},
    unique=(Unique(("name",), "failure: item with such name already exists"),),
    fields=(
        Field("name", required=True),
        Field("on-event", default=""),
        Field("interval", duration(), default="0s"),
        Field("start-date", start_date),
        Field("start-time", start_time),
        *read_only("owner"),
        Field("policy", policies, default=_ALL_POLICIES),
        Field("run-count", live=live.run_count),
        Field("next-run", live=live.next_run),
        DISABLED,
        COMMENT,
    ),
)

ENVIRONMENT = Menu(
    path="/system/script/environment",
    name_field="name",
    verbs=_READ | {"set", "remove", "comment"},
    survives_reboot=False,
    fields=(Field("name", read_only=True), Field("value"), COMMENT),
)

JOB = Menu(
    path="/system/script/job",
    verbs=_READ | {"remove"},
    survives_reboot=False,
    fields=read_only("owner", "policy", "started", "type", "script", "parent"),
)

MENUS = (FILE, SCRIPT, SCHEDULER, ENVIRONMENT, JOB)
