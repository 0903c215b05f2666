"""Africa's Talking's face: exact bodies, codes of single recipients, and refusals of whole requests."""

import re
from typing import Any

import pytest

from lab.sms.numbers import hashed
from tests.unit.lab.sms.conftest import KEY, Rig

SAF, AIRTEL = "+254711000001", "+254733000001"


async def test_a_sent_text_is_answered_to_the_letter(rig: Rig) -> None:
    rig.manner(message_parts=False)
    response = await rig.send(SAF, "Your internet is back")
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"  # the official client compares the whole value
    message_id = response.json()["SMSMessageData"]["Recipients"][0]["messageId"]
    assert re.fullmatch(r"ATXid_[0-9a-f]{32}", message_id)
    assert response.json() == {
        "SMSMessageData": {
            "Message": "Sent to 1/1 Total Cost: KES 0.8000",
            "Recipients": [
                {"statusCode": 101, "number": SAF, "status": "Success", "cost": "KES 0.8000", "messageId": message_id}
            ],
        }
    }
    await rig.gateway.settle()
    assert rig.texts(SAF) == ["Your internet is back"]


async def test_each_recipient_has_its_own_code_and_only_the_taken_are_paid(rig: Rig) -> None:
    rig.gateway.switch("+254722000002", "blocked")
    rig.gateway.switch("+254722000003", "dnd")
    numbers = [SAF, "0711000001", "+14155550100", "+254722000002", "+254722000003"]
    response = await rig.send(",".join(numbers), "x" * 161)
    data = response.json()["SMSMessageData"]
    assert data["Message"] == "Sent to 1/5 Total Cost: KES 1.6000"
    assert [(each["number"], each["statusCode"], each["status"]) for each in data["Recipients"]] == [
        (SAF, 101, "Success"),
        ("0711000001", 403, "InvalidPhoneNumber"),
        ("+14155550100", 404, "UnsupportedNumberType"),
        ("+254722000002", 406, "UserInBlacklist"),
        ("+254722000003", 409, "DoNotDisturbRejection"),
    ]
    assert {(each["cost"], each["messageId"]) for each in data["Recipients"][1:]} == {("0", "None")}
    user = await rig.client.get("/version1/user", params={"username": "sandbox"}, headers=KEY)
    assert user.json() == {"UserData": {"balance": "KES 9998.4000"}}


async def test_the_balance_runs_out_in_the_middle_of_a_list(rig: Rig) -> None:
    rig.gateway.account.balance = 2 * 8_000 + 7_999
    found = await rig.recipients(",".join(f"+25471100000{n}" for n in range(4)))
    assert [each["statusCode"] for each in found] == [101, 101, 405, 405]
    assert rig.gateway.account.balance == 7_999


async def test_a_sender_that_is_not_registered_empties_the_list(rig: Rig) -> None:
    rig.gateway.account.senders = {"MNARA": frozenset({"Safaricom"})}
    refused = await rig.send(SAF, **{"from": "OTHER"})
    assert refused.status_code == 201
    assert refused.json() == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    found = await rig.recipients(f"{SAF},{AIRTEL}", **{"from": "MNARA"})
    assert [each["statusCode"] for each in found] == [101, 402]  # sender ids are registered network by network
    await rig.gateway.settle()
    assert [one.sender for one in rig.gateway.inboxes.list_received()] == ["MNARA"]


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"apiKey": "wrong"}, {"username": "sandbox"}),
        ({}, {"username": "sandbox"}),
        ({"apiKey": "lab-key"}, {"username": "somebody"}),
        ({"apiKey": "lab-key"}, {}),
    ],
)
async def test_a_bad_key_is_401_in_plain_text(rig: Rig, headers: dict[str, str], form: dict[str, str]) -> None:
    headers = headers | {"Accept": "application/json"}
    body = form | {"to": SAF, "message": "x"}
    response = await rig.client.post("/version1/messaging", data=body, headers=headers)
    assert (response.status_code, response.text) == (401, "The supplied authentication is invalid")
    assert response.headers["content-type"].startswith("text/plain")
    assert not rig.gateway.messages


async def test_json_where_a_form_is_wanted_is_not_understood(rig: Rig) -> None:
    body = {"username": "sandbox", "to": SAF, "message": "x"}
    assert (await rig.client.post("/version1/messaging", json=body, headers=KEY)).status_code == 401


async def test_whoever_does_not_ask_for_json_gets_xml(rig: Rig) -> None:
    body = {"username": "sandbox", "to": SAF, "message": "a < b"}
    response = await rig.client.post("/version1/messaging", data=body, headers={"apiKey": "lab-key", "Accept": "*/*"})
    assert response.headers["content-type"] == "application/xml"
    assert "<Recipients><Recipient><statusCode>101</statusCode><number>+254711000001</number>" in response.text


@pytest.mark.parametrize("as_form", [False, True])
async def test_a_masked_payer_gets_his_text(rig: Rig, as_form: bool) -> None:
    rig.gateway.inboxes.phone(SAF)
    body: dict[str, Any] = {
        "username": "sandbox", "message": "Asante", "senderId": "MNARA", "maskedNumber": hashed(SAF),
        "telco": "Safaricom",
    }  # fmt: skip
    how: dict[str, Any] = {"data": body} if as_form else {"json": body | {"phoneNumbers": []}}
    response = await rig.client.post("/version1/messaging/bulk", headers=KEY, **how)
    [recipient] = response.json()["SMSMessageData"]["Recipients"]
    assert (recipient["statusCode"], recipient["number"]) == (101, hashed(SAF))
    unknown = {**body, "maskedNumber": hashed(AIRTEL)}
    response = await rig.client.post("/version1/messaging/bulk", headers=KEY, json=unknown)
    assert response.json()["SMSMessageData"]["Recipients"][0]["statusCode"] == 403
    await rig.gateway.settle()
    assert rig.texts(SAF) == ["Asante"]


async def test_the_bulk_endpoint_takes_a_list_of_numbers(rig: Rig) -> None:
    body = {"username": "sandbox", "message": "x", "senderId": "", "phoneNumbers": [SAF, AIRTEL], "enqueue": True}
    response = await rig.client.post("/version1/messaging/bulk", headers=KEY, json=body)
    assert [each["statusCode"] for each in response.json()["SMSMessageData"]["Recipients"]] == [102, 102]


async def test_unknown_paths_and_missing_fields_are_refused(rig: Rig) -> None:
    assert (await rig.client.get("/version1/nothing", headers=KEY)).status_code == 404
    assert (await rig.client.put("/version1/messaging", headers=KEY)).status_code == 405
    assert (await rig.send("")).status_code == 400
    assert (await rig.send(SAF, "")).status_code == 400
    fetched = await rig.client.get("/version1/messaging", params={"username": "sandbox"}, headers=KEY)
    assert fetched.json() == {"SMSMessageData": {"Messages": []}}


@pytest.mark.parametrize("code", [401, 407, 500, 501, 502])
async def test_any_code_can_be_had_on_demand(rig: Rig, code: int) -> None:
    rig.manner(refuse_code=code)
    [found] = await rig.recipients(SAF)
    assert found["statusCode"] == code
    await rig.gateway.settle()
    assert rig.texts(SAF) == []
