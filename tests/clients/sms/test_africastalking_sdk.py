"""Africa's Talking's official client, as it comes, against the simulated gateway."""

import hashlib
import threading
from typing import Any

import africastalking
import pytest
import requests
from africastalking.Service import AfricasTalkingException

SAF, AIRTEL = "+254711000001", "+254733000001"


def client(gateway: Any, key: str = "secret") -> Any:
    """The client, as it comes; only the address it has built in is another one."""
    africastalking.initialize("sandbox", key)
    for service in (africastalking.SMS, africastalking.Application):
        service._baseUrl = service._contentUrl = f"http://127.0.0.1:{gateway.port}/version1"
    return africastalking


def test_it_sends_and_reads_every_recipients_code(gateway: Any) -> None:
    gateway.ask("phone", number=AIRTEL, state="blocked")
    data = client(gateway).SMS.send("Habari", [SAF, AIRTEL])["SMSMessageData"]
    assert data["Message"] == "Sent to 1/2 Total Cost: KES 0.8000"
    assert [each["statusCode"] for each in data["Recipients"]] == [101, 406]
    assert gateway.texts(SAF) == ["Habari"]
    assert client(gateway).Application.fetch_application_data() == {"UserData": {"balance": "KES 9999.2000"}}
    assert client(gateway).SMS.fetch_messages() == {"SMSMessageData": {"Messages": []}}


def test_it_queues_and_names_a_sender(gateway: Any) -> None:
    gateway.ask("sender", name="MNARA")
    data = client(gateway).SMS.send("Habari", [SAF], "MNARA", enqueue=True)["SMSMessageData"]
    assert data["Recipients"][0]["statusCode"] == 102
    refused = client(gateway).SMS.send("Habari", [SAF], "OTHER")["SMSMessageData"]
    assert refused == {"Message": "InvalidSenderId", "Recipients": []}


def test_a_wrong_key_raises_with_the_plain_text(gateway: Any) -> None:
    with pytest.raises(AfricasTalkingException, match=r"^The supplied authentication is invalid$"):
        client(gateway, "wrong").SMS.send("Habari", [SAF])


def test_it_sends_a_hashed_payers_text_as_a_form_where_json_is_documented(gateway: Any) -> None:
    gateway.ask("phone", number=SAF)
    masked = hashlib.sha256(SAF[1:].encode()).hexdigest()
    data = client(gateway).SMS.send_hashed("Asante", masked, "MNARA")["SMSMessageData"]
    assert data["Recipients"][0]["statusCode"] == 101
    assert gateway.texts(SAF) == ["Asante"]
    gateway.ask("manner", masked_as_form=False)
    with pytest.raises(AfricasTalkingException):
        client(gateway).SMS.send_hashed("Asante", masked, "MNARA")


def test_a_charset_behind_the_content_type_makes_it_return_text(gateway: Any) -> None:
    gateway.ask("manner", json_kind="application/json; charset=utf-8")
    answer = client(gateway).SMS.send("Habari", [SAF])
    assert isinstance(answer, str)
    assert "Sent to 1/1" in answer


def test_an_outage_that_hides_a_success_makes_it_send_twice_if_it_is_tried_again(gateway: Any) -> None:
    gateway.ask("manner", outage="reset", outage_after=True)
    with pytest.raises(requests.ConnectionError):
        client(gateway).SMS.send("Habari", [SAF])
    gateway.ask("manner", reset=True)
    client(gateway).SMS.send("Habari", [SAF])
    assert gateway.texts(SAF) == ["Habari", "Habari"]


def test_its_callback_form_hears_of_an_outage_of_html(gateway: Any) -> None:
    gateway.ask("manner", outage="html")
    heard, done = [], threading.Event()

    def callback(error: Any, answer: Any) -> None:
        heard.append((error, answer))
        done.set()

    client(gateway).SMS.send("Habari", [SAF], callback=callback)
    assert done.wait(10)
    [(error, answer)] = heard
    assert isinstance(error, AfricasTalkingException)
    assert answer is None
    assert "502 Bad Gateway" in str(error)
