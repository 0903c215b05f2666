"""Who may say and hear what at the broker: one rule, by certificate, never by what a client says of itself."""

from dataclasses import dataclass
from typing import Literal

from protocol.errors import Malformed
from protocol.topics import everyone_filter, parse_topic, shard_filter


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a verified certificate names. Agents and cloud processes have different issuers, so no name can pass for
    the other."""

    kind: Literal["agent", "cloud"]
    name: str
    """The certificate's CN."""
    serial: str
    """Lower-case hex without leading zeros."""


def may_publish(peer: Peer, topic_name: str) -> bool:
    """Agents speak on their own `up` and `lw`, the cloud on any `dn`."""
    try:
        topic = parse_topic(topic_name)
    except Malformed:
        return False
    if peer.kind == "cloud":
        return topic.stream == "dn"
    return topic.agent == peer.name and topic.stream in {"up", "lw"}


def may_subscribe(peer: Peer, topic_filter: str) -> bool:
    """Agents hear their own `dn`, without wildcards; the cloud every `up` and `lw`, or those of whole shards."""
    if peer.kind == "cloud":
        return topic_filter in _CLOUD_FILTERS
    try:
        topic = parse_topic(topic_filter)
    except Malformed:
        return False
    return topic.agent == peer.name and topic.stream == "dn"


_CLOUD_FILTERS = frozenset(
    {everyone_filter("up"), everyone_filter("lw")}
    | {shard_filter(shard, "up") for shard in range(64)}
    | {shard_filter(shard, "lw") for shard in range(64)}
)
