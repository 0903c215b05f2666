"""What surrounds a body: who says it to whom, when, in which order, and until when it holds."""

from typing import Any

from pydantic import Field

from protocol.entitlement import Micros, Wire
from protocol.messages import ClockQuality, Counter

VERSION = 1


class Envelope(Wire):
    """The signed content of a frame. `agent` and `installation` are the audience downwards, the author upwards."""

    v: int = VERSION
    kind: str = Field(min_length=1, max_length=32)
    id: str = Field(min_length=1, max_length=64)
    agent: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    installation: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    sequence: Counter
    """Grows with every message of one sender to one audience, over restarts too."""
    sent_at: Micros
    quality: ClockQuality = "trusted"
    correlation: str | None = Field(default=None, max_length=64)
    deadline: Micros | None = None
    body: dict[str, Any] = Field(default_factory=dict)
