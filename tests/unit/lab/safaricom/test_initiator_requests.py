"""Status, balance, reversal and B2C refuse, decline and answer in the words and forms that were recorded."""

from typing import Any

import httpx
import pytest

from lab.safaricom.organisations import App
from tests.support.organisation import (
    B2C,
    B2C_V1,
    BALANCE,
    PHONE,
    PULL,
    QR,
    REVERSAL,
    SHORTCODE,
    STATUS,
    STORE,
    TILL,
    Office,
    parameters,
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        (STATUS, 400, "400.003.01", "Invalid Access Token"),
        (BALANCE, 401, "401.002.01", "Error Occurred - Invalid Access Token - stale"),
        (B2C, 401, "401.002.01", "Error Occurred - Invalid Access Token - stale"),
        (REVERSAL, 404, "404.001.03", "Invalid Access Token"),
        (PULL, 401, "401.001", "Invalid Access Token"),
        (QR, 404, "404.001.03", "Invalid Access Token"),
    ],
)
async def test_each_family_refuses_a_stale_bearer_in_its_own_way(
    office: Office, path: str, status: int, code: str, words: str
) -> None:
    answer = await office._client.post(path, json={}, headers={"Authorization": "Bearer stale"})
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert answer.json()["errorMessage"] == words


async def test_an_app_without_the_product_is_told_so(office: Office) -> None:
    office.rail.directory.add_app(App("key", "secret", frozenset({"status"})))
    answer = await office.ask(BALANCE, office.balance())
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "401.003.01")


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["errorCode"], answer.json()["errorMessage"].removeprefix("Bad Request - ")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"CommandID": "TransactionStatus"}, "CommandID"),
        ({"TransactionID": "", "OriginalConversationID": ""}, "TransactionID"),
        ({"PartyA": "12"}, "PartyA"),
        ({"PartyA": "999999"}, "PartyA"),
        ({"IdentifierType": "3"}, "IdentifierType"),
        ({"Initiator": None}, "Initiator"),
        ({"SecurityCredential": ""}, "SecurityCredential"),
        ({"ResultURL": "somewhere"}, "ResultURL"),
        ({"QueueTimeOutURL": None}, "QueueTimeOutURL"),
        ({"Remarks": "x" * 101}, "Remarks"),
        ({"Occasion": "x" * 101}, "Occasion"),
    ],
)
async def test_a_bad_field_of_a_status_query_is_named(office: Office, change: dict[str, Any], field: str) -> None:
    answer = await office.ask(STATUS, office.status(TransactionID="TKL0000001") | change)
    assert refused(answer) == (400, "400.002.02", f"Invalid {field}")
    assert office.results == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"TransactionID": ""}, "TransactionID"),
        ({"Amount": "1.50"}, "Amount"),
        ({"Amount": 0}, "Amount"),
        ({"Remarks": "x"}, "Remarks"),
        ({"RecieverIdentifierType": None, "ReceiverIdentifierType": "11"}, "RecieverIdentifierType"),
    ],
)
async def test_a_reversal_wants_the_misspelt_key(office: Office, change: dict[str, Any], field: str) -> None:
    answer = await office.ask(REVERSAL, office.reversal("TKL0000001", 5) | change)
    assert refused(answer) == (400, "400.002.02", f"Invalid {field}")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"InitiatorName": None}, "InitiatorName"),  # `Initiator` is there, and is not what B2C reads
        ({"OriginatorConversationID": ""}, "OriginatorConversationID"),
        ({"CommandID": "BusinessPayBill"}, "CommandID"),
        ({"PartyB": "0722000000"}, "PartyB"),
        ({"Amount": "ten"}, "Amount"),
        ({"Occassion": "x" * 101}, "Occassion"),
    ],
)
async def test_a_bad_field_of_b2c_is_named(office: Office, change: dict[str, Any], field: str) -> None:
    answer = await office.ask(B2C, office.b2c(10) | change)
    assert refused(answer) == (400, "400.002.02", f"Invalid {field}")


async def test_extra_fields_and_numbers_for_strings_are_let_be(office: Office) -> None:
    result = await office.result(BALANCE, office.balance(PartyA=int(SHORTCODE), Passkey="x"))
    assert result["ResultCode"] == 0


