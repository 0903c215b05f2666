"""Dynamic simple queues of hotspot logins and leases: made when they begin, gone with them."""

from lab.mikrotik.ethernet.ground import Ground
from lab.mikrotik.ethernet.hosts import Host
from lab.mikrotik.ppp.profiles import insert_before, queue_limits
from lab.mikrotik.store.table import Row, Table

QUEUES = "/queue/simple"


def give_queue(ground: Ground, host: Host, owner: object, settings: Row, *, name: str, address: str) -> Row | None:
    """A queue as `rate-limit`, `insert-queue-before`, `parent-queue` and `queue-type` of a row say; None without a
    rate-limit. The name gets a number when it is taken."""
    rate = settings.get("rate-limit")
    if not rate:
        return None
    queues = ground.tables.get(QUEUES)
    values = {**queues.fitted.defaults} | queue_limits(rate)
    values |= {"name": _free_name(queues, name), "target": f"{address}/32", "dynamic": "true"}
    values["parent"] = settings.get("parent-queue") or "none"
    if kind := settings.get("queue-type"):
        values["queue"] = kind if "/" in kind else f"{kind}/{kind}"
    before = insert_before(queues, settings.get("insert-queue-before"))
    row = queues.insert(values, owner=owner, before=before)
    host.rows.append((queues, row))
    ground.counters.requeue(host)
    return row


def take_queue(ground: Ground, host: Host, row: Row | None) -> None:
    """What passes the host from now on goes another way; the queue is gone."""
    if row is None:
        return
    queues = ground.tables.get(QUEUES)
    if (queues, row) in host.rows:
        host.rows.remove((queues, row))
        ground.counters.requeue(host)
    queues.remove(row)


def _free_name(queues: Table, name: str) -> str:
    """`<hotspot-ann>`, then `<hotspot-ann-1>` and so on."""
    wanted, count = name, 0
    while queues.find(wanted) is not None:
        count += 1
        wanted = f"{name[:-1]}-{count}>"
    return wanted
