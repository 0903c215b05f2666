"""The books: every shilling in one place, and the sums that prove it."""

from dataclasses import dataclass
from uuid import UUID

from cloud.db import money as rows
from cloud.db.engine import Connection
from cloud.db.money import PaymentView
from cloud.services.errors import NotFound


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of a tenant. sum_cents of honest books is 0, unbalanced_journals too."""

    accounts: dict[str, int]
    journals: int
    unbalanced_journals: int
    payments_cents: int
    sum_cents: int


async def trial_balance(connection: Connection, tenant_id: UUID) -> TrialBalance:
    """Add up all entries; for large tenants this reads the whole ledger."""
    accounts, totals = await rows.read_trial_balance(connection, tenant_id)
    return TrialBalance(
        dict(accounts), totals.journals, totals.unbalanced_journals, totals.payments_cents, totals.sum_cents
    )


async def get_payment(connection: Connection, tenant_id: UUID, payment_id: UUID) -> PaymentView:
    """Return one payment."""
    found = await rows.list_payments(connection, tenant_id, limit=1, payment_id=payment_id)
    if not found:
        raise NotFound("There is no such payment. Look its id up in the list of payments.")
    return found[0]


async def list_payments(
    connection: Connection,
    tenant_id: UUID,
    *,
    limit: int,
    before: UUID | None = None,
    subscriber_id: UUID | None = None,
) -> list[PaymentView]:
    """List payments, the newest first, older than the payment `before`."""
    return await rows.list_payments(connection, tenant_id, limit=limit, before=before, subscriber_id=subscriber_id)
