"""Framing: every length form, any byte, any cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.mikrotik.errors import FramingError
from lab.mikrotik.wire import SentenceReader, decode_length, encode_length, encode_sentence
from tests.support.lengths import LENGTHS, Vector


@pytest.mark.parametrize("vector", LENGTHS, ids=str)
def test_each_length_takes_its_shortest_form_and_comes_back(vector: Vector) -> None:
    assert encode_length(vector.length) == vector.coded
    assert decode_length(bytearray(vector.coded), 0) == (vector.length, len(vector.coded))
    for cut in range(len(vector.coded)):
        assert decode_length(bytearray(vector.coded[:cut]), 0) is None


def test_a_sentence_cut_at_every_byte_is_the_same_sentence() -> None:
    words = ["/ppp/secret/add", "=name=" + "x" * 0x100, "=comment=a=b\x00\r\n\xff"]
    reader = SentenceReader()
    found = [sentence for byte in encode_sentence(words) for sentence in reader.feed(bytes((byte,)))]
    assert found == [words]
    assert not reader.midway


@given(st.lists(st.lists(st.text(alphabet=st.characters(max_codepoint=255), min_size=1), min_size=1)), st.data())
def test_sentences_come_back_however_the_stream_is_cut(sentences: list[list[str]], data: st.DataObject) -> None:
    stream = b"".join(map(encode_sentence, sentences))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = SentenceReader()
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [sentence for piece in pieces for sentence in reader.feed(piece)] == sentences


def test_empty_sentences_are_ignored() -> None:
    assert SentenceReader().feed(b"\x00\x00" + encode_sentence(["/quit"]) + b"\x00") == [["/quit"]]


def test_a_reserved_control_byte_ends_the_conversation() -> None:
    with pytest.raises(FramingError):
        SentenceReader().feed(b"\xf8rest")


def test_a_word_of_absurd_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(FramingError):
        SentenceReader().feed(encode_length(0x10000080))
