"""Do a request once, however often it is sent: its answer is committed together with its effect."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from cloud.db import audit as rows
from cloud.db.engine import Connection, Database
from cloud.ports import Clock
from cloud.services.errors import Invalid, Refusal

KEPT_FOR = timedelta(days=30)
FORGET_CHUNK = 1000
_KEY = re.compile(r"[\x21-\x7e]{8,128}")


class KeyMalformed(Invalid):
    """The key is not 8 to 128 printable characters without spaces."""

    code = "idempotency-key-malformed"

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key is not 8 to 128 printable characters without spaces. Use a UUID.")


class KeyReused(Refusal):
    """The key was used before, for another request."""

    code = "idempotency-conflict"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Use a new key for a new request.")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as far as two requests must agree to be the same one."""

    staff_id: UUID
    method: str
    path: str
    body: bytes

    def sha256(self) -> bytes:
        """Return the request's hash."""
        head = f"{self.staff_id}\n{self.method}\n{self.path}\n".encode()
        return hashlib.sha256(head + self.body).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object. `replayed`: it was given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


class Idempotency:
    """Remembers answers by tenant and key for 30 days."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def once(
        self, tenant_id: UUID, key: str, request: Request, work: Callable[[Connection], Awaitable[Answer]]
    ) -> Answer:
        """Return the key's earlier answer, or do the work and keep its answer, all in one transaction.

        A refusal (an exception of `work`) keeps nothing: the key may be used again. Requests with the same key at
        the same time take turns. Raises KeyMalformed and KeyReused.
        """
        if not _KEY.fullmatch(key):
            raise KeyMalformed
        async with self._database.tenant(tenant_id) as connection:
            await rows.lock_key(connection, tenant_id, key)
            kept = await rows.find_answer(connection, key)
            if kept is not None:
                if kept.request_sha256 != request.sha256():
                    raise KeyReused
                return Answer(kept.status, kept.answer, replayed=True)
            answer = await work(connection)
            fresh = rows.KeptAnswer(request.sha256(), answer.status, answer.body)
            await rows.insert_answer(connection, tenant_id, key, fresh, self._clock.now())
            return answer

    async def forget_old(self, tenant_id: UUID) -> int:
        """Forget a chunk of the tenant's answers whose retention is over; return how many."""
        async with self._database.tenant(tenant_id) as connection:
            return await rows.delete_answers(connection, self._clock.now() - KEPT_FOR, FORGET_CHUNK)
