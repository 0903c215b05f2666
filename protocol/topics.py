"""The three topics of an agent: one ordered stream each way, and the will."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from protocol.errors import Malformed

ROOT: Final = "mnara1"
SHARDS: Final = 64
_ID: Final = re.compile(r"[a-z0-9-]{1,64}")

Stream = Literal["dn", "up", "lw"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, taken apart: `mnara1/{shard}/{agent}/{stream}`."""

    shard: int
    agent: str
    stream: Stream

    def __str__(self) -> str:
        return f"{ROOT}/{self.shard:02d}/{self.agent}/{self.stream}"


def topic(shard: int, agent: str, stream: Stream) -> str:
    """Return the topic's name; refuses ids that would not be one harmless level on every broker."""
    if not 0 <= shard < SHARDS or not _ID.fullmatch(agent):
        raise Malformed(f"no topic for shard {shard} and agent {agent!r}")
    return str(Topic(shard, agent, stream))


def parse_topic(name: str) -> Topic:
    """Take a received topic apart, or raise Malformed."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != ROOT or not re.fullmatch(r"\d\d", parts[1]) or not _ID.fullmatch(parts[2]):
        raise Malformed(f"not a topic of ours: {name[:80]!r}")
    shard, stream = int(parts[1]), parts[3]
    if shard >= SHARDS or stream not in {"dn", "up", "lw"}:
        raise Malformed(f"not a topic of ours: {name[:80]!r}")
    return Topic(shard, parts[2], stream)  # type: ignore[arg-type]  # membership was checked on the line above


def shard_filter(shard: int, stream: Stream) -> str:
    """Return the subscription of a cloud process that leases this shard."""
    return f"{ROOT}/{shard:02d}/+/{stream}"


def everyone_filter(stream: Stream) -> str:
    """Return the subscription of the only cloud process: it holds every shard."""
    return f"{ROOT}/+/+/{stream}"
