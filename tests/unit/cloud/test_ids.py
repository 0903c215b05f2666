"""Ids sort by their birth and are what they say."""

from uuid import RFC_4122

from cloud.ids import new_id


def test_ids_of_one_process_sort_by_their_birth_even_within_a_millisecond() -> None:
    made = [new_id() for _ in range(5_000)]
    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_seven() -> None:
    assert all((one.version, one.variant) == (7, RFC_4122) for one in (new_id() for _ in range(200)))
