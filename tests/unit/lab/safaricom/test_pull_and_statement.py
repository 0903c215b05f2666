"""What was missed is found again: Pull pages through it, the portal's statement adds up."""

import base64
import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.safaricom.bodies import EAST_AFRICA
from lab.safaricom.rail import Shop
from lab.safaricom.statement import COLUMNS
from tests.support.organisation import (
    B2C,
    PHONE,
    PULL,
    PULL_REGISTER,
    REVERSAL,
    SHORTCODE,
    STORE,
    TILL,
    Office,
)  # fmt: skip

REGISTER = {"ShortCode": SHORTCODE, "RequestType": "Pull", "NominatedNumber": "254722111111",
            "CallBackURL": "http://office.example/hooks/pull"}  # fmt: skip


def said(office: Office, *, hours_ago: float = 0) -> str:
    at = datetime.fromtimestamp(office.clock.now_us() // 1_000_000, UTC) - timedelta(hours=hours_ago)
    return at.astimezone(EAST_AFRICA).strftime("%Y-%m-%d %H:%M:%S")


async def pull(office: Office, offset: int = 0, hours: float = 48, method: str = "POST", **change: Any) -> Any:
    body = {"ShortCode": SHORTCODE, "StartDate": said(office, hours_ago=hours), "EndDate": said(office),
            "OffSetValue": str(offset)}  # fmt: skip
    return await office.ask(PULL, body | change, method)


async def registered(office: Office) -> None:
    assert (await office.ask(PULL_REGISTER, REGISTER)).status_code == 200


async def test_registering_again_says_1001_and_is_no_error(office: Office) -> None:
    first, again = [(await office.ask(PULL_REGISTER, REGISTER)).json() for _ in range(2)]
    assert (first["ResponseStatus"], again["ResponseStatus"]) == ("1000", "1001")
    assert first["ResponseDescription"] == "Shortcode Registered Successfully"
    office.switch(pull={"spaced_keys": True})
    assert (await office.ask(PULL_REGISTER, REGISTER)).json()["Response Status"] == "1001"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ShortCode": "12"}, "ShortCode"),
        ({"RequestType": "Push"}, "RequestType"),
        ({"NominatedNumber": "0722111111"}, "NominatedNumber"),
        ({"CallBackURL": "here"}, "CallBackURL"),
    ],
)
async def test_a_bad_field_of_the_registration_is_named(office: Office, change: dict[str, Any], field: str) -> None:
    answer = await office.ask(PULL_REGISTER, REGISTER | change)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.001")
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


async def test_a_nominated_number_may_have_to_be_the_one_in_the_papers(office: Office) -> None:
    office.switch(pull={"check_nominated": True})
    assert (await office.ask(PULL_REGISTER, REGISTER)).status_code == 400
    assert (await office.ask(PULL_REGISTER, REGISTER | {"NominatedNumber": "254708374149"})).status_code == 200


async def test_nothing_is_pulled_before_registering(office: Office) -> None:
    answer = await pull(office)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.001")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"StartDate": "2025-11-21"}, "StartDate"),
        ({"StartDate": "2025-11-22 00:00:00", "EndDate": "2025-11-21 00:00:00"}, "EndDate"),
        ({"OffSetValue": "-1"}, "OffSetValue"),
        ({"OffSetValue": None}, "OffSetValue"),
    ],
)
async def test_a_bad_field_of_the_query_is_named(office: Office, change: dict[str, Any], field: str) -> None:
    await registered(office)
    assert (await pull(office, **change)).json()["errorMessage"] == f"Bad Request - Invalid {field}"


