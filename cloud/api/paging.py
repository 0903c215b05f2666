"""Keyset pages: `?limit=&cursor=` in, `{"items": [...], "next_cursor": ...}` out."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from cloud.api.problems import Raised

LIMIT_MAX = 200

ItemT = TypeVar("ItemT")
RowT = TypeVar("RowT")

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[ItemT]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[ItemT]
    next_cursor: str | None = Field(default=None, examples=["WyIwMTkyZjNjNCJd"])


def encode_cursor(*values: object) -> str:
    """Make an opaque cursor of the last row's sort values."""
    text = json.dumps([str(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *readers: Callable[[str], Any]) -> tuple[Any, ...]:
    """Read the values back, each by its reader; a cursor that is not ours is refused."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(reader(value) for reader, value in zip(readers, values, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        detail = "This cursor is not one of ours. Begin again without it."
        raise Raised(422, "malformed-cursor", detail) from error


def page_of(
    rows: Sequence[RowT], limit: int, render: Callable[[RowT], ItemT], sort_values: Callable[[RowT], Sequence[object]]
) -> Page[ItemT]:
    """Make a page of rows that were asked for with one more than `limit`."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[render(row) for row in shown], next_cursor=encode_cursor(*sort_values(shown[-1])) if more else None
    )


def read_id_cursor(cursor: str | None) -> UUID | None:
    """Read a cursor that holds the last row's id; None at the beginning."""
    return decode_cursor(cursor, UUID)[0] if cursor else None


def read_instant_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read a cursor that holds the last row's instant and id; None at the beginning."""
    if not cursor:
        return None
    at, id_ = decode_cursor(cursor, datetime.fromisoformat, UUID)
    return at, id_
