"""Keeps the time: the trust in it, what of it survives a power cut, and whether the cloud is heard."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from edge_agent.domain import clock_trust
from edge_agent.domain.clock_trust import Trust
from edge_agent.domain.site import Instant
from protocol.limits import KEEPALIVE_S
from protocol.messages import ClockQuality, ClockReport, Welcome

BUILT_US: Final = 1_767_225_600_000_000
"""2026-01-01: no clock is right that says less."""
SAVE_EVERY_US: Final = 600_000_000
NTP_EVERY_US: Final = 60_000_000
BLIND_US: Final = 2 * KEEPALIVE_S * 1_000_000
"""A link cut by black hole is noticed this much later at most."""


class Clock(Protocol):
    """What keeping the time needs."""

    def boot_us(self) -> int:
        """Microseconds since boot."""

    def boot_id(self) -> str:
        """Name of this boot."""

    def wall_us(self) -> int:
        """The system clock."""

    def wall_is_synchronised(self) -> bool:
        """Whether NTP disciplines it."""


class Timekeeper:
    """Owned by the agent's loop. `save` commits a dictionary to the store."""

    def __init__(self, clock: Clock, kept: dict[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        self._clock = clock
        self._save = save
        self._boot_id = clock.boot_id()
        self.trust = self._begin(kept)
        self.unheard_since: int | None = kept.get("unheard_since") or self.trust.now_us(clock.boot_us())
        self._heard_at = 0
        self._saved_us = clock.boot_us()
        self._ntp_due_us = 0

    def _begin(self, kept: dict[str, Any]) -> Trust:
        boot_us = self._clock.boot_us()
        floor = max(BUILT_US, int(kept.get("floor", 0)))
        if kept.get("boot") == self._boot_id:
            anchor, uncertain = int(kept["anchor"]), int(kept.get("uncertain", 0))
            return clock_trust.resumed(floor, anchor, int(kept["anchor_boot"]), boot_us, uncertain)
        return clock_trust.at_boot(floor, boot_us)

    def now_us(self) -> int:
        """Estimate the time."""
        return self.trust.now_us(self._clock.boot_us())

    def at(self, boot_us: int) -> int:
        """Turn an instant of the boot clock into a time; 0 stays 0 (it did not happen)."""
        return self.trust.now_us(boot_us) if boot_us else 0

    @property
    def quality(self) -> ClockQuality:
        """How well the time is known."""
        return self.trust.quality

    def instant(self) -> Instant:
        """Return what access is judged by now."""
        return Instant(self.trust.judged_us(self._clock.boot_us()), self.unheard_since)

    def report(self) -> ClockReport:
        """Say how the time is known."""
        return ClockReport(quality=self.trust.quality, offset_us=self.trust.offset_us)

    # Sources

    def welcomed(self, welcome: Welcome, cloud_us: int, *, asked_us: int, heard_us: int) -> bool:
        """Take a welcome's time; tells whether the quality changed."""
        return self._replace(
            clock_trust.welcomed(
                self.trust,
                cloud_us=cloud_us,
                asked_boot_us=asked_us,
                heard_boot_us=heard_us,
                bound_us=welcome.round_trip_bound_us,
                handled_us=cloud_us - welcome.heard_at if welcome.heard_at is not None else 0,
            )
        )

    def signed(self, cloud_us: int) -> None:
        """Take the time of any authentic message: it raises the floor."""
        self.trust = clock_trust.heard_signed(self.trust, cloud_us)
        self._heard_at = self.trust.now_us(self._clock.boot_us())

    def look(self) -> bool:
        """Age what is known and consider the system clock, once a minute; tells whether the quality changed."""
        boot_us = self._clock.boot_us()
        if boot_us < self._ntp_due_us:
            return False
        self._ntp_due_us = boot_us + NTP_EVERY_US
        trust = clock_trust.aged(self.trust, boot_us)
        if self._clock.wall_is_synchronised():
            trust = clock_trust.offered_ntp(trust, wall_us=self._clock.wall_us(), boot_us=boot_us)
        else:
            trust = clock_trust.lost_ntp(trust)
        if boot_us - self._saved_us > SAVE_EVERY_US:
            self.trust = trust
            self.save()
        return self._replace(trust)

    def _replace(self, trust: Trust) -> bool:
        changed = trust.quality != self.trust.quality
        self.trust = trust
        if changed and trust.quality == "trusted":
            self.save()
        return changed

    # Hearing

    def heard(self) -> bool:
        """Note that the cloud is heard again; tells whether that is news."""
        if self.unheard_since is None:
            return False
        self.unheard_since = None
        self.save()
        return True

    def unheard(self) -> bool:
        """Note that the link is down; what was last heard may be as old as it takes to notice a black hole."""
        if self.unheard_since is not None:
            return False
        now = self.now_us()
        self.unheard_since = max(self._heard_at, now - BLIND_US)
        self.save()
        return True

    def save(self) -> None:
        """Keep floor and anchor: at most ten minutes of time are lost with the power."""
        boot_us = self._clock.boot_us()
        self._saved_us = boot_us
        floor = self.trust.judged_us(boot_us) if self.trust.quality != "floor" else self.trust.floor_us
        kept: dict[str, Any] = {"floor": floor, "unheard_since": self.unheard_since}
        if self.trust.quality in ("trusted", "holdover"):
            kept |= {"boot": self._boot_id, "anchor": self.trust.anchor_us, "anchor_boot": self.trust.anchor_boot_us}
            kept["uncertain"] = self.trust.uncertain_us
        self._save(kept)