async def test_a_row_has_the_number_unmasked_and_a_time_that_only_claims_to_be_utc(office: Office) -> None:
    await registered(office)
    receipt = await office.pay(1_500, "acc 1001")
    (rows,) = (await pull(office)).json()["Response"]
    assert rows == [
        {
            "transactionId": receipt,
            "trxDate": "2025-11-21T12:00:00Z",
            "msisdn": int(PHONE),
            "sender": "MPESA",
            "transactiontype": "c2b-pay-bill-debit",
            "billreference": "acc 1001",
            "amount": "1500.00",
            "organizationname": "MNARA NET",
        }
    ]


async def test_the_forms_of_a_row_are_switches(office: Office) -> None:
    await registered(office)
    await office.pay(10)
    office.switch(pull={"nested": False, "dates": "utc-z", "msisdn": "no-254", "amount": "number"})
    (row,) = (await pull(office)).json()["Response"]
    assert (row["trxDate"], row["msisdn"], row["amount"]) == ("2025-11-21T09:00:00Z", 722000000, 10.0)
    office.switch(pull={"dates": "eat-offset"})
    assert (await pull(office)).json()["Response"][0]["trxDate"] == "2025-11-21T12:00:00+03:00"


async def test_both_methods_work_until_one_is_switched_off(office: Office) -> None:
    await registered(office)
    await office.pay(10)
    assert [(await pull(office, method=method)).status_code for method in ("POST", "GET")] == [200, 200]
    office.switch(pull={"methods": ["GET"]})
    assert (await pull(office)).json()["errorCode"] == "405.001"
    assert (await pull(office, method="GET")).status_code == 200


async def test_nothing_in_range_is_1001_or_an_error(office: Office) -> None:
    await registered(office)
    empty = (await pull(office)).json()
    assert (empty["ResponseCode"], empty["Response"]) == ("1001", [[]])
    office.switch(pull={"empty": "500"})
    answer = await pull(office)
    assert (answer.status_code, answer.json()["errorMessage"]) == (500, "No transactions found")


async def test_an_outage_is_paged_through_while_payments_go_on(office: Office) -> None:
    await registered(office)
    office.switch(pull={"page": 3})
    office.rail.callbacks.outage = True
    paid = [await office.pay(kes) for kes in range(10, 17)]
    end = {"EndDate": "2025-11-22 00:00:00"}
    found: list[str] = []
    while rows := (await pull(office, len(found), **end)).json()["Response"][0]:
        found += [row["transactionId"] for row in rows]
        if len(paid) < 9:
            paid.append(await office.pay(100 + len(paid)))
    assert found == paid
    assert office.posted("/confirm") == []


async def test_newest_first_a_new_payment_moves_every_row(office: Office) -> None:
    await registered(office)
    office.switch(pull={"page": 2, "newest_first": True})
    first, second = await office.pay(1), await office.pay(2)
    third = await office.pay(3)
    page = [row["transactionId"] for row in (await pull(office)).json()["Response"][0]]
    assert page == [third, second]
    await office.pay(4)
    page = [row["transactionId"] for row in (await pull(office, 2)).json()["Response"][0]]
    assert page == [second, first]  # one came twice: whoever goes by new ids alone would have stopped


async def test_pull_reaches_back_two_days_and_lags(office: Office) -> None:
    await registered(office)
    office.switch(pull={"lag_s": 120})
    old = await office.pay(10)
    await office.clock.advance(47 * 3_600)
    new = await office.pay(20)
    assert [row["transactionId"] for row in (await pull(office, hours=72)).json()["Response"][0]] == [old]
    await office.clock.advance(120)
    assert [row["transactionId"] for row in (await pull(office, hours=72)).json()["Response"][0]] == [old, new]
    await office.clock.advance(3_600)
    assert [row["transactionId"] for row in (await pull(office, hours=72)).json()["Response"][0]] == [new]


