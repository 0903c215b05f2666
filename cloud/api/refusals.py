"""Which HTTP status each refusal of the services is answered with; its code and its words are its own."""

from typing import Final

from cloud.services import access, errors, idempotency

_STATUS: Final[dict[type[errors.Refusal], int]] = {
    access.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.WrongState: 409,
    errors.PoolExhausted: 409,
    idempotency.KeyReused: 409,
    errors.Invalid: 422,
    errors.Refusal: 422,
}
_HEADERS: Final[dict[int, dict[str, str]]] = {401: {"WWW-Authenticate": "Bearer"}}


def status_of(refusal: errors.Refusal) -> int:
    """Return the status of the refusal's nearest ancestor in the table."""
    return next(_STATUS[kind] for kind in type(refusal).__mro__ if kind in _STATUS)


def headers_of(status: int) -> dict[str, str] | None:
    """Return the headers that the status asks for."""
    return _HEADERS.get(status)
