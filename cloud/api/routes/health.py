"""Whether the process lives, whether it can work, and its figures: for whoever watches it; nothing of any tenant."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from cloud.api.deps import Check, Deps
from cloud.api.metrics import Metrics

router = APIRouter(tags=["health"])

CHECK_TIMEOUT_S = 2.0


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What the service needs, and whether it is there."""

    status: Literal["ready", "not-ready"]
    checks: dict[str, bool] = Field(examples=[{"database": True, "broker": True, "poster": True}])


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


@router.get("/healthz", summary="Does the process live?")
async def get_health() -> Health:
    """Answer without asking anything else."""
    return Health()


@router.get("/readyz", summary="Can it work?", responses={503: {"model": Readiness, "description": "Not ready"}})
async def get_readiness(deps: Deps, response: Response) -> Readiness:
    """Ask database, broker and poster; 503 while one of them is missing."""
    found = await asyncio.gather(*(_passes(check) for check in deps.ready.values()))
    checks = dict(zip(deps.ready, found, strict=True))
    if all(checks.values()):
        return Readiness(status="ready", checks=checks)
    response.status_code = 503
    return Readiness(status="not-ready", checks=checks)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def get_metrics(metrics: Annotated[Metrics, Depends(_metrics)]) -> Response:
    """Return the text format of Prometheus."""
    return Response(metrics.render(), media_type=metrics.content_type)


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except Exception:  # noqa: BLE001 - whatever is wrong with what we need, the answer is no
        return False
