"""What stands where an answer should be on a bad day: nothing, a web page, a SOAP fault, a broken connection."""

import random
from dataclasses import dataclass
from typing import Any, Literal, Self, cast, get_args

Kind = Literal["empty", "html", "soap", "reset", "busy", "spike", "quota", "hang"]
KINDS: tuple[str, ...] = get_args(Kind)
HANG_S = 30.0

SPIKE = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, "
        "periodInMicroseconds=60000000, maxBurstMessageCount=1.0}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
_HTML = b"<html><head><title>Error</title></head><body><h1>Service Unavailable</h1></body></html>"
_SOAP = (
    b'<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b"<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>Policy Falsified</faultstring></soapenv:Fault>"
    b"</soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True, slots=True)
class Outage:
    """A kind of trouble for paths that begin so, and for what share of the requests."""

    kind: Kind
    path: str = "/"
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no outage of kind {self.kind!r}; known are: {', '.join(KINDS)}, callbacks")

    @classmethod
    def of(cls, kind: str, path: str, share: float) -> Self:
        """Make one from words; ValueError for a kind that does not exist."""
        return cls(cast("Kind", kind), path, share)

    def strikes(self, path: str, chance: random.Random) -> bool:
        """Whether this request is hit."""
        return path.startswith(self.path) and (self.share >= 1 or chance.random() < self.share)


def answer_of(kind: Kind) -> tuple[int, bytes, str] | tuple[int, Any, None]:
    """Status with bytes and their type, or status with a JSON body and None. Not for `reset` and `hang`."""
    match kind:
        case "empty":
            return 200, b"", "application/json"
        case "html":
            return 200, _HTML, "text/html"
        case "soap":
            return 500, _SOAP, "text/xml"
        case "spike":
            return 429, SPIKE, None
        case "quota":
            return 500, ("500.003.03", "Quota Violation"), None
        case _:
            return 500, ("500.003.02", "System is busy. Please try again in few minutes."), None
