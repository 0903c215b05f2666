"""Whether anybody would be found by what a payer typed: what a validation is answered by."""

from uuid import UUID

from cloud.db.engine import Database
from cloud.db.wallets import match_clues
from cloud.domain.matching import clues


class AccountFinder:
    """Looks up account numbers, phones and user names exactly as the poster will."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, tenant_id: UUID, reference: str) -> bool:
        """Tell whether a tenant's subscriber is found by the reference."""
        asked = [
            {"n": 0, "tenant_id": tenant_id, "rail": "mpesa", "method": clue.method, "value": clue.value}
            for clue in clues(reference, "")
        ]
        async with self._database.tenant(tenant_id) as connection:
            return bool(await match_clues(connection, asked))