async def test_only_what_customers_paid_is_pulled(office: Office) -> None:
    await registered(office)
    receipt = await office.pay(1_000)
    await office.pay(70, shortcode=TILL)
    await office.ask(B2C, office.b2c(10))
    await office.ask(REVERSAL, office.reversal(receipt, 990))
    await office.door("transfer", shortcode=SHORTCODE, amount_kes=0.5)
    assert [row["transactionId"] for row in (await pull(office)).json()["Response"][0]] == [receipt]
    await office.ask(REVERSAL, office.reversal(receipt, 10))
    office.switch(pull={"reversed_rows": "vanish"})
    await office.pay(5_000)
    await office.ask(REVERSAL, office.reversal(receipt, 10))
    assert receipt not in [row["transactionId"] for row in (await pull(office)).json()["Response"][0]]


async def test_a_till_is_pulled_by_its_store_number(office: Office) -> None:
    await office.ask(PULL_REGISTER, REGISTER | {"ShortCode": STORE})
    await office.pay(70, shortcode=TILL)
    (row,) = (await pull(office, ShortCode=STORE)).json()["Response"][0]
    assert (row["transactiontype"], row["billreference"]) == ("c2b-buy-goods-debit", "")


async def lines_of(office: Office, account: str = "utility", query: str = "") -> list[dict[str, str]]:
    answer = await office._client.get(f"/lab/statement/{SHORTCODE}.csv?account={account}{query}")
    assert answer.status_code == 200
    rows = list(csv.reader(answer.text.splitlines()))
    start = rows.index(list(COLUMNS))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[start + 1 :]]


async def test_the_statement_shows_everything_and_its_balance_runs(office: Office) -> None:
    receipt = await office.pay(1_500, "acc, 1001")
    await office.clock.advance(60)
    sent = (await office.result(B2C, office.b2c(200)))["TransactionID"]
    await office.ask(REVERSAL, office.reversal(receipt, 100))
    await office.door("transfer", shortcode=SHORTCODE, amount_kes=1_000)
    lines = await lines_of(office)
    assert [line["Balance"] for line in lines] == ["200.00", "1200.00", "1300.00", "1500.00"]
    assert [line["Withdrawn"] for line in lines] == ["-1000.00", "-100.00", "-200.00", ""]
    assert lines[1]["Linked Transaction ID"] == receipt
    assert lines[2]["Receipt No."] == sent
    first = lines[3]
    assert (first["Paid In"], first["A/C No."], first["Transaction Status"]) == ("1500.00", "acc, 1001", "Completed")
    assert first["Completion Time"] == first["Initiation Time"] == "2025-11-21 12:00:00"
    assert first["Other Party Info"] == "2547*****000 - JANE WANJIKU DOE"
    (charge,) = await lines_of(office, "charges")
    assert (charge["Receipt No."], charge["Withdrawn"], charge["Balance"]) == (sent, "-5.00", "-5.00")
    assert charge["Reason Type"] == "Business Payment to Customer Charge"
    (into,) = await lines_of(office, "working")
    assert (into["Paid In"], into["Details"]) == ("1000.00", "Utility Account to Working Account")


async def test_the_preamble_sums_up_the_period_asked_for(office: Office) -> None:
    await office.pay(100)
    await office.clock.advance(86_400)
    receipt = await office.pay(1_250)
    await office.ask(REVERSAL, office.reversal(receipt, 50))
    query = "&from=2025-11-22&to=2025-11-23"
    answer = await office._client.get(f"/lab/statement/{SHORTCODE}.csv?account=utility{query}")
    said = dict(row for row in csv.reader(answer.text.splitlines()) if len(row) == 2)
    assert said == {
        "Account Holder:": "MNARA NET",
        "Short Code:": SHORTCODE,
        "Account:": "Utility Account",
        "Time Period:": "From 2025-11-22 00:00:00 To 2025-11-23 00:00:00",
        "Opening Balance:": "100.00",
        "Closing Balance:": "1300.00",
        "Total Paid In:": "1250.00",
        "Total Withdrawn:": "-50.00",
    }
    assert len(await lines_of(office, query=query)) == 2


