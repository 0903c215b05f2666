"""The white-label family's face: four services, two spellings, and codes inside answers of status 200."""

import pytest

from lab.sms.numbers import hashed
from tests.unit.lab.sms.conftest import Rig


async def test_a_sent_text_is_answered_with_the_odd_spelling(rig: Rig) -> None:
    answer = await rig.service("sendsms", mobile="254711000001", message="Habari")
    [row] = answer["responses"]
    assert row == {
        "respose-code": 200, "response-description": "Success", "mobile": 254711000001,
        "messageid": row["messageid"], "networkid": "1",
    }  # fmt: skip
    assert isinstance(row["messageid"], int)
    await rig.gateway.settle()
    assert rig.texts("+254711000001") == ["Habari"]


@pytest.mark.parametrize(
    ("spelling", "keys"),
    [
        ("respose-code", {"respose-code"}),
        ("response-code", {"response-code"}),
        ("both", {"respose-code", "response-code"}),
    ],
)
async def test_the_spelling_is_a_switch(rig: Rig, spelling: str, keys: set[str]) -> None:
    rig.manner(spelling=spelling, numbers_as_text=True)
    [row] = (await rig.service("sendsms", mobile="0711000001", message="x"))["responses"]
    assert {key for key in row if key.endswith("-code")} == keys
    assert row["mobile"] == "254711000001"


async def test_get_works_as_post_does(rig: Rig) -> None:
    query = {"apikey": "lab-key", "partnerID": "1", "message": "x", "shortcode": "A", "mobile": "254711000001"}
    response = await rig.client.get("/api/services/sendsms", params=query)
    assert response.json()["responses"][0]["respose-code"] == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"partnerID": ""}, 4091),
        ({"apikey": ""}, 4092),
        ({"apikey": "wrong"}, 1006),
        ({"partnerID": "2"}, 1006),
        ({"mobile": ",".join(["254711000001"] * 1_001)}, 1104),
    ],
)
async def test_a_refused_request_is_one_flat_object(rig: Rig, fields: dict[str, str], code: int) -> None:
    answer = await rig.service("sendsms", **{"mobile": "254711000001", "message": "x"} | fields)
    assert answer["response-code"] == code
    rig.manner(refusals_flat=False)
    answer = await rig.service("sendsms", **{"mobile": "254711000001", "message": "x"} | fields)
    assert answer["responses"][0]["respose-code"] == code


async def test_each_number_has_its_own_code(rig: Rig) -> None:
    rig.gateway.account.senders = {"MNARA": frozenset({"Safaricom"})}
    rig.gateway.account.balance = 8_000
    answer = await rig.service("sendsms", mobile="12,254733000001,254711000001,254711000002", message="x")
    assert [row["respose-code"] for row in answer["responses"]] == [1003, 1001, 200, 1004]
    answer = await rig.service("sendsms", mobile="254711000002", message="x", shortcode="")
    assert answer["responses"][0]["respose-code"] == 1001


async def test_twenty_go_in_bulk_and_one_more_does_not(rig: Rig) -> None:
    one = {"apikey": "lab-key", "partnerID": "1", "shortcode": "MNARA", "message": "x", "pass_type": "plain"}
    wanted = [one | {"mobile": f"2547110000{n:02d}", "clientsmsid": n} for n in range(21)]
    answer = await rig.service("sendbulk", count=20, smslist=wanted[:20])
    assert [row["clientsmsid"] for row in answer["responses"]] == list(range(20))
    assert (await rig.service("sendbulk", count=21, smslist=wanted))["response-code"] == 1012
    assert len(rig.gateway.messages) == 20


async def test_a_report_can_be_asked_for(rig: Rig) -> None:
    rig.gateway.switch("+254711000002", "absent")
    answer = await rig.service("sendsms", mobile="254711000001,254711000002", message="x")
    await rig.gateway.settle()
    good, bad = [row["messageid"] for row in answer["responses"]]
    report = await rig.service("getdlr", messageID=good)
    assert report.pop("delivery-time").startswith("20")
    assert report == {
        "response-code": 200, "message-id": str(good), "response-description": "Success", "delivery-status": 32,
        "delivery-description": "DeliveredToTerminal", "delivery-tat": "00:00:00", "delivery-networkid": 1,
    }  # fmt: skip
    assert (await rig.service("getdlr", messageID=str(bad)))["delivery-description"] == "AbsentSubscriber"
    assert (await rig.service("getdlr", messageID=7))["response-code"] == 4093
    rig.manner(lose=1.0)
    [lost] = (await rig.service("sendsms", mobile="254711000001", message="x"))["responses"]
    assert (await rig.service("getdlr", messageID=lost["messageid"]))["response-code"] == 1008


async def test_the_balance_is_told(rig: Rig) -> None:
    rig.gateway.account.balance = 5_450_099
    assert await rig.service("getbalance") == {"response-code": 200, "credit": "545.00", "partner-id": "1"}


async def test_a_hashed_payer_gets_his_text(rig: Rig) -> None:
    rig.gateway.inboxes.phone("+254711000001")
    masked = hashed("+254711000001")
    [row] = (await rig.service("sendotp", mobile=masked, message="Asante", hashed=True))["responses"]
    assert (row["respose-code"], row["mobile"]) == (200, masked)


async def test_what_is_no_object_and_no_service_is_refused(rig: Rig) -> None:
    assert (await rig.client.post("/api/services/sendsms/", content=b"[1]")).json()["response-code"] == 1009
    assert (await rig.client.put("/api/services/sendsms/", json={})).json()["response-code"] == 1010
    assert (await rig.client.post("/api/services/frob", json={})).status_code == 404


async def test_delivery_is_pushed_as_json_once_it_is_final(rig: Rig) -> None:
    [row] = (await rig.service("sendsms", mobile="254711000001", message="x"))["responses"]
    await rig.gateway.settle()
    [pushed] = rig.told
    assert pushed.pop("timestamp").startswith("20")
    assert pushed == {
        "description": "DeliveredToTerminal", "messageid": str(row["messageid"]), "timeTaken": "0s",
    }  # fmt: skip
