"""Imports: subscribers with their subscriptions, from another system."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field

from cloud.api.answers import COMMON, problems
from cloud.api.fields import Answered, Asked, Id, Name, Word
from cloud.api.security import needs
from cloud.api.transact import Once
from cloud.db.engine import Connection
from cloud.services import imports
from cloud.services.access import Actor
from cloud.services.act import Act
from cloud.services.roles import Scope

router = APIRouter(prefix="/v1/imports", tags=["imports"], responses=problems(*COMMON))


class ImportRow(Asked):
    """One subscriber with one subscription."""

    name: Name = Field(examples=["Amina Juma"])
    phone: str = Field(default="", max_length=40, examples=["0712345678"])
    plan_id: Id
    site_id: Id
    username: Word = Field(examples=["amina"])
    password: Word = Field(examples=["correct horse"])
    valid_until: AwareDatetime | None = None


class Import(Asked):
    """Up to a thousand of them: all are added, or none."""

    rows: list[ImportRow] = Field(min_length=1, max_length=imports.ROWS_MAX)


class ImportedAnswer(Answered):
    """What was made of a row."""

    subscriber_id: Id
    account_number: str = Field(examples=["100014"])
    subscription_id: Id
    address: str = Field(examples=["100.64.0.2"])
    username: str = Field(examples=["amina"])


class ImportAnswer(Answered):
    """What was made of the rows, in their order."""

    items: list[ImportedAnswer]


@router.post(
    "/subscribers", status_code=201, response_model=ImportAnswer, responses=problems(404, 409), summary="Import"
)
async def import_subscribers(
    once: Once, actor: Annotated[Actor, needs(Scope.SUBSCRIBERS_WRITE)], body: Import
) -> JSONResponse:
    """Add up to 1,000 subscribers with a subscription each, in one transaction."""
    rows = [imports.ImportRow(**dict(row)) for row in body.rows]

    async def work(connection: Connection, act: Act) -> ImportAnswer:
        made = await imports.import_subscribers(connection, act, actor.tenant_id, rows)
        return ImportAnswer(items=[ImportedAnswer.model_validate(one) for one in made])

    return await once(actor, work)
