"""What holds for every message, not for examples: round trips, and that nothing damaged is ever believed."""

import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.codec import Message, decode, encode, inflate
from protocol.envelope import Envelope
from protocol.errors import Forged, Malformed, Misaddressed, ProtocolError
from protocol.messages import DOWN, UP, Body, Delta, Held
from protocol.signing import Signer, Verifier
from tests.support.wire import bodies

KEY = Signer.from_bytes(bytes(range(32)))


def find(kid: str) -> Verifier:
    if kid != KEY.kid:
        raise Forged(kid)
    return Verifier(KEY.public)


def envelope_of(body: Body, **changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "kind": body.kind,
        "id": "m-1",
        "agent": "a-1",
        "installation": "i-1",
        "sequence": 7,
        "sent_at": 1_790_000_000_000_000,
        "body": body.model_dump(mode="json"),
    }
    return Envelope(**(fields | changes))


def read(raw: bytes, direction: Any = "down") -> Message:
    return decode(direction, raw, agent="a-1", installation="i-1", find_verifier=find)


@given(body=bodies(DOWN), attachment=st.binary(max_size=4096))
def test_what_the_cloud_says_is_what_the_agent_reads(body: Body, attachment: bytes) -> None:
    message = read(encode("down", envelope_of(body), KEY, attachment))
    assert message.body == body
    assert message.attachment == attachment


@given(body=bodies(UP))
def test_what_the_agent_says_is_what_the_cloud_reads(body: Body) -> None:
    assert read(encode("up", envelope_of(body), KEY), "up").body == body


@given(body=bodies(DOWN), position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_single_changed_byte_is_refused(body: Body, position: int, flip: int) -> None:
    raw = bytearray(encode("down", envelope_of(body), KEY))
    raw[position % len(raw)] ^= flip
    with pytest.raises(ProtocolError):
        read(bytes(raw))


@given(body=bodies(DOWN), keep=st.integers(min_value=0))
def test_a_message_cut_short_is_refused(body: Body, keep: int) -> None:
    raw = encode("down", envelope_of(body), KEY)
    with pytest.raises(ProtocolError):
        read(raw[: keep % len(raw)])


@given(raw=st.binary(max_size=512))
def test_arbitrary_bytes_are_refused_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(raw)


@given(body=bodies(UP))
def test_a_message_sent_back_the_other_way_is_forged(body: Body) -> None:
    with pytest.raises(Forged):
        read(encode("up", envelope_of(body), KEY), "down")


@given(body=bodies(DOWN), field=st.sampled_from(["agent", "installation"]))
def test_a_message_for_another_agent_or_an_earlier_installation_is_refused(body: Body, field: str) -> None:
    with pytest.raises(Misaddressed):
        read(encode("down", envelope_of(body, **{field: "other"}), KEY))


@given(body=bodies(DOWN))
def test_a_stranger_with_his_own_key_is_refused(body: Body) -> None:
    with pytest.raises(Forged):
        read(encode("down", envelope_of(body), Signer.generate()))


def test_an_oversized_message_is_neither_written_nor_read() -> None:
    body = Delta(base=0, desired=Held(), upserts=["x"])
    with pytest.raises(Malformed):
        encode("down", envelope_of(body), KEY, random.Random(1).randbytes(limits.MESSAGE_BYTES_MAX))
    with pytest.raises(Malformed):
        read(encode("down", envelope_of(body), KEY) + bytes(limits.MESSAGE_BYTES_MAX))


def test_a_deflated_bomb_is_refused_without_being_inflated() -> None:
    with pytest.raises(Malformed):
        inflate(zlib.compress(bytes(limits.INFLATED_BYTES_MAX + 1)))


def test_an_unknown_kind_is_read_and_left_to_be_counted() -> None:
    envelope = envelope_of(Delta(base=0, desired=Held())).model_copy(update={"kind": "brand-new"})
    assert read(encode("down", envelope, KEY)).body is None


def test_a_newer_field_is_ignored() -> None:
    envelope = envelope_of(Delta(base=4, desired=Held()))
    envelope.body["field_of_the_future"] = [1, 2, 3]
    assert read(encode("down", envelope, KEY)).body == Delta(base=4, desired=Held())
