"""Every route of the application, however the framework nests its routers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from cloud.api.security import Needs
from cloud.services.roles import Scope


class Served(NamedTuple):
    """One method of one path. scope: what it asks for, None for a route without a token."""

    method: str
    path: str
    scope: Scope | None


def list_served(app: FastAPI) -> list[Served]:
    """List all routes; one of a kind this function does not know fails it."""
    return [
        Served(method, route.path, _scope_of(route))
        for route in _flat(app.routes)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "effective_route_contexts"):  # fastapi's included routers, since they are lazy
            yield from route.effective_route_contexts()
        elif isinstance(route, APIRoute | Route):
            yield route
        else:
            assert not isinstance(route, Mount), f"{route.path}: a mounted application escapes the walk"
            raise AssertionError(f"{route!r} is of a kind that the walk does not know")


def _scope_of(route: Any) -> Scope | None:
    dependant = getattr(route, "dependant", None)
    asked = [one.call.scope for one in dependant.dependencies if isinstance(one.call, Needs)] if dependant else []
    assert len(asked) <= 1, f"{route.path} asks for several scopes"
    return asked[0] if asked else None
