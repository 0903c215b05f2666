"""What holds for rows, digests, snapshots, seals and key lists."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.digest import EMPTY, changed, digest_of
from protocol.entitlement import Entitlement, parse_row, render_row
from protocol.errors import Forged, Malformed, ProtocolError, RolledBack, SealBroken
from protocol.keylist import KeyList, OnlineKey, open_key_list, sign_key_list
from protocol.sealing import context, new_sealing_key, seal, sealing_public, unseal
from protocol.signing import Signer, Verifier, to_text
from protocol.snapshot import Assembly, pack
from protocol.topics import parse_topic, topic
from tests.support.wire import entitlements

ROOT = Signer.from_bytes(bytes(range(1, 33)))
ONLINE = Signer.from_bytes(bytes(range(2, 34)))
LIST = KeyList(tenant="t", version=3, keys=[OnlineKey(public=to_text(ONLINE.public), not_before=10, not_after=20)])


@given(entitlement=entitlements)
def test_a_row_reads_back_as_what_was_written(entitlement: Entitlement) -> None:
    assert parse_row(render_row(entitlement)) == entitlement


@given(rows=st.lists(st.text(max_size=30), max_size=20), seed=st.integers())
def test_the_digest_does_not_depend_on_order(rows: list[str], seed: int) -> None:
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)
    assert digest_of(shuffled) == digest_of(rows)


@given(before=st.lists(st.text(max_size=30), max_size=20), after=st.lists(st.text(max_size=30), max_size=20))
def test_a_digest_kept_up_by_changes_equals_one_computed_anew(before: list[str], after: list[str]) -> None:
    assert changed(digest_of(before), removed=before, added=after) == digest_of(after)
    assert changed(digest_of(before), removed=before) == EMPTY


@given(rows=st.lists(entitlements.map(render_row), max_size=30), seed=st.integers())
def test_a_snapshot_survives_disorder_and_repetition(rows: list[str], seed: int) -> None:
    manifest, chunks = pack(rows, epoch=2, generation=9)
    arriving = chunks * 2
    random.Random(seed).shuffle(arriving)
    assembly = Assembly(manifest)
    for chunk, part in arriving:
        assembly.add(chunk, part)
    assert assembly.complete
    assert assembly.rows() == rows


@given(rows=st.lists(entitlements.map(render_row), min_size=1, max_size=10), position=st.integers(min_value=0))
def test_a_snapshot_with_one_changed_byte_is_refused(rows: list[str], position: int) -> None:
    manifest, chunks = pack(rows, epoch=2, generation=9)
    chunk, part = chunks[0]
    damaged = bytearray(part)
    damaged[position % len(damaged)] ^= 1
    assembly = Assembly(manifest)
    assembly.add(chunk, bytes(damaged))
    with pytest.raises(Malformed):
        assembly.rows()


@given(secret=st.text(st.characters(codec="utf-8"), max_size=60))
def test_only_the_agent_it_was_sealed_to_reads_a_credential(secret: str) -> None:
    private = new_sealing_key()
    bound = context("a-1", "s-1")
    sealed = seal(secret, to_public=sealing_public(private), bound_to=bound)
    assert unseal(sealed, private=private, bound_to=bound) == secret
    with pytest.raises(SealBroken):
        unseal(sealed, private=new_sealing_key(), bound_to=bound)
    with pytest.raises(SealBroken):
        unseal(sealed, private=private, bound_to=context("a-1", "s-2"))


@given(text=st.text(max_size=100))
def test_what_is_not_a_sealed_box_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        unseal(text, private=bytes(range(32)), bound_to="x")


def test_a_key_list_is_believed_only_from_the_pinned_root() -> None:
    frame = sign_key_list(LIST, ROOT)
    assert open_key_list(frame, root=Verifier(ROOT.public), tenant="t") == LIST
    with pytest.raises(Forged):
        open_key_list(sign_key_list(LIST, ONLINE), root=Verifier(ROOT.public), tenant="t")
    with pytest.raises(Forged):
        open_key_list(frame, root=Verifier(ROOT.public), tenant="another")
    with pytest.raises(RolledBack):
        open_key_list(frame, root=Verifier(ROOT.public), tenant="t", at_least=4)


def test_a_key_off_the_list_is_forged_and_dates_are_half_open() -> None:
    assert LIST.verifier(ONLINE.kid).public == ONLINE.public
    with pytest.raises(Forged):
        LIST.verifier(ROOT.kid)
    assert [bool(LIST.active_at(at)) for at in (9, 10, 19, 20)] == [False, True, True, False]


@given(shard=st.integers(-2, 70), agent=st.text(max_size=10), stream=st.sampled_from(["dn", "up", "lw"]))
def test_a_topic_is_one_harmless_path_or_is_refused(shard: int, agent: str, stream: str) -> None:
    try:
        name = topic(shard, agent, stream)  # type: ignore[arg-type]  # drawn from the three
    except ProtocolError:
        return
    assert not set(name) & set("#+$ ")
    assert name.count("/") == 3
    parsed = parse_topic(name)
    assert (parsed.shard, parsed.agent, parsed.stream) == (shard, agent, stream)
