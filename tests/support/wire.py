"""Hypothesis strategies for everything that can be said on the wire."""

from ipaddress import IPv4Address, IPv6Network
from typing import Any

from hypothesis import strategies as st

from protocol.entitlement import Credential, Entitlement, Rate
from protocol.messages import (
    Ack,
    Body,
    Chunk,
    ClockReport,
    Command,
    Delta,
    Event,
    Events,
    FailedRow,
    Gone,
    Held,
    Hello,
    Keys,
    Manifest,
    Reported,
    Result,
    Resync,
    RouterReport,
    Welcome,
)

ids = st.from_regex(r"[a-z0-9-]{1,24}", fullmatch=True)
counters = st.integers(min_value=0, max_value=2**53)
instants = st.integers(min_value=0, max_value=2**53)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
labels = st.text(st.characters(codec="utf-8"), max_size=40)
rates = st.builds(Rate, up_bps=st.integers(1_000, 10**9), down_bps=st.integers(1_000, 10**9))
held = st.builds(Held, epoch=counters, generation=counters, digest=digests)
qualities = st.sampled_from(["trusted", "ntp", "holdover", "floor"])
data = st.dictionaries(st.text(max_size=8), st.one_of(st.integers(-(2**53), 2**53), labels, st.booleans()), max_size=4)
clocks = st.builds(ClockReport, quality=qualities, offset_us=st.none() | st.integers(-(2**40), 2**40))
routers = st.builds(RouterReport, reachable=st.booleans(), identity=labels, version=labels, trouble=labels)
events = st.builds(
    Event,
    number=st.integers(1, 2**53),
    kind=st.sampled_from(["applied", "online"]),
    at=instants,
    quality=qualities,
    entitlement=st.none() | ids,
    data=data,
)
entitlements = st.builds(
    Entitlement,
    id=ids,
    username=st.from_regex(r"[\x21-\x7e]{1,64}", fullmatch=True),
    credential=st.builds(Credential, revision=st.integers(1, 10**6), sealed=st.text("abcXYZ019+/=", max_size=80)),
    address=st.integers(0, 2**32 - 1).map(IPv4Address),
    prefix=st.none() | st.integers(0, 2**56 - 1).map(lambda n: IPv6Network((n << 72, 56))),
    service=st.sampled_from(["on", "off"]),
    rate=rates,
    valid_until=st.none() | instants,
    outage_grace_s=st.integers(0, 30 * 86_400),
)

_BODIES: dict[str, st.SearchStrategy[Any]] = {
    "welcome": st.builds(Welcome, nonce=ids, desired=held, heard_at=st.none() | instants),
    "manifest": st.builds(
        Manifest,
        desired=held,
        count=st.integers(0, 50_000),
        sha256=digests,
        size_bytes=st.integers(0, 2**20),
        chunks=st.integers(1, 300),
    ),
    "chunk": st.builds(Chunk, sha256=digests, index=counters),
    "delta": st.builds(
        Delta,
        base=counters,
        desired=held,
        upserts=st.lists(labels, max_size=4),
        removals=st.lists(ids, max_size=4),
    ),
    "ack": st.builds(Ack, upto=counters, refused=st.lists(counters, max_size=4)),
    "command": st.builds(Command, command_id=ids, verb=ids, not_after=instants, arguments=data),
    "keys": st.builds(Keys, version=counters),
    "hello": st.builds(
        Hello, nonce=ids, agent_version=labels, boot=ids, connection=ids, held=held, clock=clocks, router=routers
    ),
    "reported": st.builds(
        Reported,
        epoch=counters,
        received=counters,
        stored=counters,
        applied=counters,
        digest=digests,
        router_digest=digests,
        failed=st.lists(st.builds(FailedRow, id=ids, code=ids, message=labels, since=instants), max_size=3),
        refused=st.dictionaries(ids, counters, max_size=3),
        clock=clocks,
        router=routers,
    ),
    "events": st.builds(Events, events=st.lists(events, min_size=1, max_size=4)),
    "resync": st.builds(Resync, held=held, reason=labels, snapshot=st.booleans()),
    "result": st.builds(Result, command_id=ids, status=st.sampled_from(["done", "failed"]), output=data),
    "gone": st.builds(Gone, connection=ids, reason=labels),
}


def bodies(kinds: dict[str, type[Body]]) -> st.SearchStrategy[Body]:
    """Draw any body of the given direction; a kind without a strategy fails here, so none is forgotten."""
    return st.one_of([_BODIES[kind] for kind in kinds])