async def test_the_acknowledgement_says_taken_and_not_done(office: Office) -> None:
    answer = (await office.ask(BALANCE, office.balance())).json()
    assert answer["ResponseCode"] == "0"
    assert answer["ResponseDescription"] == "Accept the service request successfully."
    assert answer["ConversationID"].startswith("AG_20251121_")
    (result,) = office.results
    for conversation in ("ConversationID", "OriginatorConversationID"):
        assert result[conversation] == answer[conversation]


async def test_a_wrong_password_is_declined_afterwards_and_the_third_locks_the_initiator(office: Office) -> None:
    wrong = office.rail.initiators.key.encrypt("guess")
    codes = [(await office.result(STATUS, office.status(TransactionID="X", SecurityCredential=wrong)))["ResultCode"]
             for _ in range(4)]  # fmt: skip
    assert codes == [2001, 2001, 2001, 8006]
    locked = await office.result(BALANCE, office.balance())
    assert (locked["ResultCode"], locked["ResultDesc"]) == (8006, "The security credential is locked.")
    await office.door("initiator", shortcode=SHORTCODE, name="testapi", locked=False)
    assert (await office.result(BALANCE, office.balance()))["ResultCode"] == 0


async def test_only_wrong_passwords_in_a_row_lock(office: Office) -> None:
    wrong = office.rail.initiators.key.encrypt("guess")
    for credential in (wrong, wrong, office.credential, wrong, wrong):
        await office.ask(BALANCE, office.balance(SecurityCredential=credential))
    assert (await office.result(BALANCE, office.balance()))["ResultCode"] == 0


@pytest.mark.parametrize("credential", ["not base64!", "aGVsbG8=", "A" * 344])
async def test_a_credential_for_another_certificate_is_a_wrong_password(office: Office, credential: str) -> None:
    result = await office.result(BALANCE, office.balance(SecurityCredential=credential))
    assert (result["ResultCode"], result["ResultDesc"]) == (2001, "The initiator information is invalid.")
    assert result["TransactionID"] == "TKL0000000"


async def test_an_unknown_initiator_and_one_of_another_shortcode_are_declined(office: Office) -> None:
    assert (await office.result(BALANCE, office.balance(Initiator="nobody")))["ResultCode"] == 2001
    office.switch(money={"unknown_initiator_code": "SFC_IC0003"})
    assert (await office.result(BALANCE, office.balance(Initiator="nobody")))["ResultCode"] == "SFC_IC0003"


async def test_an_initiator_without_the_role_is_not_allowed(office: Office) -> None:
    await office.door("initiator", shortcode=SHORTCODE, name="testapi", roles=["status", "balance"])
    result = await office.result(REVERSAL, office.reversal("TKL0000001", 5))
    assert (result["ResultCode"], result["ResultDesc"]) == (
        21,
        "The initiator is not allowed to initiate this request.",
    )


async def test_a_password_lives_ninety_days(office: Office) -> None:
    await office.door("initiator", shortcode=SHORTCODE, name="testapi", age_days=89.9)
    assert (await office.result(BALANCE, office.balance()))["ResultCode"] == 0
    await office.clock.advance(86_400)
    assert (await office.result(BALANCE, office.balance()))["ResultCode"] == 2001
    await office.door("initiator", shortcode=SHORTCODE, name="testapi", password="Fresh#2025")
    fresh = office.rail.initiators.key.encrypt("Fresh#2025")
    assert (await office.result(BALANCE, office.balance(SecurityCredential=fresh)))["ResultCode"] == 0


async def test_a_password_followed_by_the_time_is_taken_only_where_switched_so(office: Office) -> None:
    stamped = office.balance(SecurityCredential=office.rail.initiators.key.encrypt("Safaricom999!*!20251121120000"))
    assert (await office.result(BALANCE, stamped))["ResultCode"] == 2001
    office.switch(money={"credential_timestamp": True})
    assert (await office.result(BALANCE, stamped))["ResultCode"] == 0


async def test_a_balance_names_every_account_and_its_four_figures(office: Office) -> None:
    await office.pay(700)
    said = parameters(await office.result(BALANCE, office.balance()))
    assert said["AccountBalance"] == (
        "Working Account|KES|0.00|0.00|0.00|0.00&Utility Account|KES|700.00|700.00|0.00|0.00"
        "&Merchant Account|KES|0.00|0.00|0.00|0.00&Charges Paid Account|KES|0.00|0.00|0.00|0.00"
        "&Organization Settlement Account|KES|0.00|0.00|0.00|0.00"
    )
    assert said["BOCompletedTime"] == 20251121120000


