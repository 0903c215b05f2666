"""The enrolment door: two paths on a server of its own, with the certificate of our own authority."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse

from cloud.fleet.enrolment import ClaimExpired, ClaimTaken, ClaimUnknown, Enroller, EnrolmentRefused, RequestUnproven
from cloud.ports import Clock
from protocol.enrolment import EnrolAnswer, EnrolRequest

_WRONG_PER_HOUR_MAX = 30
"""Wrong claims from one address; a code has 50 random bits, so this only keeps the log readable."""
_ADDRESSES_MAX = 10_000
_BODY_BYTES_MAX = 16 * 1024

_STATUS: dict[type[EnrolmentRefused], HTTPStatus] = {
    ClaimUnknown: HTTPStatus.NOT_FOUND,
    ClaimExpired: HTTPStatus.GONE,
    ClaimTaken: HTTPStatus.CONFLICT,
    RequestUnproven: HTTPStatus.BAD_REQUEST,
}


class WrongTries:
    """Counts wrong claims per address within an hour."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def too_many(self, address: str, now: datetime) -> bool:
        """Tell whether this address must wait."""
        since, count = self._tries.get(address, (now, 0))
        return count >= _WRONG_PER_HOUR_MAX and now - since < timedelta(hours=1)

    def count(self, address: str, now: datetime) -> None:
        """Note one more."""
        since, count = self._tries.pop(address, (now, 0))
        if now - since >= timedelta(hours=1):
            since, count = now, 0
        self._tries[address] = (since, count + 1)
        if len(self._tries) > _ADDRESSES_MAX:
            self._tries.popitem(last=False)


def create_enrol_door(enroller: Enroller, clock: Clock) -> FastAPI:
    """Make the application."""
    app = FastAPI(title="Mnara enrolment", openapi_url=None, docs_url=None, redoc_url=None)
    wrong = WrongTries()

    @app.middleware("http")
    async def bound_body(request: Request, call_next: Callable[..., object]) -> Response:
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not (length.isdigit() and int(length) <= _BODY_BYTES_MAX):
            return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "The request is too large.")
        answer: Response = await call_next(request)  # type: ignore[misc]  # Starlette types this loosely
        return answer

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, _error: RequestValidationError) -> Response:
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "The request does not parse. Update the agent.")

    @app.get("/ca.pem")
    async def ca_pem() -> PlainTextResponse:
        return PlainTextResponse(enroller.authority.agents.pem, media_type="application/x-pem-file")

    @app.post("/enrol")
    async def enrol(body: EnrolRequest, request: Request) -> Response:
        address = request.client.host if request.client else ""
        return await _enrol(enroller, wrong, body, address, clock.now())

    return app


async def _enrol(enroller: Enroller, wrong: WrongTries, body: EnrolRequest, address: str, now: datetime) -> Response:
    if wrong.too_many(address, now):
        words = "Too many wrong claim codes from this address. Wait an hour."
        return _problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-tries", words)
    try:
        answer: EnrolAnswer = await enroller.enrol(body, now)
    except EnrolmentRefused as refusal:
        if isinstance(refusal, ClaimUnknown | ClaimTaken):
            wrong.count(address, now)
        return _problem(_STATUS[type(refusal)], refusal.code, str(refusal))
    return JSONResponse(answer.model_dump(mode="json"))


def _problem(status: HTTPStatus, code: str, detail: str) -> JSONResponse:
    content = {"type": "about:blank", "title": status.phrase, "status": int(status), "code": code, "detail": detail}
    return JSONResponse(content, status_code=int(status), media_type="application/problem+json")
