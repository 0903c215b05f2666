"""A client of the cloud's REST API, as a tenant's own program would use it."""

import secrets
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import httpx

from lab.errors import Refused

Row = dict[str, Any]
PAGE = 200
PAGES_MAX = 1_000


class CloudDoor:
    """The REST API with a bearer token. Raises Refused for every answer of 400 and above."""

    def __init__(self, base_url: str, token: str = "", *, client: httpx.AsyncClient | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=15.0, trust_env=False)
        self.token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: str | int) -> Row:
        """GET one resource."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: Row | None = None) -> Row:
        """POST; each call is its own intention, so each gets its own idempotency key."""
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return await self._ask("POST", path, json=body if body is not None else {}, headers=key)

    async def each(self, path: str, **query: str | int) -> AsyncIterator[Row]:
        """Walk all pages of a list."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = await self.get(path, **query, limit=PAGE, **({"cursor": cursor} if cursor else {}))
            for row in page["items"]:
                yield row
            cursor = page.get("next_cursor")
            if not cursor:
                return

    async def list_all(self, path: str, **query: str | int) -> list[Row]:
        """Return all rows of a list."""
        return [row async for row in self.each(path, **query)]

    async def is_alive(self) -> bool:
        """Whether /healthz says yes."""
        return await self._says_yes("/healthz")

    async def is_ready(self) -> bool:
        """Whether /readyz says yes."""
        return await self._says_yes("/readyz")

    async def _says_yes(self, path: str) -> bool:
        response = await self._client.get(self.base_url + path)
        return response.status_code == 200

    async def _ask(self, method: str, path: str, **parts: Any) -> Row:
        headers = {"Authorization": f"Bearer {self.token}", **parts.pop("headers", {})}
        response = await self._client.request(method, self.base_url + path, headers=headers, **parts)
        try:
            answer = response.json()
        except ValueError:
            answer = response.text
        if response.status_code >= 400:
            raise Refused("the cloud", f"{method} {path}", response.status_code, answer)
        assert isinstance(answer, dict), f"{method} {path} answered {type(answer).__name__}"
        return answer
