"""STK push: every field that is wrong gets Daraja's own words; every habit of a phone its own callback."""

from typing import Any

import pytest

from lab.safaricom.accounts import Account
from lab.safaricom.manner import Manner
from lab.safaricom.organisations import Organisation
from lab.safaricom.phones import Habit
from lab.safaricom.results import RESULTS

PHONE = "254711222126"
WRONG = ("500.001.1001", "[MerchantValidate] - Wrong credentials")


def bad(field: str) -> tuple[str, str]:
    return "400.002.02", f"Bad Request - Invalid {field}"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"BusinessShortCode": None}, bad("BusinessShortCode")),
        ({"BusinessShortCode": "17a379"}, bad("BusinessShortCode")),
        ({"BusinessShortCode": 17}, bad("BusinessShortCode")),
        ({"BusinessShortCode": 12345678}, bad("BusinessShortCode")),
        ({"BusinessShortCode": True}, bad("BusinessShortCode")),
        ({"BusinessShortCode": ["174379"]}, bad("BusinessShortCode")),
        ({"Password": None}, bad("Password")),
        ({"Password": ""}, bad("Password")),
        ({"Timestamp": None}, bad("Timestamp")),
        ({"Timestamp": "2025112112000"}, bad("Timestamp")),
        ({"Timestamp": "20251321120000"}, bad("Timestamp")),
        ({"Timestamp": "2025-11-21 12:00"}, bad("Timestamp")),
        ({"TransactionType": None}, bad("TransactionType")),
        ({"TransactionType": "customerpaybillonline"}, bad("TransactionType")),
        ({"Amount": None}, bad("Amount")),
        ({"Amount": 0}, bad("Amount")),
        ({"Amount": -1}, bad("Amount")),
        ({"Amount": 10.5}, bad("Amount")),
        ({"Amount": "10.50"}, bad("Amount")),
        ({"Amount": "1,500"}, bad("Amount")),
        ({"Amount": 1e30}, bad("Amount")),
        ({"PartyA": None}, bad("PartyA")),
        ({"PartyA": "0711222126"}, bad("PartyA")),
        ({"PartyB": None}, bad("PartyB")),
        ({"PartyB": "till"}, bad("PartyB")),
        ({"PhoneNumber": None}, bad("PhoneNumber")),
        ({"PhoneNumber": "+254711222126"}, bad("PhoneNumber")),
        ({"PhoneNumber": "254811222126"}, bad("PhoneNumber")),
        ({"PhoneNumber": "25471122212"}, bad("PhoneNumber")),
        ({"CallBackURL": None}, bad("CallBackURL")),
        ({"CallBackURL": "isp.example/s"}, bad("CallBackURL")),
        ({"CallBackURL": "ftp://isp.example/s"}, bad("CallBackURL")),
        ({"CallBackURL": "https://192.168.1.7/s"}, bad("CallBackURL")),
        ({"CallBackURL": "https://billing/s"}, bad("CallBackURL")),
        ({"CallBackURL": "https://[::1/s"}, bad("CallBackURL")),
        ({"AccountReference": None}, bad("AccountReference")),
        ({"AccountReference": ""}, bad("AccountReference")),
        ({"AccountReference": "A" * 13}, bad("AccountReference")),
        ({"TransactionDesc": None}, bad("Remarks")),
        ({"TransactionDesc": ""}, bad("Remarks")),
        ({"BusinessShortCode": 999999}, ("500.001.1001", "Merchant does not exist")),
        ({"Password": "d3Jvbmc="}, WRONG),
        ({"Timestamp": "20251121120001"}, WRONG),
    ],
)
async def test_a_wrong_field_is_refused_by_its_name(
    world: Any, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    answer = await world.push(**changes)
    said = answer.json()
    assert (said["errorCode"], said["errorMessage"]) == refusal
    assert answer.status_code == int(refusal[0][:3])
    assert set(said) == {"requestId", "errorCode", "errorMessage"}
    assert world.rail.pushes.list_all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Passkey": "x", "Extra": {"deep": [1]}},
        {"BusinessShortCode": "174379", "PartyB": "174379", "Amount": "1500"},
        {"PartyA": PHONE, "PhoneNumber": PHONE},
        {"PhoneNumber": "254110222126"},
        {"Amount": 1},
        {"Amount": 1500.0},
        {"AccountReference": 1001},
        {"CallBackURL": "https://isp.example/hooks/s"},
    ],
)
async def test_what_is_good_is_taken_whatever_its_type_and_whatever_is_besides(
    world: Any, changes: dict[str, Any]
) -> None:
    said = (await world.push(**changes)).json()
    assert said["ResponseCode"] == "0"
    assert said["CheckoutRequestID"].startswith("ws_CO_21112025120000")
    assert said["CheckoutRequestID"].endswith(str(changes.get("PhoneNumber", PHONE))[-9:])
    assert set(said) == {
        "MerchantRequestID", "CheckoutRequestID", "ResponseCode", "ResponseDescription", "CustomerMessage"
    }  # fmt: skip


