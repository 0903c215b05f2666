"""Says things to agents: envelope, signature, topic."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from cloud.clock import micros
from cloud.db.fleet import AgentRow
from cloud.fleet.keys import TenantKeys
from cloud.ports import Clock
from protocol.codec import encode
from protocol.envelope import Envelope
from protocol.messages import Body
from protocol.topics import topic


class Wire(Protocol):
    """The part of the link that sends."""

    @property
    def up(self) -> bool:
        """Tell whether messages can be sent."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Send now or raise LinkDown."""
        ...


@dataclass
class Speaker:
    """One voice to all agents. Its sequence grows over restarts too, because it never falls below the clock's
    microseconds."""

    wire: Wire
    clock: Clock
    new_id: Callable[[], UUID]
    _last: int = field(default=0, init=False)

    @property
    def up(self) -> bool:
        """Tell whether anything can be said now."""
        return self.wire.up

    def frame(
        self, agent: AgentRow, keys: TenantKeys, body: Body, *, attachment: bytes = b"", correlation: str | None = None
    ) -> bytes:
        """Write and sign a message; raises Malformed when it is too large."""
        now_us = micros(self.clock.now())
        self._last = max(self._last + 1, now_us)
        envelope = Envelope(
            kind=body.kind,
            id=str(self.new_id()),
            agent=agent.name,
            installation=agent.installation,
            sequence=self._last,
            sent_at=now_us,
            correlation=correlation,
            body=body.model_dump(mode="json"),
        )
        return encode("down", envelope, keys.signer, attachment)

    def say(
        self, agent: AgentRow, keys: TenantKeys, body: Body, *, attachment: bytes = b"", correlation: str | None = None
    ) -> None:
        """Send a message at once, or raise LinkDown. Numbered and sent in one go, so that numbers arrive in order."""
        frame = self.frame(agent, keys, body, attachment=attachment, correlation=correlation)
        self.wire.publish(topic(agent.shard, agent.name, "dn"), frame)
