"""One site on its way to the desired state: pure rules of what to send next, and when again.

Messages are hints, so nothing is believed but what the agent reports; but a delta n→n+1 follows the one before at
once, on the assumption that it will arrive. When the report does not come, the next send starts again from what was
reported.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from protocol.limits import DELTA_ROWS_MAX
from protocol.messages import Held

RESEND_FIRST_S: Final = 1.0
RESEND_MAX_S: Final = 30.0
SNAPSHOT_PATIENCE_S: Final = 15.0
"""How long a snapshot may be on its way before it counts as lost; doubled each time, for an agent that is away."""
SNAPSHOT_PATIENCE_MAX_S: Final = 300.0


class Send(Enum):
    """What to do now."""

    NOTHING = "nothing"
    DELTA = "delta"
    SNAPSHOT = "snapshot"


@dataclass(slots=True)
class Pursuit:
    """What is known and assumed of one site's agent. Pairs are (epoch, generation)."""

    sent: tuple[int, int]
    """What the agent will hold if everything sent arrives."""
    stored: tuple[int, int]
    applied: tuple[int, int] = (0, 0)
    target: Held = field(default_factory=Held)
    """The desired state when it was last looked at."""
    stored_digest: str = ""
    """Of the rows at `stored`, as the agent said; empty: not said."""
    snapshot_wanted: bool = False
    snapshot_until_s: float | None = None
    """A snapshot is on its way, and counts as lost at this instant."""
    resend_at_s: float | None = None
    pause_s: float = RESEND_FIRST_S
    patience_s: float = SNAPSHOT_PATIENCE_S

    @property
    def goal(self) -> tuple[int, int]:
        """Return the desired pair."""
        return self.target.epoch, self.target.generation

    @property
    def settled(self) -> bool:
        """Tell whether the agent has reported that the router matches what is desired."""
        return self.applied == self.goal and not self.snapshot_wanted and not self._digest_wrong

    @property
    def _digest_wrong(self) -> bool:
        return self.stored == self.goal and self.stored_digest not in {"", self.target.digest}

    def base(self, now_s: float) -> int:
        """Return the generation from which changes should be read: assumed, or after silence reported."""
        if self.resend_at_s is not None and now_s >= self.resend_at_s:
            self.sent = min(self.sent, self.stored)
        return self.sent[1]

    def decide(self, target: Held, changes: int, now_s: float) -> Send:
        """Decide what to send now that the desired state and the number of rows changed since `base` are known."""
        self.target = target
        if self._digest_wrong:
            self.snapshot_wanted = True
        if self.settled:
            self.resend_at_s, self.pause_s = None, RESEND_FIRST_S
            return Send.NOTHING
        if self.snapshot_until_s is not None:
            if now_s < self.snapshot_until_s:
                return Send.NOTHING
            self.snapshot_until_s, self.snapshot_wanted = None, True
        if self.snapshot_wanted or self.sent[0] != target.epoch or self.sent[1] > target.generation:
            return Send.SNAPSHOT
        if changes > DELTA_ROWS_MAX:
            return Send.SNAPSHOT
        due = self.resend_at_s is None or now_s >= self.resend_at_s
        return Send.DELTA if due or self.sent != self.goal else Send.NOTHING

    def delta_sent(self, now_s: float) -> None:
        """Note that a delta up to the goal was sent; the same goal again doubles the pause."""
        repeated = self.resend_at_s is not None and now_s >= self.resend_at_s
        self.pause_s = min(self.pause_s * 2, RESEND_MAX_S) if repeated else RESEND_FIRST_S
        self.sent, self.resend_at_s = self.goal, now_s + self.pause_s

    def snapshot_sent(self, held: Held, now_s: float) -> None:
        """Note that a snapshot is on its way."""
        self.snapshot_wanted = False
        self.sent = (held.epoch, held.generation)
        self.stored_digest = ""
        self.resend_at_s = self.snapshot_until_s = now_s + self.patience_s
        self.patience_s = min(self.patience_s * 2, SNAPSHOT_PATIENCE_MAX_S)

    def not_sent(self, now_s: float) -> None:
        """Note that sending failed: try again after a pause."""
        self.resend_at_s = now_s + self.pause_s
        self.pause_s = min(self.pause_s * 2, RESEND_MAX_S)

    def greeted(self, held: Held, applied: int, *, doubted: bool) -> None:
        """Begin anew from what the agent says it holds, at hello or resync."""
        self.sent = self.stored = (held.epoch, held.generation)
        self.applied, self.stored_digest = (held.epoch, applied), held.digest
        self.snapshot_wanted = doubted
        self.snapshot_until_s = self.resend_at_s = None
        self.pause_s, self.patience_s = RESEND_FIRST_S, SNAPSHOT_PATIENCE_S

    def reported(self, epoch: int, stored: int, applied: int, digest: str) -> None:
        """Take in a report."""
        self.stored, self.applied, self.stored_digest = (epoch, stored), (epoch, applied), digest
        if self.snapshot_until_s is not None and self.stored >= self.sent:
            self.snapshot_until_s, self.patience_s = None, SNAPSHOT_PATIENCE_S
        self.sent = max(self.sent, self.stored)
        if self.settled:
            self.resend_at_s, self.pause_s = None, RESEND_FIRST_S
