"""Which status and code each refusal of the services is answered with."""

from dataclasses import dataclass
from typing import Final

from cloud.services import access, idempotency
from cloud.services.inbox import InboxUnavailable


@dataclass(frozen=True, slots=True)
class Refusal:
    """detail None: the refusal's own text was written for whoever asks."""

    status: int
    code: str
    detail: str | None = None
    headers: dict[str, str] | None = None


REFUSALS: Final[dict[type[Exception], Refusal]] = {
    access.Unauthenticated: Refusal(
        401,
        "unauthenticated",
        "There is no valid token in the request. Send `Authorization: Bearer mnt_…`.",
        {"WWW-Authenticate": "Bearer"},
    ),
    access.Forbidden: Refusal(403, "forbidden"),
    access.StaffTaken: Refusal(409, "staff-taken", "A staff member has this address already. Use another one."),
    access.WrongDetails: Refusal(422, "wrong-details"),
    idempotency.KeyMalformed: Refusal(
        422,
        "idempotency-key-malformed",
        "The Idempotency-Key is not 8 to 128 printable characters without spaces. Use a UUID.",
    ),
    idempotency.KeyReused: Refusal(
        409,
        "idempotency-conflict",
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
    ),
    InboxUnavailable: Refusal(
        503, "unavailable", "Nothing can be stored just now. Send it again in a few seconds.", {"Retry-After": "5"}
    ),
}
