"""What falls due by itself: paid time that is over is renewed from credit, or judged anew."""

from cloud.db.engine import Connection
from cloud.db.wallets import Key, claim_due, lock_wallets
from cloud.domain.overdue import OverdueState, judge
from cloud.services.act import Act
from cloud.services.settlement import Settlement, write

CHUNK = 500


async def settle_due(connection: Connection, act: Act, *, limit: int = CHUNK) -> tuple[int, dict[Key, int]]:
    """Settle one chunk; return how many subscriptions were due, and the sites' new generations.

    Expiry itself makes no generation: a site knows `valid_until` and cuts by itself. A renewal makes one.
    """
    due = await claim_due(connection, act.now, limit)
    if not due:
        return 0, {}
    held, _ = await lock_wallets(connection, {(row.tenant_id, row.subscriber_id) for row in due})
    settlement = Settlement(act, held)
    for key in held:
        settlement.renew(key)
    for row in due:
        _judge(settlement, act, (row.tenant_id, row.subscriber_id), row.id)
    return len(due), await write(connection, act, settlement)


def _judge(settlement: Settlement, act: Act, key: Key, subscription_id: object) -> None:
    found = next((one for one in settlement.wallet(key).subscriptions if one.id == subscription_id), None)
    if found is None:
        return
    settlement.put(key, found, tell=False)
    verdict = judge(found, act.now)
    kind = "renewed" if verdict.state is OverdueState.CURRENT else "expired"
    settlement.note(key, kind, {"state": verdict.state, "reason": verdict.reason}, about=found.id)
