"""Every error as application/problem+json: the one place where a refusal becomes an HTTP status and a stable code."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cloud.api.refusals import headers_of, status_of
from cloud.services.errors import Refusal

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One field that is not as it must be."""

    where: str = Field(examples=["body.price_cents"])
    what: str = Field(examples=["Input should be greater than 0"])


class Problem(BaseModel):
    """What is wrong and what to do (RFC 9457). `code` is stable: programs go by it, people by `detail`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no such thing here. Look its id up in the list.",
                    "code": "not-found",
                    "request_id": "0192f3c4b5a67d8e9f00112233445566",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Fault] | None = None


class Raised(Exception):
    """A problem that the API itself finds, below the services."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def problem(
    request_id: str,
    status: int,
    code: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    errors: list[Fault] | None = None,
) -> JSONResponse:
    """Compose the answer."""
    title = HTTPStatus(status).phrase
    body = Problem(title=title, status=status, detail=detail, code=code, request_id=request_id, errors=errors)
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Let every refusal, unknown path and malformed request be answered as a problem."""
    app.add_exception_handler(Raised, _on_raised)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Refusal, _on_refusal)


def request_id_of(request: Request) -> str:
    """Return the id under which this request is logged."""
    found: str = request.scope.get("state", {}).get("request_id", "")
    return found


def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    status = status_of(error)
    return problem(request_id_of(request), status, error.code, str(error), headers=headers_of(status))


def _on_raised(request: Request, error: Exception) -> Response:
    assert isinstance(error, Raised)
    return problem(request_id_of(request), error.status, error.code, error.detail, headers=error.headers)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = _HTTP.get(error.status_code, ("refused", str(error.detail)))
    headers = dict(error.headers) if error.headers else None
    return problem(request_id_of(request), error.status_code, code, detail, headers=headers)


def _on_validation_error(request: Request, error: Exception) -> Response:
    """Name the fields, never their values: a password may be among them."""
    assert isinstance(error, RequestValidationError)
    faults = [Fault(where=_where(found["loc"]), what=str(found["msg"])[:200]) for found in error.errors()[:20]]
    detail = "The request is not as this route expects it. Mend what `errors` names and send it again."
    return problem(request_id_of(request), 422, "malformed-request", detail, errors=faults)


def _where(path: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in path)[:200]


_HTTP = {
    400: ("malformed-request", "The request cannot be read. Send JSON in UTF-8."),
    404: ("not-found", "There is no such path here. Look it up in /openapi.json."),
    405: ("method-not-allowed", "This path does not take that method. Look it up in /openapi.json."),
}