async def test_a_paid_push_moves_money_calls_back_and_confirms_as_c2b_with_the_same_receipt(world: Any) -> None:
    world.register()
    checkout = await world.pushed()
    await world.wait(4)
    assert world.receiver.got == []
    await world.wait(2)
    (told,) = world.receiver.stk
    assert (told["ResultCode"], told["CheckoutRequestID"]) == (0, checkout)
    items = {item["Name"]: item.get("Value", "no value at all") for item in told["CallbackMetadata"]["Item"]}
    assert items["Amount"] == 1500.0
    assert isinstance(items["Amount"], float)
    assert items["TransactionDate"] == 20251121120005
    assert items["PhoneNumber"] == int(PHONE)
    assert items["Balance"] == "no value at all"
    (confirmed,) = world.receiver.at("/c")
    assert confirmed["TransID"] == items["MpesaReceiptNumber"]
    assert (confirmed["BillRefNumber"], confirmed["TransAmount"]) == ("ACC1001", "1500.00")
    (payment,) = world.rail.record.list_paid()
    assert (payment.road, payment.receipt) == ("stk", items["MpesaReceiptNumber"])
    assert world.receiver.at("/v") == []


async def test_the_confirmation_of_a_push_can_be_left_out(world: Any) -> None:
    world.register()
    world.rail.manner = Manner(stk_confirms=False)
    await world.pushed()
    await world.wait(6)
    assert (len(world.receiver.stk), world.receiver.at("/c")) == (1, [])


@pytest.mark.parametrize(
    ("habit", "after_s", "code"),
    [
        (Habit("cancel", 3), 4, 1032),
        (Habit("wrong-pin", 3), 4, 2001),
        (Habit("silent"), 61, 1037),
        (Habit("unreachable", 10), 11, 1037),
        (Habit("late", late_s=600), 61, 1037),
        (Habit("late-expired", late_s=600), 61, 1019),
    ],
)
async def test_a_habit_ends_with_its_code_and_a_failure_has_no_metadata(
    world: Any, habit: Habit, after_s: float, code: int
) -> None:
    world.rail.phones.get(PHONE).habit = habit
    await world.pushed()
    await world.wait(after_s - 2)
    assert world.receiver.stk == []
    await world.wait(2)
    (told,) = world.receiver.stk
    assert told["ResultCode"] == code
    assert set(told) == {"MerchantRequestID", "CheckoutRequestID", "ResultCode", "ResultDesc"}
    assert world.rail.record.paid_cents == 0


@pytest.mark.parametrize("code", [code for code in RESULTS if code not in ("0", "4999")])
async def test_every_failure_code_can_be_had_numbers_as_numbers_words_as_words(world: Any, code: str) -> None:
    world.rail.phones.get(PHONE).script.append(Habit("fail", 1, code=code))
    checkout = await world.pushed()
    await world.wait(2)
    (told,) = world.receiver.stk
    assert told["ResultCode"] == (int(code) if code.isdecimal() else code)
    assert told["ResultDesc"] == RESULTS[code][0]
    assert (await world.query(checkout)).json()["ResultCode"] == code


