"""Suspense: money that belongs to nobody yet, and saying whose it is."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered, Asked, Id, Instant, Note
from cloud.api.paging import Cursor, Limit, Page, page_of, read_id_cursor
from cloud.api.routes.payments import PaymentAnswer
from cloud.api.security import needs
from cloud.api.transact import OnceForMoney, transact
from cloud.db.engine import Connection
from cloud.services import books, suspense
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope
from cloud.services.suspense import SuspendedView

router = APIRouter(prefix="/v1/suspense", tags=["suspense"], responses=problems(*COMMON))


class GuessAnswer(Answered):
    """Whose the payment may be, and why we think so."""

    subscriber_id: Id
    account_number: str = Field(examples=["100014"])
    why: str = Field(examples=["one digit away from this account number"])


class SuspenseAnswer(Answered):
    """A payment in suspense, the likeliest guess first."""

    payment_id: Id
    rail: str = Field(examples=["mpesa"])
    receipt: str = Field(examples=["TKL4X9Q2ZA"])
    amount_cents: int = Field(examples=[150_000])
    bill_reference: str = Field(examples=["100041"])
    payer_name: str = Field(examples=["JOHN"])
    reason: str
    paid_at: Instant
    opened_at: Instant
    guesses: list[GuessAnswer]


class Assignment(Asked):
    """Whose the payment is, and how that is known."""

    subscriber_id: Id
    reason: Note = Field(examples=["He sent the M-Pesa message from his phone."])


@router.get("", summary="List suspense")
async def list_suspense(
    deps: Deps, actor: Annotated[Actor, needs(Scope.SUSPENSE_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[SuspenseAnswer]:
    """List payments that belong to nobody yet, oldest first, with guesses."""
    after = read_id_cursor(cursor)

    async def work(connection: Connection, _act: Act) -> list[SuspendedView]:
        return await suspense.list_suspense(connection, actor.tenant_id, limit=limit + 1, after=after)

    return page_of(await transact(deps, actor, work), limit, _answer, lambda one: [one.payment.payment_id])


@router.post(
    "/{payment_id}/assign", response_model=PaymentAnswer, responses=problems(400, 404, 409), summary="Assign a payment"
)
async def assign_payment(
    once: OnceForMoney, actor: Annotated[Actor, needs(Scope.SUSPENSE_WRITE)], payment_id: Id, body: Assignment
) -> JSONResponse:
    """Move a payment to its subscriber; it buys a period at once if the account then holds its price."""

    async def work(connection: Connection, act: Act) -> PaymentAnswer:
        asked = (connection, act, actor.tenant_id, payment_id)
        await suspense.assign(*asked, subscriber_id=body.subscriber_id, reason=body.reason)
        return PaymentAnswer.model_validate(await books.get_payment(connection, actor.tenant_id, payment_id))

    return await once(actor, work, status=200)


def _answer(view: SuspendedView) -> SuspenseAnswer:
    plain = set(SuspenseAnswer.model_fields) - {"guesses"}
    guesses = [GuessAnswer.model_validate(guess) for guess in view.guesses]
    return SuspenseAnswer.model_validate({name: getattr(view.payment, name) for name in plain} | {"guesses": guesses})
