"""The kinds of values that requests and answers are made of: bounded, integer, and safe to store."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

AMOUNT_CENTS_MAX = 10**11
RATE_BPS_MAX = 10**12
DURATION_S_MAX = 10 * 365 * 86_400


class Asked(BaseModel):
    """A request's body: what it does not know, it refuses, so that a misspelt field is not silently dropped."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answered(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(from_attributes=True)


def _storable(value: str) -> str:
    if any(ord(char) < 0x20 or char == "\x7f" for char in value):
        raise ValueError("control characters are not allowed")
    return value


_stored = AfterValidator(_storable)
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), _stored]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64), _stored]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), _stored]
Phone = Annotated[str, StringConstraints(max_length=40), _stored, Field(examples=["0712345678"])]
Cents = Annotated[int, Field(strict=True, gt=0, le=AMOUNT_CENTS_MAX, examples=[150_000])]
Bps = Annotated[int, Field(strict=True, gt=0, le=RATE_BPS_MAX, examples=[5_000_000])]
Seconds = Annotated[int, Field(strict=True, gt=0, le=DURATION_S_MAX, examples=[2_592_000])]
GraceSeconds = Annotated[int, Field(strict=True, ge=0, le=DURATION_S_MAX, examples=[0])]
Id = Annotated[UUID, Field(examples=["0192f3c4-b5a6-7d8e-9f00-112233445566"])]
Instant = Annotated[datetime, Field(examples=["2026-11-22T09:30:00Z"])]
