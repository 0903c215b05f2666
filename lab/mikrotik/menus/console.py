"""What runs at the console: jobs."""

from lab.mikrotik.fields.schema import Menu, read_only

JOB = Menu(
    path="/system/script/job",
    verbs=frozenset(("print", "getall", "get", "find", "remove")),
    survives_reboot=False,
    fields=read_only("owner", "policy", "started", "type", "script", "parent"),
)

MENUS = (JOB,)