async def test_the_failure_of_a_balance_alone_carries_parameters(office: Office) -> None:
    await office.door("initiator", shortcode=SHORTCODE, name="testapi", locked=True)
    said = parameters(await office.result(BALANCE, office.balance()))
    assert said == {"ActionType": "AccountBalance", "ErrorMsg": "API Password is locked. ",
                    "BOCompletedTime": 20251121120000}  # fmt: skip
    assert "ResultParameters" not in await office.result(STATUS, office.status(TransactionID="X"))


async def test_a_status_tells_both_parties_in_full(office: Office) -> None:
    receipt = await office.pay(1_500)
    result = await office.result(STATUS, office.status(TransactionID=receipt, Occasion="check"))
    said = parameters(result)
    assert said["DebitPartyName"] == f"{PHONE} - JANE WANJIKU DOE"
    assert said["CreditPartyName"] == f"{SHORTCODE} - MNARA NET"
    assert (said["ReceiptNo"], said["Amount"], said["TransactionStatus"]) == (receipt, 1_500, "Completed")
    assert isinstance(said["Amount"], int)  # as recorded: whole shillings without a point
    assert said["InitiatedTime"] == said["FinalisedTime"] == 20251121120000
    items = result["ResultParameters"]["ResultParameter"]
    assert {"Key": "TransactionReason"} in items  # no value, no key for it
    assert result["ReferenceData"] == {"ReferenceItem": {"Key": "Occasion", "Value": "check"}}
    assert result["TransactionID"] == "TKL0000000"


async def test_an_unknown_receipt_and_that_of_somebody_else_do_not_exist(office: Office) -> None:
    theirs = await office.pay(100, shortcode=TILL)
    for receipt in ("TKL1111111", theirs):
        result = await office.result(STATUS, office.status(TransactionID=receipt))
        assert (result["ResultCode"], result["ResultDesc"]) == (2032, "The transaction receipt number does not exist.")
    assert (await office.result(STATUS, office.status(TransactionID=theirs, PartyA=STORE)))["ResultCode"] == 0


async def test_the_forms_of_the_envelope_are_switches(office: Office) -> None:
    receipt = await office.pay(10)
    forms = {"code": "string", "single": "array", "blank": "empty", "originator": "hex"}
    office.switch(results=forms | {"spaced_keys": True, "debit_twice": True, "failure_parameters": "completed-time"})
    result = await office.result(STATUS, office.status(TransactionID=receipt))
    assert result["ResultCode"] == "0"
    assert result["ReferenceData"] == {"ReferenceItem": [{"Key": "Occasion", "Value": ""}]}
    keys = [item["Key"] for item in result["ResultParameters"]["ResultParameter"]]
    assert keys.count("DebitPartyName") == 2
    assert "CreditPartyName" not in keys
    assert "Conversation ID" in keys
    assert result["OriginatorConversationID"].count("-") == 4
    failed = await office.result(STATUS, office.status(TransactionID="X"))
    assert failed["ResultParameters"]["ResultParameter"] == [{"Key": "BOCompletedTime", "Value": 20251121120000}]
    office.switch(results={"single": "object"})
    failed = await office.result(STATUS, office.status(TransactionID="X"))
    assert failed["ResultParameters"]["ResultParameter"] == {"Key": "BOCompletedTime", "Value": 20251121120000}


async def test_a_b2c_result_has_the_recorded_parameters(office: Office) -> None:
    await office.pay(5_000)
    result = await office.result(B2C, office.b2c(1_000))
    assert result["OriginatorConversationID"] == "ours-1"
    assert parameters(result) == {
        "TransactionAmount": 1_000,
        "TransactionReceipt": result["TransactionID"],
        "ReceiverPartyPublicName": f"{PHONE} - {office.rail.phones.get(PHONE).name}",
        "TransactionCompletedDateTime": "21.11.2025 12:00:00",
        "B2CUtilityAccountAvailableFunds": 4_000.0,
        "B2CWorkingAccountAvailableFunds": 0.0,
        "B2CRecipientIsRegisteredCustomer": "Y",
        "B2CChargesPaidAccountAvailableFunds": -5.0,
    }
    assert result["ReferenceData"]["ReferenceItem"]["Key"] == "QueueTimeoutURL"


