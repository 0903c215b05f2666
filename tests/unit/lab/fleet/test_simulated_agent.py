"""A simulated agent by itself: what it believes, what it refuses, and what it says of either."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.clock import SystemClock
from lab.fleet.agent import Agent, Manner, Shared
from lab.fleet.figures import Figures
from lab.fleet.identity import Identity
from protocol.codec import decode, encode
from protocol.digest import changed, digest_of
from protocol.enrolment import BrokerAddress, EnrolAnswer
from protocol.envelope import Envelope
from protocol.keylist import KeyList, OnlineKey, sign_key_list
from protocol.messages import (
    Ack,
    Body,
    Command,
    Delta,
    Events,
    Held,
    Hello,
    Keys,
    Reported,
    Result,
    Resync,
    Welcome,
)
from protocol.signing import Signer, Verifier, to_text
from protocol.snapshot import pack

YEAR_2100 = 4_102_444_800_000_000
ROWS = [f'{{"id":"s-{number}","username":"u{number}"}}' for number in range(3)]


class FakeWire:
    """Where an agent's words are kept instead of sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.topics: list[str] = []

    def say(self, topic: str, payload: bytes) -> bool:
        self.topics.append(topic)
        self.sent.append(payload)
        return True

    def close(self, _why: str) -> None: ...

    def goodbye(self) -> None: ...


class Rig:
    """The cloud's end: its keys, and what the agent said."""

    def __init__(self, **manner: Any) -> None:
        self.root, self.online, self.own = Signer.generate(), Signer.generate(), Signer.generate()
        answer = EnrolAnswer(
            agent="a-1", installation="i-1", tenant="t-1", site="s-1", site_name="Tower", shard=3, certificate_pem="",
            ca_pem="", root_key=to_text(self.root.public), key_list=base64.b64encode(self.keys(1)).decode(),
            broker=BrokerAddress(host="127.0.0.1", port=1), now=0,
        )  # fmt: skip
        self.figures = Figures()
        shared = Shared(Manner(**manner), self.figures, SystemClock(), random.Random(1), asyncio.Semaphore(1))
        self.agent = Agent(Identity(answer, self.own, Path("none")), shared)
        self.wire = FakeWire()
        self.agent._wire = self.wire  # type: ignore[assignment]  # what it says goes here
        self.held = Held()

    def keys(self, version: int, root: Signer | None = None) -> bytes:
        listed = OnlineKey(public=to_text(self.online.public), not_before=0, not_after=YEAR_2100)
        return sign_key_list(KeyList(tenant="t-1", version=version, keys=[listed]), root or self.root)

    def tell(self, body: Body, *, signer: Signer | None = None, attachment: bytes = b"", **changes: Any) -> None:
        envelope = Envelope(
            kind=body.kind, id="m-1", agent="a-1", installation="i-1", sequence=1, sent_at=SystemClock().now_us(),
            body=body.model_dump(mode="json"),
        ).model_copy(update=changes)  # fmt: skip
        self.agent._hear(encode("down", envelope, signer or self.online, attachment))

    def snapshot(self, rows: list[str], generation: int, *, epoch: int = 1, signer: Signer | None = None) -> None:
        manifest, chunks = pack(rows, epoch=epoch, generation=generation)
        self.tell(manifest, signer=signer)
        for chunk, part in chunks:
            self.tell(chunk, signer=signer, attachment=part)
        self.held = manifest.desired

    def delta(self, row: str, *, base: int | None = None, digest: str = "", **changes: Any) -> Delta:
        base = self.held.generation if base is None else base
        digest = digest or changed(self.held.digest, added=[row])
        delta = Delta(base=base, desired=Held(epoch=1, generation=base + 1, digest=digest), upserts=[row])
        self.tell(delta, **changes)
        return delta

    def said(self) -> list[Any]:
        """What was said since it was last asked; every frame must be the agent's own and in order."""
        verifier, found, last = Verifier(self.own.public), [], 0
        for payload in self.wire.sent:
            message = decode("up", payload, agent="a-1", installation="i-1", find_verifier=lambda _: verifier)
            assert message.envelope.sequence > last
            last = message.envelope.sequence
            found.append(message.body)
        self.wire.sent.clear()
        return found


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.agent._stop_asking()
    made.agent._stop_applying()


async def test_a_snapshot_is_stored_applied_and_reported(rig: Rig) -> None:
    rig.snapshot(ROWS, 42)
    assert sorted(rig.agent.desired.rows) == ["s-0", "s-1", "s-2"]
    [report] = rig.said()
    assert isinstance(report, Reported)
    assert (report.epoch, report.stored, report.applied) == (1, 42, 42)
    assert report.digest == report.router_digest == digest_of(ROWS)


async def test_a_delta_is_applied_and_its_row_told_of_until_it_is_acknowledged(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1)
    rig.said()
    rig.delta(ROWS[1])
    report, events = rig.said()
    assert (report.applied, report.digest) == (2, digest_of(ROWS[:2]))
    assert isinstance(events, Events)
    assert [(event.kind, event.entitlement) for event in events.events] == [("applied", "s-1")]
    rig.agent._hello()
    hello, again = rig.said()
    assert isinstance(hello, Hello)
    assert (hello.outbox_low, again) == (events.events[0].number, events)
    rig.tell(Ack(upto=events.events[0].number))
    rig.agent._hello()
    assert [type(one) for one in rig.said()] == [Hello]


