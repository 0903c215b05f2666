"""Cursors are opaque, and whatever is not one of ours is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.api.paging import decode_cursor, encode_cursor, page_of, read_id_cursor, read_instant_cursor
from cloud.api.problems import Raised


@given(st.uuids(), st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_is_read_back(id_: UUID, at: datetime) -> None:
    assert read_id_cursor(encode_cursor(id_)) == id_
    assert read_instant_cursor(encode_cursor(at.isoformat(), id_)) == (at, id_)


@given(st.text(max_size=40))
def test_what_is_no_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    for read in (read_id_cursor, read_instant_cursor):
        if text:
            with pytest.raises(Raised):
                read(text)


@pytest.mark.parametrize("values", [[], ["x"], [1, 2, 3], [[]], [None]])
def test_a_cursor_of_another_shape_is_refused(values: list[object]) -> None:
    with pytest.raises(Raised):
        decode_cursor(encode_cursor(*values), UUID)


def test_the_last_page_has_no_cursor() -> None:
    full = page_of([1, 2, 3], 2, str, lambda n: [n])
    assert (full.items, full.next_cursor) == (["1", "2"], encode_cursor(2))
    assert page_of([1, 2], 2, str, lambda n: [n]).next_cursor is None
