"""Imports: subscribers and their subscriptions from another system, up to a thousand in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.clock import micros
from cloud.db import subscribers as rows
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.network import Plan
from cloud.db.tables.parties import subscriber, subscriber_phone
from cloud.db.tables.records import timeline
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.desired import Change, publish_changes
from cloud.services.errors import Invalid
from cloud.services.plans import get_plan
from cloud.services.provision import Draft, Placed, place
from cloud.services.subscribers import check_name, check_phones, phone_rows, subscriber_row, write_subscribers

ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One subscriber with one subscription. phone may be empty."""

    name: str
    phone: str
    plan_id: UUID
    site_id: UUID
    username: str
    password: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made of a row; in the order of the rows."""

    subscriber_id: UUID
    account_number: str
    subscription_id: UUID
    address: str
    username: str


async def import_subscribers(
    connection: Connection, act: Act, tenant_id: UUID, imported: Sequence[ImportRow]
) -> list[Imported]:
    """Add all rows or, when one is refused, none."""
    if not 1 <= len(imported) <= ROWS_MAX:
        raise Invalid(f"An import has 1 to {ROWS_MAX} rows. Split it up.")
    plans = {id_: await get_plan(connection, tenant_id, id_) for id_ in {row.plan_id for row in imported}}
    ordinals = await rows.next_ordinals(connection, tenant_id, len(imported))
    people = [
        subscriber_row(act, tenant_id, check_name(row.name), ordinal)
        for row, ordinal in zip(imported, ordinals, strict=True)
    ]
    pairs = list(zip(people, imported, strict=True))
    owned = [(person["id"], number) for person, row in pairs if row.phone for number in check_phones([row.phone])]
    statements = [*insert_rows(subscriber, people), *insert_rows(subscriber_phone, phone_rows(tenant_id, owned))]
    await write_subscribers(connection, statements)
    drafts = [_draft(act, person["id"], row, plans[row.plan_id]) for person, row in pairs]
    placed = await place(connection, act, tenant_id, drafts)
    await _tell(connection, act, tenant_id, placed)
    return [
        Imported(person["id"], person["account_number"], one.draft.id, str(one.address), one.draft.username)
        for person, one in zip(people, placed, strict=True)
    ]


def _draft(act: Act, subscriber_id: UUID, row: ImportRow, plan: Plan) -> Draft:
    return Draft(act.new_id(), subscriber_id, plan, row.site_id, row.username, row.password, row.valid_until)


async def _tell(connection: Connection, act: Act, tenant_id: UUID, placed: Sequence[Placed]) -> None:
    """Write timelines and audit, and tell the sites."""
    lines = [
        {
            "tenant_id": tenant_id,
            "id": act.new_id(),
            "subscriber_id": one.draft.subscriber_id,
            "subscription_id": one.draft.id,
            "kind": "subscribed",
            "at": act.now,
            "data": {"at_us": micros(act.now), "plan": one.draft.plan.name, "username": one.draft.username},
        }
        for one in placed
    ]
    said = audit_line(act, tenant_id, "subscriber.import", ("tenant", tenant_id), after={"rows": len(placed)})
    await run_all(connection, [*insert_rows(timeline, lines), *said])
    changes = [Change(tenant_id, one.draft.subscriber_id, one.draft.site_id, one.subscription) for one in placed]
    await publish_changes(connection, act, changes)
