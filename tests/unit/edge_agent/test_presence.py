"""Sessions that come and go are told once per change."""

from edge_agent.domain.presence import OFFLINE_MAX, Presence


def online(*ids: str) -> Presence:
    presence = Presence()
    for id_ in ids:
        presence.await_online(id_, 7)
        assert presence.seen(id_, 100) == 7
    return presence


def test_a_session_nobody_waits_for_is_no_news() -> None:
    presence = online("a")
    assert presence.seen("a", 200) is None
    assert presence.seen("b", 200) is None


def test_a_missing_session_is_news_once_and_so_is_its_return() -> None:
    presence = online("a")
    assert presence.missed("a", 101) == 7
    assert presence.missed("a", 102) is None
    assert presence.seen("a", 103) == 7


def test_a_reading_that_is_older_than_the_session_says_nothing() -> None:
    presence = online("a")
    assert presence.missed("a", 100) is None
    assert presence.missed("a", 101) == 7


def test_who_was_never_told_online_or_is_forgotten_is_never_told_offline() -> None:
    presence = online("a")
    presence.forget("a")
    assert presence.missed("a", 900) is None
    assert presence.missed("b", 900) is None


def test_one_pass_tells_of_so_many_and_the_next_of_the_rest() -> None:
    ids = [f"s{number}" for number in range(OFFLINE_MAX + 5)]
    presence = online(*ids)
    assert sum(presence.missed(id_, 101) is not None for id_ in ids) == OFFLINE_MAX
    presence.pass_ended()
    assert sum(presence.missed(id_, 102) is not None for id_ in ids) == 5