async def test_a_late_answer_pays_after_the_failure_was_told(world: Any) -> None:
    world.register()
    world.rail.phones.get(PHONE).script.append(Habit("late", late_s=90))
    checkout = await world.pushed()
    await world.wait(70)
    assert (await world.query(checkout)).json()["ResultCode"] == "1037"
    await world.wait(30)
    assert [told["ResultCode"] for told in world.receiver.stk] == [1037, 0]
    assert (await world.query(checkout)).json()["ResultCode"] == "0"
    assert world.rail.record.paid_cents == 150_000


@pytest.mark.parametrize(
    ("kes", "amount", "code"),
    [(1_499, 1_500, 1), (600_000, 250_001, 3), (1_500, 1_500, 0)],
)
async def test_wallet_and_limits_decide_after_the_pin(world: Any, kes: int, amount: int, code: int) -> None:
    world.rail.phones.get(PHONE).balance_cents = kes * 100
    await world.pushed(Amount=amount)
    await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [code]


async def test_the_day_has_a_limit_and_the_next_day_begins_in_nairobi(world: Any) -> None:
    world.rail.manner = Manner(token_life_s=86_400)
    world.rail.phones.get(PHONE).balance_cents = 90_000_000
    for amount in (250_000, 249_999, 2):
        await world.pushed(Amount=amount)
        await world.wait(6)
    await world.wait(12 * 3600)
    await world.pushed(Amount=2)
    await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [0, 0, 4, 0]


async def test_the_same_amount_to_the_same_recipient_must_wait_two_minutes(world: Any) -> None:
    await world.pushed()
    await world.wait(60)
    await world.pushed()
    await world.wait(10)
    await world.pushed(Amount=1499)
    await world.wait(56)
    await world.pushed()
    await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [0, 17, 0, 0]


async def test_two_pushes_at_once_find_the_subscriber_locked(world: Any) -> None:
    await world.pushed()
    refused = await world.push(Amount=10)
    assert (refused.status_code, refused.json()["errorCode"]) == (500, "500.001.1001")
    assert refused.json()["errorMessage"].startswith("Unable to lock subscriber, a transaction is already in process")
    await world.wait(6)
    await world.pushed(Amount=10)
    await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [0, 0]


async def test_the_lock_may_also_be_told_by_callback(world: Any) -> None:
    world.rail.manner = Manner(locked="callback")
    await world.pushed()
    await world.pushed(Amount=10)
    await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [1001, 0]


async def test_three_wrong_pins_lock_the_pin(world: Any) -> None:
    phone = world.rail.phones.get(PHONE)
    phone.script.extend([Habit("wrong-pin")] * 4)
    for _ in range(5):
        await world.pushed()
        await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [2001, 2001, 2001, 8006, 8006]
    assert phone.balance_cents == 5_000_000


async def test_a_right_pin_forgives_the_wrong_ones_before(world: Any) -> None:
    wrong = Habit("wrong-pin")
    world.rail.phones.get(PHONE).script.extend([wrong, wrong, Habit(), wrong, wrong, Habit()])
    for amount in range(1, 7):
        await world.pushed(Amount=amount)
        await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [2001, 2001, 0, 2001, 2001, 0]