@pytest.mark.parametrize(
    ("kes", "who", "command", "code"),
    [
        (9, "registered", "BusinessPayment", 2),
        (250_001, "registered", "BusinessPayment", 3),
        (6_000, "registered", "BusinessPayment", 1),
        (10, "unregistered", "BusinessPayment", 2040),
        (10, "unregistered", "PromotionPayment", 2040),
        (10, "unregistered", "SalaryPayment", 0),
        (10, "none", "SalaryPayment", 2040),
        (10, "registered", "PromotionPayment", 0),
    ],
)
async def test_b2c_declines_by_amount_money_and_customer(
    office: Office, kes: int, who: str, command: str, code: int
) -> None:
    await office.pay(5_000)
    await office.door("customer", msisdn=PHONE, **{"is": who})
    result = await office.result(B2C, office.b2c(kes, CommandID=command))
    assert result["ResultCode"] == code
    utility = (await office.door("accounts", shortcode=SHORTCODE))["accounts"]["utility"]
    assert utility == 500_000 - (kes * 100 if code == 0 else 0)


async def test_a_full_wallet_takes_no_more(office: Office) -> None:
    await office.pay(5_000)
    await office.door("phone", msisdn=PHONE, balance_kes=499_995)
    assert (await office.result(B2C, office.b2c(10)))["ResultCode"] == 8


async def test_version_one_deals_the_conversation_itself(office: Office) -> None:
    await office.pay(100)
    first = (await office.ask(B2C_V1, office.b2c(10))).json()
    again = (await office.ask(B2C_V1, office.b2c(10))).json()
    assert first["OriginatorConversationID"] not in ("ours-1", again["OriginatorConversationID"])
    assert [result["ResultCode"] for result in office.results] == [0, 0]


async def test_charges_may_be_taken_from_the_account_drawn_from(office: Office) -> None:
    office.switch(money={"b2c_from": "working", "charge_from": "drawn"})
    await office.pay(2_000)
    await office.door("transfer", shortcode=SHORTCODE, amount_kes=1_005)
    assert (await office.result(B2C, office.b2c(1_001, "too-much")))["ResultCode"] == 1
    assert (await office.result(B2C, office.b2c(1_000)))["ResultCode"] == 0
    left = (await office.door("accounts", shortcode=SHORTCODE))["accounts"]
    assert (left["working"], left["utility"], left["charges"]) == (0, 99_500, 0)


@pytest.mark.parametrize("path", ["/standingorder/v1/createStandingOrderExternal", "/v1/billmanager-invoice/optin"])
async def test_what_is_not_modelled_is_not_found(office: Office, path: str) -> None:
    answer = await office.ask(path, {})
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.01")


async def test_the_parameters_may_lie_flat_or_under_swapped_names(office: Office) -> None:
    office.switch(results={"shape": "flat"})
    assert [item["Key"] for item in (await office.result(BALANCE, office.balance()))["ResultParameters"]] == [
        "AccountBalance",
        "BOCompletedTime",
    ]
    office.switch(results={"shape": "swapped"})
    assert len((await office.result(BALANCE, office.balance()))["ResultParameter"]["ResultParameters"]) == 2


async def test_any_code_can_be_had_by_asking_for_it_beforehand(office: Office) -> None:
    await office.pay(100)
    await office.door("decline", role="b2c", code="2006", times=2)
    codes = [(await office.result(B2C, office.b2c(10, f"ours-{number}")))["ResultCode"] for number in range(3)]
    assert codes == [2006, 2006, 0]
    await office.door("decline", role="balance", code="SFC_IC0003")
    result = await office.result(BALANCE, office.balance())
    assert (result["ResultCode"], result["ResultDesc"]) == ("SFC_IC0003", "The operator does not exist.")
    await office.door("decline", role="status", code="29")
    await office.door("decline", role="status", times=0)
    assert (await office.result(STATUS, office.status(TransactionID="X")))["ResultCode"] == 2032
    assert "error" in await office.door("decline", role="king", code="1")
