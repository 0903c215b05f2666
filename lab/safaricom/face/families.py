"""The families of endpoints: each refuses a bad bearer in its own way, and belongs to a product of the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lab.safaricom.face.request import Request

Answer = tuple[int, Any]
"""HTTP status and JSON body; None for an empty body."""
Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of endpoints speaks."""

    name: str
    token_status: int
    token_code: str
    token_message: str = "Invalid Access Token"  # noqa: S105  # a message, not a token
    bad_code: str = "400.002.02"


class Endpoint(NamedTuple):
    """One address. `product` is what the app must have; by default the family's name."""

    family: Family
    handle: Handler
    product: str = ""


Endpoints = dict[tuple[str, str], Endpoint]
"""By method and path. Every module of the face gives its own: `endpoints(rail)`."""

_LONG = "Error Occurred - Invalid Access Token - "

STK = Family("stk", 404, "404.001.03")
REVERSAL = Family("reversal", 404, "404.001.03")
C2B = Family("c2b", 400, "400.003.01", bad_code="400.003.02")
STATUS = Family("status", 400, "400.003.01")
BALANCE = Family("balance", 401, "401.002.01", _LONG)
B2C = Family("b2c", 401, "401.002.01", _LONG)
PULL = Family("pull", 401, "401.001", bad_code="400.001")
QR = Family("qr", 404, "404.001.03")
FAMILIES = (STK, REVERSAL, C2B, STATUS, BALANCE, B2C, PULL, QR)
