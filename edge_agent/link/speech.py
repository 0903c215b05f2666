"""What the agent says, put into signed frames; numbers grow over restarts."""

import itertools
from collections.abc import Callable

from protocol.codec import encode
from protocol.envelope import Envelope
from protocol.messages import Body, ClockQuality
from protocol.signing import Signer


class Speaker:
    """May be used from several threads: the counter is one atomic step."""

    def __init__(self, agent: str, installation: str, signer: Signer, *, start: int, new_id: Callable[[], str]) -> None:
        self._agent = agent
        self._installation = installation
        self._signer = signer
        self._numbers = itertools.count(start << 32)
        self._new_id = new_id

    def frame(self, body: Body, *, now_us: int, quality: ClockQuality, correlation: str | None = None) -> bytes:
        """Write one message's bytes."""
        envelope = Envelope(
            kind=body.kind,
            id=self._new_id(),
            agent=self._agent,
            installation=self._installation,
            sequence=next(self._numbers),
            sent_at=now_us,
            quality=quality,
            correlation=correlation,
            body=body.model_dump(mode="json"),
        )
        return encode("up", envelope, self._signer)
