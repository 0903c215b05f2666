"""The books: every shilling in exactly one place, and the sums that prove it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from cloud.api.answers import COMMON, problems
from cloud.api.deps import Deps
from cloud.api.fields import Answered
from cloud.api.security import needs
from cloud.api.transact import transact
from cloud.db.engine import Connection
from cloud.services import books
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.books import TrialBalance
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/books", tags=["books"], responses=problems(*COMMON))


class AccountAnswer(Answered):
    """One account: debits positive, credits negative."""

    code: str = Field(examples=["mpesa_clearing"])
    balance_cents: int = Field(examples=[150_000])


class BooksAnswer(Answered):
    """All accounts. Of honest books `sum_cents` and `unbalanced_journals` are 0."""

    accounts: list[AccountAnswer]
    journals: int = Field(examples=[2])
    unbalanced_journals: int = Field(examples=[0])
    payments_cents: int = Field(examples=[150_000])
    sum_cents: int = Field(examples=[0])


@router.get("", summary="Show the books")
async def get_books(deps: Deps, actor: Annotated[Actor, needs(Scope.BOOKS_READ)]) -> BooksAnswer:
    """Add up the whole ledger."""

    async def work(connection: Connection, _act: Act) -> TrialBalance:
        return await books.trial_balance(connection, actor.tenant_id)

    found = await transact(deps, actor, work)
    accounts = [AccountAnswer(code=code, balance_cents=cents) for code, cents in sorted(found.accounts.items())]
    return BooksAnswer(
        accounts=accounts,
        journals=found.journals,
        unbalanced_journals=found.unbalanced_journals,
        payments_cents=found.payments_cents,
        sum_cents=found.sum_cents,
    )