@pytest.mark.parametrize("kind", ["delta", "snapshot"])
async def test_a_wrong_signature_changes_nothing_and_is_reported(rig: Rig, kind: str) -> None:
    rig.snapshot(ROWS[:1], 1)
    rig.said()
    if kind == "delta":
        rig.delta(ROWS[1], signer=Signer.generate())
    else:
        rig.snapshot(ROWS, 9, signer=Signer.generate())
    assert list(rig.agent.desired.rows) == ["s-0"]
    report = rig.said()[-1]
    assert report.refused["forged"] == rig.figures.refused["forged"] > 0
    assert (report.applied, report.digest) == (1, digest_of(ROWS[:1]))


async def test_what_is_meant_for_another_or_is_garbage_changes_nothing(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1)
    rig.delta(ROWS[1], agent="a-2")
    rig.delta(ROWS[1], installation="i-0")
    rig.agent._hear(b"mnara1 - nonsense")
    rig.agent._hear(b"\x00" * 200_000)
    assert rig.figures.refused == {"misaddressed": 2, "malformed": 2}
    assert rig.agent.desired.held.generation == 1


async def test_a_wrong_digest_is_not_stored_and_a_snapshot_is_asked_for(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1)
    rig.said()
    rig.delta(ROWS[1], digest="1" * 64)
    await asyncio.sleep(0.01)
    [ask] = rig.said()
    assert isinstance(ask, Resync)
    assert (ask.snapshot, ask.held.generation, list(rig.agent.desired.rows)) == (True, 1, ["s-0"])


async def test_a_delta_that_comes_too_early_waits_for_the_one_before(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1)
    rig.said()
    second = changed(digest_of(ROWS[:2]), added=[ROWS[2]])
    rig.delta(ROWS[2], base=2, digest=second)
    assert rig.said() == []
    rig.delta(ROWS[1])
    assert rig.agent.desired.held == Held(epoch=1, generation=3, digest=second)
    assert {one.digest for one in rig.said() if isinstance(one, Reported)} == {digest_of(ROWS)}
    assert rig.agent._asking is None


async def test_a_delta_that_is_known_is_reported_again(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1)
    delta = rig.delta(ROWS[1])
    rig.said()
    rig.tell(delta)
    [report] = rig.said()
    assert report.applied == 2


async def test_another_epoch_is_asked_about_and_an_old_one_refused(rig: Rig) -> None:
    rig.snapshot(ROWS[:1], 1, epoch=2)
    rig.said()
    rig.tell(Delta(base=1, desired=Held(epoch=1, generation=2, digest="0" * 64)))
    assert rig.figures.refused == {"rolled-back": 1}
    rig.tell(Delta(base=1, desired=Held(epoch=3, generation=2, digest="0" * 64)))
    await asyncio.sleep(0.01)
    assert isinstance(rig.said()[-1], Resync)


async def test_applying_takes_its_time_and_says_so_twice() -> None:
    rig = Rig(apply_s=0.03, events=False)
    rig.snapshot(ROWS, 5)
    [report] = rig.said()
    assert (report.stored, report.applied, report.router_digest) == (5, 0, "0" * 64)
    await asyncio.sleep(0.06)
    [report] = rig.said()
    assert report.applied == 5
    assert rig.figures.lags_us[0] >= 30_000


async def test_keys_are_taken_from_the_root_only_and_never_back(rig: Rig) -> None:
    rig.online = Signer.generate()
    old = rig.agent._keys
    rig.delta(ROWS[0])
    assert rig.figures.refused == {"forged": 1}
    raw = rig.keys(2)
    rig.agent._keys = rig.agent._open_keys(raw, 1)
    rig.snapshot(ROWS, 1)
    assert rig.agent.desired.held.generation == 1
    rig.tell(Keys(version=3), attachment=rig.keys(3, Signer.generate()))
    rig.tell(Keys(version=1), attachment=rig.keys(1))
    assert rig.figures.refused == {"forged": 2, "rolled-back": 1}
    assert rig.agent._keys.version == 2 > old.version


async def test_a_welcome_brings_a_report_only_if_it_answers_the_last_hello(rig: Rig) -> None:
    rig.snapshot(ROWS, 5)
    rig.agent._hello()
    nonce = next(one.nonce for one in rig.said() if isinstance(one, Hello))
    rig.tell(Welcome(nonce="stale", desired=rig.held))
    assert rig.said() == []
    rig.tell(Welcome(nonce=nonce, desired=rig.held))
    assert [type(one) for one in rig.said()] == [Reported]


async def test_commands_are_answered_and_late_ones_are_not_done(rig: Rig) -> None:
    rig.snapshot(ROWS, 5)
    rig.said()
    for verb, not_after in (("diagnose", YEAR_2100), ("dance", YEAR_2100), ("resync", 1)):
        rig.tell(Command(command_id=verb, verb=verb, not_after=not_after))
    assert [(one.command_id, one.status) for one in rig.said() if isinstance(one, Result)] == [
        ("diagnose", "done"), ("dance", "unsupported"), ("resync", "expired"),
    ]  # fmt: skip


async def test_whoever_leaves_says_goodbye_and_may_come_back_knowing_nothing(rig: Rig) -> None:
    rig.snapshot(ROWS, 5)
    rig.agent.leave("goodbye", forget=True)
    assert rig.wire.topics[-1] == "mnara1/03/a-1/lw"
    assert (rig.agent.desired.rows, rig.agent.desired.known, rig.agent.applied) == ({}, False, 0)
