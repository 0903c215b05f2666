"""Payments: list them, show one, and take cash over the counter."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Cents, Id, Instant, Note
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.security import needs
from cloud.api.transact import OnceForMoney, transact
from cloud.db.engine import Connection
from cloud.db.money import PaymentView
from cloud.services import books
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope
from cloud.services.take_payment import take_cash

router = APIRouter(prefix="/v1/payments", tags=["payments"], responses=problems(*COMMON))


class PaymentAnswer(Answered):
    """Money that came in. `subscriber_id` is null while it is in suspense."""

    id: Id
    rail: str = Field(examples=["mpesa"])
    shortcode: str = Field(examples=["600638"])
    receipt: str = Field(examples=["TKL4X9Q2ZA"])
    amount_cents: int = Field(examples=[150_000])
    unallocated_cents: int = Field(examples=[0])
    subscriber_id: Id | None
    matched_by: str | None = Field(examples=["account"])
    bill_reference: str | None = Field(examples=["100014"])
    payer_name: str | None = Field(examples=["JOHN"])
    note: str | None
    paid_at: Instant
    received_at: Instant
    posted_at: Instant


class Cash(Asked):
    """Cash over the counter."""

    subscriber_id: Id
    amount_cents: Cents
    note: Note | None = Field(default=None, examples=["Paid at the shop in Kilifi."])


@router.get("", summary="List payments")
async def list_payments(
    deps: Deps,
    actor: Annotated[Actor, needs(Scope.PAYMENTS_READ)],
    subscriber_id: Id | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PaymentAnswer]:
    """List payments, the newest first."""
    before = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[PaymentView]:
        asked = (connection, actor.tenant_id)
        return await books.list_payments(*asked, limit=limit + 1, before=before, subscriber_id=subscriber_id)

    return page_of(await transact(deps, actor, work), limit, PaymentAnswer.model_validate, lambda paid: [paid.id])


@router.get("/{payment_id}", responses=problems(404), summary="Show a payment")
async def get_payment(deps: Deps, actor: Annotated[Actor, needs(Scope.PAYMENTS_READ)], payment_id: Id) -> PaymentAnswer:
    """Show a payment."""

    async def work(connection: Connection, _act: Act) -> PaymentView:
        return await books.get_payment(connection, actor.tenant_id, payment_id)

    return PaymentAnswer.model_validate(await transact(deps, actor, work))


@router.post(
    "/cash", status_code=201, response_model=PaymentAnswer, responses=problems(400, 404, 409), summary="Take cash"
)
async def take_cash_payment(
    once: OnceForMoney, actor: Annotated[Actor, needs(Scope.CASH_WRITE)], body: Cash
) -> JSONResponse:
    """Book cash on a subscriber's account; it buys a period at once if the account then holds its price."""

    async def work(connection: Connection, act: Act) -> PaymentAnswer:
        asked = (connection, act, actor.tenant_id, body.subscriber_id)
        taken = await take_cash(*asked, amount_cents=body.amount_cents, note=body.note)
        return PaymentAnswer.model_validate(await books.get_payment(connection, actor.tenant_id, taken.payment_id))

    return await once(actor, work)
