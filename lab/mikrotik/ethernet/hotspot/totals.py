"""Counted traffic and time, to be added and subtracted."""

from dataclasses import dataclass, replace
from typing import Self

from lab.mikrotik.packets.stations import Station


@dataclass(frozen=True, slots=True)
class Totals:
    """`in` is what the router received from the user."""

    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    uptime_us: int = 0

    @classmethod
    def of(cls, station: Station) -> Self:
        return cls(station.bytes_up, station.bytes_down, station.packets_up, station.packets_down)

    def plus(self, other: "Totals", sign: int = 1) -> "Totals":
        return replace(
            self,
            bytes_in=self.bytes_in + sign * other.bytes_in,
            bytes_out=self.bytes_out + sign * other.bytes_out,
            packets_in=self.packets_in + sign * other.packets_in,
            packets_out=self.packets_out + sign * other.packets_out,
            uptime_us=self.uptime_us + sign * other.uptime_us,
        )

    def less(self, other: "Totals") -> "Totals":
        return self.plus(other, -1)

    def counter(self, name: str) -> int:
        """The counter of a printed name, such as `bytes-in`."""
        return {
            "bytes-in": self.bytes_in, "bytes-out": self.bytes_out,
            "packets-in": self.packets_in, "packets-out": self.packets_out,
        }[name]  # fmt: skip
