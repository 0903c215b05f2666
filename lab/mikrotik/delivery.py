"""How a router comes out of its box: an admin user, and (unless empty) a small PPPoE tower that runs."""

from lab.mikrotik.speech.edit import Editor
from lab.mikrotik.store.tables import Tables

# What a tower that sells PPPoE looks like before Mnara comes: fasttrack included, because that is the trap.
_TOWER: tuple[tuple[str, dict[str, str]], ...] = (
    ("/interface/list", {"name": "WAN", "comment": "defconf"}),
    ("/interface/list", {"name": "LAN", "comment": "defconf"}),
    ("/interface/list/member", {"list": "WAN", "interface": "ether1", "comment": "defconf"}),
    ("/interface/list/member", {"list": "LAN", "interface": "ether2", "comment": "defconf"}),
    ("/ip/address", {"address": "198.51.100.2/30", "interface": "ether1"}),
    ("/interface/pppoe-server/server", {
        "service-name": "isp", "interface": "ether2", "one-session-per-host": "yes", "disabled": "no",
    }),
    ("/ip/firewall/filter", {
        "chain": "forward", "action": "fasttrack-connection", "connection-state": "established,related",
        "comment": "defconf: fasttrack",
    }),
    ("/ip/firewall/filter", {
        "chain": "forward", "action": "accept", "connection-state": "established,related,untracked",
        "comment": "defconf: accept established,related, untracked",
    }),
    ("/ip/firewall/filter", {
        "chain": "forward", "action": "drop", "connection-state": "invalid", "comment": "defconf: drop invalid",
    }),
    ("/ip/firewall/nat", {
        "chain": "srcnat", "action": "masquerade", "out-interface-list": "WAN", "comment": "defconf: masquerade",
    }),
)  # fmt: skip

_COUNTER_ROW = {
    "chain": "forward", "action": "passthrough", "comment": "special dummy rule to show fasttrack counters",
    "dynamic": "true", "bytes": "0", "packets": "0", "log": "false", "log-prefix": "",
}  # fmt: skip


def deliver(tables: Tables, editor: Editor, *, user: str, password: str, group: str, empty: bool) -> None:
    """Put the first user on the router, and the tower's setup."""
    editor.add(tables.get("/user"), {"name": user, "group": group, "password": password})
    if empty:
        return
    # Routers show a rule that is none, to count fasttracked packets; whoever counts positions trips over it.
    tables.get("/ip/firewall/filter").insert(dict(_COUNTER_ROW), builtin=True)
    for path, attributes in _TOWER:
        editor.add(tables.get(path), attributes)
