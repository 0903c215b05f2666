"""C2B: the rules for addresses, the validation that decides, and what is told."""

import hashlib
from typing import Any

import httpx
import pytest

from lab.safaricom.manner import Manner
from lab.safaricom.organisations import Organisation
from lab.safaricom.rail import NotPaid

PHONE = "254711222126"
GOOD = {
    "ShortCode": "600638",
    "ResponseType": "Completed",
    "ConfirmationURL": "https://isp.example/hooks/p/ab/c",
    "ValidationURL": "https://isp.example/hooks/p/ab/v",
}
PAYMENT = {
    "ShortCode": 600638,
    "CommandID": "CustomerPayBillOnline",
    "Amount": 10,
    "Msisdn": PHONE,
    "BillRefNumber": "acc 1001",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ShortCode": ""}, "Invalid ShortCode"),
        ({"ShortCode": 999999}, "Invalid ShortCode"),
        ({"ResponseType": "completed"}, "Invalid ResponseType"),
        ({"ResponseType": None}, "Invalid ResponseType"),
        ({"ConfirmationURL": ""}, "Invalid ConfirmationURL"),
        ({"ConfirmationURL": 7}, "Invalid ConfirmationURL"),
        ({"ValidationURL": None}, "Invalid ValidationURL"),
        ({"ValidationURL": "https://isp.example/MPesa"}, "Invalid ValidationURL - URL has the word MPESA"),
        ({"ValidationURL": "https://isp.example/m-pesa"}, "Invalid ValidationURL - URL has the word M-PESA"),
        ({"ConfirmationURL": "https://mysql.example/c"}, "Invalid ConfirmationURL - URL has the word SQL"),
        ({"ConfirmationURL": "https://isp.example/executive"}, "Invalid ConfirmationURL - URL has the word EXEC"),
        ({"ConfirmationURL": "https://10.0.0.7/c"}, "Invalid ConfirmationURL"),
    ],
)
async def test_bad_addresses_are_refused_in_words(world: Any, change: dict[str, Any], words: str) -> None:
    answer = await world.post("/mpesa/c2b/v1/registerurl", GOOD | change)
    assert answer.status_code == 400
    assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == ("400.003.02", f"Bad Request - {words}")


async def test_the_answer_has_its_real_misspelling_and_the_older_one_a_key_more(world: Any) -> None:
    said = (await world.post("/mpesa/c2b/v2/registerurl", GOOD)).json()
    assert set(said) == {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"}
    assert (said["ResponseCode"], said["ResponseDescription"]) == ("0", "success")
    world.rail.manner = Manner(conversation_key=True)
    assert (await world.post("/mpesa/c2b/v2/registerurl", GOOD)).json()["ConversationID"] == ""


async def test_production_registers_once(production: Any) -> None:
    production.rail.directory.add(Organisation("600638"))
    assert (await production.post("/mpesa/c2b/v2/registerurl", GOOD)).status_code == 200
    again = await production.post("/mpesa/c2b/v2/registerurl", GOOD)
    assert (again.status_code, again.json()["errorCode"]) == (500, "500.003.1001")
    assert again.json()["errorMessage"] == "URLs are already registered"


@pytest.mark.parametrize("url", ["http://isp.example/c", "https://ab12.ngrok-free.app/c"])
async def test_production_wants_https_and_no_tunnel(production: Any, url: str) -> None:
    production.rail.directory.add(Organisation("600638"))
    answer = await production.post("/mpesa/c2b/v2/registerurl", GOOD | {"ConfirmationURL": url})
    assert answer.json()["errorMessage"] == "Bad Request - Invalid ConfirmationURL"


async def test_a_shortcode_on_an_aggregator_is_a_duplicate(world: Any) -> None:
    world.rail.directory.add(Organisation("600638", on_aggregator=True))
    answer = await world.post("/mpesa/c2b/v2/registerurl", GOOD)
    assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == (
        "500.003.1001",
        "Duplicate notification info",
    )


@pytest.mark.parametrize(
    ("version", "msisdn"),
    [
        ("v1", hashlib.sha256(PHONE.encode()).hexdigest()),
        ("v2", "2547 ***** 126"),
    ],
)
async def test_the_version_that_was_registered_decides_how_the_payer_is_hidden(
    world: Any, version: str, msisdn: str
) -> None:
    local = {"ConfirmationURL": "http://127.0.0.1/c", "ValidationURL": "http://127.0.0.1/v"}
    await world.post(f"/mpesa/c2b/{version}/registerurl", GOOD | local)
    said = (await world.post(f"/mpesa/c2b/{version}/simulate", PAYMENT)).json()
    assert said["ResponseDescription"] == "Accept the service request successfully."
    await world.wait(1)
    (told,) = world.receiver.at("/c")
    assert told["MSISDN"] == msisdn
    assert (told["BillRefNumber"], told["TransAmount"], told["OrgAccountBalance"]) == ("acc 1001", "10.00", "10.00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ShortCode": 999999}, "ShortCode"),
        ({"CommandID": "CustomerBuyGoodsOnline"}, "CommandID"),
        ({"CommandID": None}, "CommandID"),
        ({"Amount": 0}, "Amount"),
        ({"Amount": 250_001}, "Amount"),
        ({"Amount": "ten"}, "Amount"),
        ({"Msisdn": "0711222126"}, "Msisdn"),
        ({"BillRefNumber": {}}, "BillRefNumber"),
    ],
)
async def test_a_simulation_with_a_wrong_field_is_refused(world: Any, change: dict[str, Any], field: str) -> None:
    answer = await world.post("/mpesa/c2b/v1/simulate", PAYMENT | change)
    assert (answer.status_code, answer.json()["errorMessage"]) == (400, f"Bad Request - Invalid {field}")


