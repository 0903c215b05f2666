"""The gateway's whole HTTP face: which door a path belongs to, and the troubles of the day in front of both."""

import asyncio
from collections import deque

from lab.sms.africas_talking import AfricasTalking
from lab.sms.gateway import Gateway
from lab.sms.white_label import PREFIX, WhiteLabel
from lab.web import Asked, BreakOff, Face, Said, said_text

OUTAGE_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_SECOND_US = 1_000_000
_TIMES_MAX = 100_000


class SmsFace:
    """Routes, throttles, and fails on demand."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._africas_talking = AfricasTalking(gateway)
        self._white_label = WhiteLabel(gateway)
        self._times_us: deque[int] = deque(maxlen=_TIMES_MAX)
        self.app = Face(self.answer)

    async def answer(self, asked: Asked) -> Said:
        """Answer one request, or break off."""
        manner = self._gateway.manner
        self._gateway.events.note("asked", method=asked.method, path=asked.path)
        if manner.throttle_per_s and self._too_many(manner.throttle_per_s):
            return said_text(429, "Too Many Requests")
        outage = bool(manner.outage) and self._gateway.chance.random() < manner.outage_share
        if outage and not manner.outage_after:
            return self._outage()
        said = await self._route(asked)
        return self._outage() if outage else said

    async def _route(self, asked: Asked) -> Said:
        await asyncio.sleep(0)  # what was asked before us gets its turn
        if asked.too_large:
            return said_text(413, "Request Entity Too Large")
        if asked.path.startswith(PREFIX):
            return await self._white_label.answer(asked)
        return await self._africas_talking.answer(asked)

    def _too_many(self, per_s: float) -> bool:
        now_us, times = self._gateway.clock.monotonic_us(), self._times_us
        while times and now_us - times[0] > _SECOND_US:
            times.popleft()
        if len(times) >= per_s:
            return True
        times.append(now_us)
        return False

    def _outage(self) -> Said:
        match self._gateway.manner.outage:
            case "500":
                return said_text(500, "Internal Server Error")
            case "html":
                return said_text(502, OUTAGE_HTML, "text/html")
            case "reset":
                raise BreakOff("reset")
            case "close":
                raise BreakOff("close")
            case "cut":
                raise BreakOff("cut")
            case _:
                raise BreakOff("hang")
