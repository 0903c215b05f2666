"""Delivery reports on their way to whoever registered for them: late, doubled, lost, out of order, and unsigned."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

from lab.clock import Clock
from lab.events import Events
from lab.sms.manner import Manner
from lab.sms.message import FINAL, Family, Message

UNDER_WAY_MAX = 50_000
HELD_MAX = 100_000
KEPT_MAX = 100_000
NAIROBI = timezone(timedelta(hours=3))  # no daylight saving

DESCRIPTIONS = {"Success": "DeliveredToTerminal", "Failed": "DeliveryImpossible", "Rejected": "SenderName Blacklisted"}
"""White-label: what it says of a final status. Anything before is SentToNetwork."""


@dataclass(slots=True)
class Report:
    """One attempt to tell one status."""

    number: int
    message_id: str
    family: Family
    status: str
    copy: int
    attempt: int
    at_us: int
    outcome: str = "under way"
    """The HTTP status, or the name of what broke."""


class Reports:
    """Tells what becomes of messages. `addresses` are what a customer types into the gateway's dashboard."""

    def __init__(
        self, clock: Clock, chance: random.Random, events: Events, client: httpx.AsyncClient | None = None
    ) -> None:
        self.addresses: dict[Family, str] = {}
        self.kept: deque[Report] = deque(maxlen=KEPT_MAX)
        self.in_all = 0
        self._clock = clock
        self._chance = chance
        self._events = events
        self._client = client or httpx.AsyncClient(
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=50), trust_env=False
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._held: list[Callable[[], None]] = []

    def tell(self, message: Message, status: str, manner: Manner) -> None:
        """Begin to tell one status, in the manner of the day."""
        url = self.addresses.get(message.family)
        body = _body(message, status, self._clock.now_us())
        if not url or body is None or (message.family == "white-label" and not manner.pushed):
            return
        if self._chance.random() < manner.reports_lose:
            self._events.note("report-lost", message=message.id, status=status)
            return

        def begin() -> None:
            before = message.telling if manner.reports_order == "kept" else None
            message.telling = self._begin(self._copies(url, body, message, status, manner, before))

        if not manner.reports_hold:
            begin()
        elif len(self._held) < HELD_MAX:
            self._held.append(begin)

    @property
    def held(self) -> int:
        """How many reports are kept back."""
        return len(self._held)

    def release(self) -> int:
        """Let go what was kept back; returns how many."""
        held, self._held = self._held, []
        for begin in held:
            begin()
        return len(held)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def close(self) -> None:
        """Drop what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    def list_after(self, number: int = 0) -> list[dict[str, Any]]:
        """What was attempted after a number."""
        return [asdict(report) for report in self.kept if report.number > number]

    def _begin(self, telling: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        if len(self._under_way) >= UNDER_WAY_MAX:
            telling.close()
            self._events.note("report-lost", reason="too many under way")
            return None
        task = asyncio.create_task(telling)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _copies(
        self, url: str, body: dict[str, str], message: Message, status: str, manner: Manner,
        before: "asyncio.Task[None] | None",
    ) -> None:  # fmt: skip
        low, high = manner.reports_delay_s
        if high > 0:
            await asyncio.sleep(self._chance.uniform(low, high))
        if before is not None:
            await asyncio.wait({before})
        for copy in range(1, manner.reports_copies + 1):
            for attempt in range(1, manner.reports_retries + 2):
                report = self._new(message, status, copy, attempt)
                await self._post(url, body, message.family, report, manner.reports_timeout_s)
                self._events.note("report", message=message.id, status=status, outcome=report.outcome)
                if report.outcome.startswith("2") or attempt > manner.reports_retries:
                    break
                await asyncio.sleep(manner.reports_retry_wait_s)

    def _new(self, message: Message, status: str, copy: int, attempt: int) -> Report:
        self.in_all += 1
        report = Report(self.in_all, message.id, message.family, status, copy, attempt, self._clock.now_us())
        self.kept.append(report)
        return report

    async def _post(self, url: str, body: dict[str, str], family: Family, report: Report, timeout_s: float) -> None:
        how: dict[str, Any] = {"data": body} if family == "africas-talking" else {"json": body}
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(url, timeout=timeout_s, **how)
            report.outcome = str(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            report.outcome = type(error).__name__


def _body(message: Message, status: str, now_us: int) -> dict[str, str] | None:
    if message.family == "africas-talking":
        body = {
            "id": message.id, "status": status, "phoneNumber": message.to, "networkCode": message.telco.code,
            "retryCount": str(message.retries),
        }  # fmt: skip
        return body | ({"failureReason": message.reason} if status in {"Failed", "Rejected"} else {})
    if status not in FINAL:
        return None
    return {
        "description": description_of(status, message.reason),
        "messageid": str(message.number),
        "timeTaken": f"{(now_us - message.accepted_at_us) // 1_000_000}s",
        "timestamp": local_time(now_us),
    }


def description_of(status: str, reason: str) -> str:
    """The white-label family's word for what became of a message."""
    return "AbsentSubscriber" if reason == "UserDoesNotExist" else DESCRIPTIONS.get(status, "SentToNetwork")


def local_time(at_us: int) -> str:
    """`2026-01-31 10:16:10`, in East Africa Time."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(NAIROBI).strftime("%Y-%m-%d %H:%M:%S")
