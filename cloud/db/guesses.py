"""Look up the clues that guesses about suspended payments are made from."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cloud.db.bulk import Row, Statement, recordset, run_all, to_json
from cloud.db.engine import Connection

CLUES_MAX = 50_000


async def look_up(connection: Connection, tenant_id: UUID, clues: Sequence[Row]) -> list[Any]:
    """Find the subscribers that clues {n, way, value} lead to: rows (n, way, subscriber_id, account_number)."""
    if not clues:
        return []
    values = {"tenant_id": tenant_id, "rows": to_json(clues[:CLUES_MAX])}
    [rows] = await run_all(connection, [Statement(_LOOK_UP, values)])
    return rows


_LOOK_UP = f"""
with clue as materialized (select * from {recordset(n="int", way="text", value="text")}),
found as (
  select clue.n, clue.way, 1 as rank, s.id as subscriber_id
    from clue join subscriber s on s.tenant_id = %(tenant_id)s and s.account_number = clue.value
    where clue.way = 'account'
  union all
  select clue.n, clue.way, 2, p.subscriber_id
    from clue join subscriber_phone p on p.tenant_id = %(tenant_id)s and p.phone = clue.value
    where clue.way = 'phone'
  union all
  select distinct clue.n, clue.way, 3, p.subscriber_id
    from clue join payment p on p.tenant_id = %(tenant_id)s and p.payer_key = clue.value
    where clue.way = 'payer' and p.subscriber_id is not null
)
select f.n, f.way, f.subscriber_id, s.account_number
  from found f join subscriber s on s.tenant_id = %(tenant_id)s and s.id = f.subscriber_id
  order by f.n, f.rank, s.account_number limit 10000
"""