async def test_balances_chain_and_tills_have_their_own_account(world: Any) -> None:
    world.rail.directory.add(Organisation("600700", kind="store", tills=frozenset({"5123456"})))
    world.register("600638")
    world.register("600700")
    for amount in (10, 20, 30):
        await world.rail.pay(PHONE, "600638", "A1", amount * 100)
    await world.rail.pay(PHONE, "5123456", "ignored", 700)
    await world.wait(1)
    *paybill, till = world.receiver.at("/c")
    assert [told["OrgAccountBalance"] for told in paybill] == ["10.00", "30.00", "60.00"]
    assert (till["TransactionType"], till["OrgAccountBalance"]) == ("Buy Goods", "7.00")
    assert (till["BusinessShortCode"], "BillRefNumber" in till) == ("600700", False)


@pytest.mark.parametrize("code", ["C2B00011", "C2B00012", "C2B00013", "C2B00014", "C2B00015", "C2B00016"])
async def test_each_code_of_a_validation_rejects(world: Any, code: str) -> None:
    world.register()
    world.rail.manner = Manner(validation=True)
    world.receiver.answer = lambda _path, _body: httpx.Response(
        200, json={"ResultCode": code, "ResultDesc": "Rejected"}
    )
    payment = await world.rail.pay(PHONE, "174379", "A1", 1_000)
    assert (payment.state, payment.validation_code) == ("rejected", code)
    assert world.receiver.at("/c") == []
    assert (world.rail.record.paid_cents, world.rail.phones.get(PHONE).balance_cents) == (0, 5_000_000)


@pytest.mark.parametrize("accepted", [0, "0"])
async def test_an_accepted_validation_echoes_its_own_id_in_the_confirmation(world: Any, accepted: object) -> None:
    world.register()
    world.rail.manner = Manner(validation=True)
    answer = {"ResultCode": accepted, "ResultDesc": "Accepted", "ThirdPartyTransID": "ours-7"}
    world.receiver.answer = lambda _path, _body: httpx.Response(200, json=answer)
    await world.rail.pay(PHONE, "174379", "A1", 1_000)
    await world.wait(1)
    assert world.receiver.at("/v")[0]["OrgAccountBalance"] == ""
    assert world.receiver.at("/c")[0]["ThirdPartyTransID"] == "ours-7"


@pytest.mark.parametrize(("kind", "paid"), [("Completed", 1_000), ("Cancelled", 0)])
async def test_a_validation_that_does_not_come_in_eight_seconds_is_decided_by_the_registration(
    world: Any, never: Any, kind: Any, paid: int
) -> None:
    world.register(response_type=kind)
    world.rail.manner = Manner(validation=True)
    world.receiver.answer = lambda path, body: never(path, body) if path == "/v" else None
    bearer = await world.bearer()
    await world.post("/mpesa/c2b/v1/simulate", PAYMENT | {"ShortCode": 174379}, bearer)
    await world.wait(7.5)
    assert world.rail.record.paid_cents == 0
    await world.wait(1)
    assert world.rail.record.paid_cents == paid
    assert len(world.receiver.at("/c")) == (1 if paid else 0)


async def test_a_strict_payment_is_held_to_wallet_and_limits(world: Any) -> None:
    phone = world.rail.phones.get(PHONE)
    phone.balance_cents = 10_000
    world.rail.directory.get("600638")
    with pytest.raises(NotPaid) as refused:
        await world.rail.pay(PHONE, "600638", "A1", 10_100, strict=True)
    assert refused.value.code == "1"
    await world.rail.pay(PHONE, "600638", "A1", 5_000, strict=True)
    with pytest.raises(NotPaid, match="17"):
        await world.rail.pay(PHONE, "600638", "A1", 5_000, strict=True)
    assert phone.balance_cents == 5_000


async def test_money_for_a_shortcode_without_addresses_moves_untold(world: Any) -> None:
    payment = await world.rail.pay(PHONE, "600638", "A1", 1_000)
    await world.wait(1)
    assert (payment.state, payment.told, world.receiver.got) == ("paid", False, [])
