"""How well the site knows the time, and what it takes the time to be.

trusted (signed by the cloud in this boot) > ntp (plausible against the floor) > holdover > floor (nothing heard
since boot). The estimate is an anchor plus what the boot clock has run since; it never runs below the floor.
"""

from dataclasses import dataclass, replace

from protocol.messages import ClockQuality

DAY_US = 86_400_000_000
TRUSTED_FOR_US = DAY_US
"""A signed time carries for a day: at 100 ppm the boot clock is then 8.6 s off, and it is called holdover."""
NTP_FORWARD_MAX_US = DAY_US
"""An unauthenticated source that is further ahead of what we know than this is not believed."""
NTP_STEP_MAX_US = 60_000_000
"""While the boot clock runs we know how much time passed: a larger jump of the system clock is not believed."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of the time. All microseconds; `anchor_boot_us` is the boot clock at `anchor_us`."""

    quality: ClockQuality
    floor_us: int
    anchor_us: int
    anchor_boot_us: int
    offset_us: int | None = None
    """Estimate minus cloud when the last welcome came."""
    uncertain_us: int = 0
    """Half the transit that the anchor was measured with: the time may be so much earlier than the estimate."""

    def now_us(self, boot_us: int) -> int:
        """Estimate the time; never below the floor."""
        return max(self.floor_us, self.anchor_us + boot_us - self.anchor_boot_us)

    def judged_us(self, boot_us: int) -> int:
        """Return the instant that rights are judged at: the earliest that it can be, so that nobody is cut too soon.

        At floor quality time stands still, so nobody is cut at all.
        """
        if self.quality == "floor":
            return self.floor_us
        return max(self.floor_us, self.now_us(boot_us) - self.uncertain_us)


def at_boot(floor_us: int, boot_us: int) -> Trust:
    """Begin after a reboot: only the floor is known."""
    return Trust("floor", floor_us, floor_us, boot_us)


def resumed(floor_us: int, anchor_us: int, anchor_boot_us: int, boot_us: int, uncertain_us: int = 0) -> Trust:
    """Begin again in the same boot, with the anchor that was kept: the boot clock ran on."""
    if boot_us < anchor_boot_us:
        return at_boot(floor_us, boot_us)
    return aged(Trust("trusted", floor_us, anchor_us, anchor_boot_us, uncertain_us=uncertain_us), boot_us)


def welcomed(
    trust: Trust, *, cloud_us: int, asked_boot_us: int, heard_boot_us: int, bound_us: int, handled_us: int = 0
) -> Trust:
    """Take the signed time of a welcome to our own nonce; one that took too long says nothing.

    `handled_us`: how long the cloud worked on our hello. Only the rest of the round trip was transit, of which we do
    not know how it divides between there and back.
    """
    took_us = heard_boot_us - asked_boot_us
    if not 0 <= took_us <= bound_us:
        return trust
    transit_us = took_us - min(max(handled_us, 0), took_us)
    anchor = cloud_us + transit_us // 2
    floor = max(trust.floor_us, cloud_us)
    offset = None if trust.quality == "floor" else trust.now_us(heard_boot_us) - anchor
    return Trust("trusted", floor, max(anchor, trust.floor_us), heard_boot_us, offset, transit_us // 2)


def heard_signed(trust: Trust, cloud_us: int) -> Trust:
    """Raise the floor to a time that the cloud has signed; a replayed message is older and changes nothing."""
    return replace(trust, floor_us=cloud_us) if cloud_us > trust.floor_us else trust


def aged(trust: Trust, boot_us: int) -> Trust:
    """Call a signed time holdover when it is too old to be sure of the second."""
    if trust.quality == "trusted" and boot_us - trust.anchor_boot_us > TRUSTED_FOR_US:
        return replace(trust, quality="holdover")
    return trust


def offered_ntp(trust: Trust, *, wall_us: int, boot_us: int) -> Trust:
    """Consider the system clock, which NTP disciplines. It authenticates nobody, so it may only refine."""
    if trust.quality == "trusted" or wall_us < trust.floor_us:
        return trust
    most = NTP_FORWARD_MAX_US if trust.quality == "floor" else NTP_STEP_MAX_US
    if wall_us - trust.now_us(boot_us) > most:
        return trust
    if trust.quality != "floor" and trust.now_us(boot_us) - wall_us > most:
        return trust
    return Trust("ntp", trust.floor_us, wall_us, boot_us, trust.offset_us)


def lost_ntp(trust: Trust) -> Trust:
    """The system clock is no longer disciplined."""
    return replace(trust, quality="holdover") if trust.quality == "ntp" else trust
