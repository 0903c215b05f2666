"""Subscribers: who buys, and the account number they pay by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.db import failures
from cloud.db import subscribers as rows
from cloud.db.bulk import Statement, insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.subscribers import Subscriber, TimelineLine
from cloud.db.tables.parties import subscriber, subscriber_phone
from cloud.domain import account_number, phone
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import AlreadyExists, Invalid, NotFound

PHONES_MAX = 10


async def add_subscriber(
    connection: Connection, act: Act, tenant_id: UUID, *, name: str, phones: Sequence[str] = ()
) -> Subscriber:
    """Add a subscriber and deal the next account number."""
    numbers = check_phones(phones)
    [ordinal] = await rows.next_ordinals(connection, tenant_id, 1)
    row = subscriber_row(act, tenant_id, check_name(name), ordinal)
    after = {"name": row["name"], "account_number": row["account_number"]}
    said = audit_line(act, tenant_id, "subscriber.add", ("subscriber", row["id"]), after=after)
    owned = phone_rows(tenant_id, [(row["id"], number) for number in numbers])
    await write_subscribers(connection, [*insert_rows(subscriber, [row]), *insert_rows(subscriber_phone, owned), *said])
    return await get_subscriber(connection, tenant_id, row["id"])


async def get_subscriber(connection: Connection, tenant_id: UUID, subscriber_id: UUID) -> Subscriber:
    """Return one subscriber."""
    found = await rows.list_subscribers(connection, tenant_id, limit=1, subscriber_id=subscriber_id)
    if not found:
        raise NotFound("There is no such subscriber. Look the id up in the list of subscribers.")
    return found[0]


async def list_subscribers(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Subscriber]:
    """List subscribers after `after`, in the order in which they were added."""
    return await rows.list_subscribers(connection, tenant_id, limit=limit, after=after)


async def list_timeline(
    connection: Connection,
    tenant_id: UUID,
    subscriber_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[TimelineLine]:
    """List what happened to a subscriber, oldest first, after the line `(at, id)`."""
    await get_subscriber(connection, tenant_id, subscriber_id)
    return await rows.list_timeline(connection, tenant_id, subscriber_id, limit=limit, after=after)


def check_name(typed: str) -> str:
    """Return a storable name, or raise Invalid."""
    name = clean(typed)
    if not name:
        raise Invalid("A subscriber needs a name. Say who it is.")
    return name


def check_phones(typed: Sequence[str]) -> list[str]:
    """Return phones in their one form, each once, or raise Invalid."""
    if len(typed) > PHONES_MAX:
        raise Invalid(f"A subscriber has at most {PHONES_MAX} phones. Leave some out.")
    found = {number: phone.find_phone(number) for number in typed}
    for number, normal in found.items():
        if normal is None:
            raise Invalid(f"{clean(number)!r} is no Kenyan mobile number. Write it like 0712345678.")
    return list(dict.fromkeys(normal for normal in found.values() if normal))


def subscriber_row(act: Act, tenant_id: UUID, name: str, ordinal: int) -> dict[str, Any]:
    """Compose the row of a new subscriber."""
    number = account_number.make(ordinal)
    ids = {"tenant_id": tenant_id, "id": act.new_id(), "account_number": number}
    return ids | {"name": name, "created_at": act.now}


def phone_rows(tenant_id: UUID, phones: Sequence[tuple[UUID, str]]) -> list[dict[str, Any]]:
    """Compose the rows of (subscriber, phone) pairs."""
    return [
        {"tenant_id": tenant_id, "phone": number, "subscriber_id": owner, "phone_sha256": phone.hash_of(number)}
        for owner, number in phones
    ]


async def write_subscribers(connection: Connection, statements: Sequence[Statement]) -> None:
    """Run statements that add subscribers; a phone that is somebody's already is AlreadyExists."""
    try:
        await run_all(connection, statements)
    except failures.DatabaseError as error:
        if failures.broken_constraint(error) == "pk_subscriber_phone":
            raise AlreadyExists(
                "A subscriber has this phone already. Find him by it, or leave the phone out."
            ) from error
        raise
