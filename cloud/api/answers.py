"""What OpenAPI says of the problems that routes answer with."""

from http import HTTPStatus
from typing import Any

from cloud.api.problems import MEDIA_TYPE, Problem

COMMON = (401, 403, 422, 429, 500, 503)
"""Any route that asks for a token may answer so."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the given statuses as problems."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def problem_schemas() -> dict[str, Any]:
    """Return the schemas that `problems` refers to."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    return {"Problem": schema, **inner}
