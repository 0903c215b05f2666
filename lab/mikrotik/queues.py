"""Dynamic simple queues of hotspot logins and leases: made when they begin, gone with them."""

from lab.mikrotik.sessions import BEFORE_ALL, queue_limits
from lab.mikrotik.table import Row, Table
from lab.mikrotik.tables import Tables, defaults


def add_queue(
    tables: Tables, rows: list[tuple[Table, Row]], owner: object, settings: Row, *, name: str, address: str
) -> Row | None:
    """A queue as `rate-limit`, `insert-queue-before`, `parent-queue` and `queue-type` of a row say; None without a
    rate-limit. The name gets a number when it is taken."""
    rate = settings.get("rate-limit")
    if not rate:
        return None
    queues = tables.get("/queue/simple")
    where = settings.get("insert-queue-before")
    before = queues.at_position(0) if where == BEFORE_ALL else queues.find(where) if where else None
    values = defaults(queues) | queue_limits(rate)
    values |= {"name": _free_name(queues, name), "target": f"{address}/32", "dynamic": "true"}
    values["parent"] = settings.get("parent-queue") or "none"
    if kind := settings.get("queue-type"):
        values["queue"] = kind if "/" in kind else f"{kind}/{kind}"
    row = queues.insert(values, owner=owner, before=before)
    rows.append((queues, row))
    return row


def _free_name(queues: Table, name: str) -> str:
    """`<hotspot-ann>`, then `<hotspot-ann-1>` and so on."""
    wanted, count = name, 0
    while queues.find(wanted) is not None:
        count += 1
        wanted = f"{name[:-1]}-{count}>"
    return wanted