async def test_the_form_of_the_statement_is_a_matter_of_switches(office: Office) -> None:
    receipt = await office.pay(1_250)
    await office.ask(REVERSAL, office.reversal(receipt, 50))
    office.switch(statement={"preamble": False, "newest_first": False, "dates": "day-first", "thousands": True,
                             "withdrawn_negative": False, "masked": False})  # fmt: skip
    text = (await office.door("statement", shortcode=SHORTCODE))["csv"]
    header, first, second = csv.reader(text.splitlines())
    assert tuple(header) == COLUMNS
    assert (first[0], first[1], first[5], first[7]) == (receipt, "21-11-2025 12:00:00", "1,250.00", "1,250.00")
    assert first[10] == f"{PHONE} - JANE WANJIKU DOE"
    assert second[6] == "50.00"


@pytest.mark.parametrize("query", ["account=cellar", "from=yesterday", "to=21/11/2025"])
async def test_a_statement_that_makes_no_sense_is_refused(office: Office, query: str) -> None:
    answer = await office._client.get(f"/lab/statement/{SHORTCODE}.csv?{query}")
    assert answer.status_code == 400
    assert "2026-08-17" in answer.json()["error"]


async def test_the_statement_of_an_unknown_shortcode_is_refused(office: Office) -> None:
    assert (await office._client.get("/lab/statement/999999.csv")).status_code == 400


async def test_an_organisation_may_bear_the_customers_charge(office: Office) -> None:
    office.switch(money={"c2b_charge_ppm": 5_500})
    await office.pay(1_000)
    assert [line["Withdrawn"] for line in await lines_of(office, "charges")] == ["-5.50"]
    assert office.posted("/confirm")[-1]["OrgAccountBalance"] == "1000.00"


async def test_a_paid_push_is_pulled_as_any_other_payment(office: Office) -> None:
    office.rail.directory.get(SHORTCODE).passkey = "lab"
    await registered(office)
    stamp = "20251121120000"
    push = {"BusinessShortCode": SHORTCODE, "Timestamp": stamp, "TransactionType": "CustomerPayBillOnline",
            "Password": base64.b64encode(f"{SHORTCODE}lab{stamp}".encode()).decode(), "Amount": 750, "PartyA": PHONE,
            "PartyB": SHORTCODE, "PhoneNumber": PHONE, "CallBackURL": "http://office.example/hooks/stk",
            "AccountReference": "A7", "TransactionDesc": "Internet"}  # fmt: skip
    assert (await office.ask("/mpesa/stkpush/v1/processrequest", push)).status_code == 200
    await office.clock.advance(60)
    (callback,) = office.posted("/stk")
    items = callback["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
    (row,) = (await pull(office)).json()["Response"][0]
    assert {"Name": "MpesaReceiptNumber", "Value": row["transactionId"]} in items
    assert (row["amount"], row["billreference"]) == ("750.00", "A7")
    (line,) = await lines_of(office)
    assert line["Receipt No."] == row["transactionId"]


async def test_both_ends_of_the_range_belong_to_it(office: Office) -> None:
    await registered(office)
    paid = []
    for kes in (1, 2, 3, 4):
        paid.append(await office.pay(kes))  # at 12:00:00, 12:00:10, 12:00:20 and 12:00:30
        await office.clock.advance(10)
    between = {"StartDate": "2025-11-21 12:00:10", "EndDate": "2025-11-21 12:00:20"}
    assert [row["transactionId"] for row in (await pull(office, **between)).json()["Response"][0]] == paid[1:3]


async def test_what_validation_turned_away_is_not_pulled(office: Office) -> None:
    await registered(office)
    office.rail.register(Shop(SHORTCODE, "http://office.example/hooks/confirm", "http://office.example/hooks/reject"))
    office.rail.manner = office.rail.manner.changed({"validation": True})
    await office.pay(10)
    assert (await pull(office)).json()["Response"] == [[]]
    assert await lines_of(office) == []