async def test_party_b_must_be_the_paybill_or_a_till_of_the_store(world: Any, make_password: Any) -> None:
    world.rail.directory.add(Organisation("174380", kind="store", tills=frozenset({"5123456"})))
    store = {"BusinessShortCode": 174380, "Password": make_password("174380")}
    goods = store | {"TransactionType": "CustomerBuyGoodsOnline"}
    world.register("174380")
    tries: list[tuple[dict[str, Any], int]] = [
        ({"PartyB": 174380}, 2028),
        ({"TransactionType": "CustomerBuyGoodsOnline"}, 2028),
        (goods | {"PartyB": 999999}, 2028),
        (store | {"PartyB": 174380}, 2028),
        (goods | {"PartyB": 5123456}, 0),
    ]
    for changes, _ in tries:
        await world.pushed(**changes)
        await world.wait(6)
    assert [told["ResultCode"] for told in world.receiver.stk] == [code for _, code in tries]
    (confirmed,) = world.receiver.at("/c")
    assert confirmed["TransactionType"] == "Buy Goods"
    assert "BillRefNumber" not in confirmed
    assert world.rail.accounts.of("174380").balances[Account.MERCHANT] == 150_000


async def test_a_prompt_that_is_too_long_cannot_be_sent(world: Any) -> None:
    world.rail.directory.add(Organisation("174379", name="N" * 140))
    await world.pushed()
    await world.wait(1)
    assert [told["ResultCode"] for told in world.receiver.stk] == [1025]


async def test_the_sandbox_takes_fifteen_letters_of_reference_when_told_to(world: Any) -> None:
    world.rail.manner = Manner(reference_max=15)
    assert (await world.push(AccountReference="A" * 15)).status_code == 200


@pytest.mark.parametrize(
    ("manner", "name", "value"),
    [
        (Manner(balance_item="text"), "Balance", "BasicAmount=48500.00"),
        (Manner(phone_item="masked"), "PhoneNumber", "2547 ***** 126"),
        (Manner(phone_item="absent"), "PhoneNumber", None),
        (Manner(balance_item="absent"), "Balance", None),
    ],
)
async def test_items_vary_as_they_have_been_seen(world: Any, manner: Manner, name: str, value: str | None) -> None:
    world.rail.manner = manner
    await world.pushed()
    await world.wait(6)
    found = [item["Value"] for item in world.receiver.stk[0]["CallbackMetadata"]["Item"] if item["Name"] == name]
    assert (found == []) if value is None else (value in found[0])


async def test_codes_may_be_strings_items_shuffled_and_words_varied(world: Any) -> None:
    world.rail.manner = Manner(result_code="string", shuffle_items=True, wording="varied")
    orders, words = set(), set()
    for number in range(20):
        phone = f"2547112221{number:02d}"
        world.rail.phones.get(phone).habit = Habit("pay" if number % 2 else "cancel", 1)
        await world.pushed(PhoneNumber=phone)
    await world.wait(2)
    for told in world.receiver.stk:
        assert isinstance(told["ResultCode"], str)
        words.add(told["ResultDesc"])
        orders.add(tuple(item["Name"] for item in told.get("CallbackMetadata", {"Item": []})["Item"]))
    assert len(orders) > 3
    assert {"Request cancelled by user", "[STK_CB - ]Request cancelled by user"} <= words


async def test_a_callback_may_come_before_the_answer(world: Any) -> None:
    world.rail.manner = Manner(early=True)
    checkout = await world.pushed()
    assert [told["CheckoutRequestID"] for told in world.receiver.stk] == [checkout]


async def test_without_that_the_answer_comes_first(world: Any) -> None:
    await world.pushed()
    assert world.receiver.got == []


@pytest.mark.parametrize(("form", "begins"), [("hex", "ws_CO_2111"), ("old", "ws_CO_2111"), ("dmz", "ws_CO_DMZ_")])
async def test_ids_have_the_forms_of_their_years_and_never_repeat(world: Any, form: Any, begins: str) -> None:
    world.rail.manner = Manner(push_ids=form, locked="callback")
    ids = {await world.pushed() for _ in range(20)}
    assert len(ids) == 20
    assert all(each.startswith(begins) for each in ids)


async def test_production_wants_https(production: Any, make_password: Any) -> None:
    production.rail.directory.add(Organisation("174379"))
    refused = await production.push(CallBackURL="http://isp.example/s")
    assert refused.json()["errorMessage"] == "Bad Request - Invalid CallBackURL"
    assert (await production.push(CallBackURL="https://isp.example/s")).status_code == 200
