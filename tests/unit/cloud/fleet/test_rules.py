"""The topic rule, the outbox's gaps, and the settings that reach the outside."""

import pytest
from pydantic import ValidationError

from cloud.embedded.access import Peer, may_publish, may_subscribe
from cloud.fleet.events import check, fits
from cloud.ids import new_id
from cloud.logs import mask, redact
from cloud.settings import Settings
from protocol.messages import Event

AGENT, CLOUD = Peer("agent", "a-1", "1"), Peer("cloud", "cloud-1", "2")


@pytest.mark.parametrize(
    ("peer", "topic", "allowed"),
    [
        (AGENT, "mnara1/07/a-1/up", True),
        (AGENT, "mnara1/07/a-1/lw", True),
        (AGENT, "mnara1/07/a-1/dn", False),
        (AGENT, "mnara1/07/a-2/up", False),
        (AGENT, "mnara1/99/a-1/up", False),
        (AGENT, "mnara1/07/a-1/up/more", False),
        (CLOUD, "mnara1/07/a-1/dn", True),
        (CLOUD, "mnara1/07/a-1/up", False),
        (CLOUD, "$SYS/broker", False),
    ],
)
def test_who_may_publish_where(peer: Peer, topic: str, *, allowed: bool) -> None:
    assert may_publish(peer, topic) is allowed


@pytest.mark.parametrize(
    ("peer", "wish", "allowed"),
    [
        (AGENT, "mnara1/07/a-1/dn", True),
        (AGENT, "mnara1/+/a-1/dn", False),
        (AGENT, "mnara1/07/a-1/up", False),
        (AGENT, "#", False),
        (CLOUD, "mnara1/+/+/up", True),
        (CLOUD, "mnara1/63/+/lw", True),
        (CLOUD, "mnara1/64/+/lw", False),
        (CLOUD, "#", False),
    ],
)
def test_who_may_subscribe_to_what(peer: Peer, wish: str, *, allowed: bool) -> None:
    assert may_subscribe(peer, wish) is allowed


@pytest.mark.parametrize(
    ("first", "stored", "low", "whole"),
    [(1, None, None, True), (2, None, None, False), (8, 7, None, True), (9, 7, None, False), (9, None, 9, True)],
)
def test_a_batch_fits_when_everything_before_it_is_settled(
    first: int, stored: int | None, low: int | None, *, whole: bool
) -> None:
    assert fits(first, stored, low) is whole


def test_events_no_database_takes_are_refused_one_by_one() -> None:
    def event(number: int, **changes: object) -> Event:
        fine = Event(number=number, kind="applied", at=1, quality="trusted", entitlement="x", data={"generation": 1})
        return fine.model_copy(update=changes)

    hostile = [
        event(1),
        event(2, data={"text": "\0"}),
        event(3, data={"text": "x" * 9000}),
        event(4, at=10**18),
        event(5, at=-1),
        event(6, data={"generation": "1; drop table agent"}),
        event(7, data={"generation": 2**80}),
    ]
    checked = check(hostile, new_id)
    assert checked.refused == [2, 3, 4, 5]
    assert [(one.number, one.generation, one.subscription_id) for one in checked.taken] == [
        (1, 1, None),
        (6, None, None),
        (7, None, None),
    ]


def test_logs_show_no_whole_phone_number_no_webhook_and_no_secret() -> None:
    line = "paid by 254712345678 to /hooks/p/5ecret/confirm and 0712345678"
    assert mask(line) == "paid by 254712****78 to /hooks/p/***/confirm and 0712****78"
    assert redact(None, "info", {"token": "abc", "event": line, "n": 5})["token"] == "***"


@pytest.mark.parametrize("name", ["secret_key", "broker_url", "broker_port"])
def test_a_wrong_setting_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: "nonsense"})


def test_what_sites_are_told_follows_the_public_host() -> None:
    settings = Settings(broker_host="0.0.0.0", public_host="isp.example", enrol_port=443)
    assert settings.agents_broker == ("isp.example", 8883)
    assert settings.enrol_url == "https://isp.example:443"
    assert settings.cloud_broker == ("127.0.0.1", 8883)
    assert {"isp.example", "127.0.0.1", "localhost"} <= set(settings.server_names)
