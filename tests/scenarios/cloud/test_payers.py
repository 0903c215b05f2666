"""Whose money it is: payers who type wrongly, type nothing, are hidden by the rail, or have a namesake elsewhere."""

from datetime import timedelta

import pytest

from tests.scenarios.cloud.rig import PERIOD, PRICE, START, Town, hashed

MASKED = "2547*****678"
TILL = "5551234"


async def test_a_hidden_payer_with_a_wrong_account_number_is_known_by_his_registered_phone(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina", phone="0712345678")
    await isp.hear(isp.body("TKL4X9Q2ZA", "999999", MSISDN=hashed("254712345678")))
    await town.post()
    [paid] = await isp.payments()
    assert (paid["subscriber_id"], paid["matched_by"]) == (amina.id, "payer_phone")
    assert await isp.service(amina) == ("current", START + PERIOD, 0)


@pytest.mark.parametrize("number", [hashed("254799999999"), MASKED, ""], ids=["unknown", "masked", "left out"])
async def test_a_payer_nobody_knows_with_a_wrong_account_number_waits_in_suspense(town: Town, number: str) -> None:
    isp = await town.isp()
    amina = await isp.join("amina", phone="0712345678")
    await isp.hear(isp.body("TKL4X9Q2ZA", "999999", MSISDN=number, FirstName="AMINA"))
    await town.post()
    [waiting] = await isp.get("/v1/suspense")
    assert (waiting["receipt"], waiting["amount_cents"]) == ("TKL4X9Q2ZA", PRICE)
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "suspense": -PRICE}
    assert await isp.service(amina) == ("walled", None, PRICE)


async def test_a_till_payment_without_a_reference_finds_its_payer_by_phone_or_waits(town: Town) -> None:
    isp = await town.isp()
    await isp.shortcode(TILL)
    amina = await isp.join("amina", phone="0712345678")
    till = {"TransactionType": "Buy Goods", "BusinessShortCode": TILL}
    await isp.hear(
        isp.body("TILL00000A", "", MSISDN=hashed("254712345678"), **till),
        isp.body("TILL00000B", "", MSISDN=hashed("254799999999"), **till),
        shortcode=TILL,
    )
    await town.post()
    known, unknown = await isp.payments()
    assert (known["subscriber_id"], known["shortcode"]) == (amina.id, TILL)
    assert unknown["subscriber_id"] is None
    assert await isp.service(amina) == ("current", START + PERIOD, 0)
    assert await isp.assign(unknown["id"], amina) == 200
    assert await isp.service(amina) == ("current", START + 2 * PERIOD, 0)


async def test_a_till_and_a_paybill_may_have_the_same_receipt_number(town: Town) -> None:
    isp = await town.isp()
    await isp.shortcode(TILL)
    amina = await isp.join("amina")
    await isp.hear(isp.body("TKL4X9Q2ZA", amina.account_number))
    await isp.hear(isp.body("TKL4X9Q2ZA", amina.account_number, BusinessShortCode=TILL), shortcode=TILL)
    await town.post()
    assert await isp.states() == ["posted", "posted"]
    assert await isp.service(amina) == ("current", START + 2 * PERIOD, 0)


async def test_two_tenants_alike_in_name_number_and_receipt_neither_see_nor_move_each_others_money(town: Town) -> None:
    ours, theirs = await town.isp(), await town.isp()
    john, other_john = await ours.join("john", phone="0712345678"), await theirs.join("john", phone="0712345678")
    assert john.account_number == other_john.account_number
    await ours.hear(ours.body("TKL4X9Q2ZA", "john"), ours.body("SUSP00000A", "999999"))
    await theirs.hear(theirs.body("TKL4X9Q2ZA", john.account_number, "10.00"))
    await town.post()
    assert [one["receipt"] for one in await ours.payments()] == ["SUSP00000A", "TKL4X9Q2ZA"]
    [their_payment] = await theirs.payments()
    assert (their_payment["amount_cents"], their_payment["subscriber_id"]) == (1_000, other_john.id)
    assert await ours.service(john) == ("current", START + PERIOD, 0)
    assert await theirs.service(other_john) == ("walled", None, PRICE - 1_000)
    assert await ours.accounts() == {"mpesa_clearing": 2 * PRICE, "suspense": -PRICE, "revenue": -PRICE}
    assert await theirs.accounts() == {"mpesa_clearing": 1_000, "subscriber": -1_000}
    [waiting] = await ours.get("/v1/suspense")
    assert await theirs.get("/v1/suspense") == []
    assert await theirs.assign(waiting["payment_id"], other_john) == 404
    assert await ours.assign(waiting["payment_id"], other_john) == 404
    assert (await town.api.call(theirs.token, "GET", f"/v1/payments/{waiting['payment_id']}")).status_code == 404


async def test_a_phone_that_two_tenants_know_pays_where_the_money_went(town: Town) -> None:
    ours, theirs = await town.isp(), await town.isp()
    john, other_john = await ours.join("john", phone="0712345678"), await theirs.join("john", phone="0712345678")
    await theirs.hear(theirs.body("TKL4X9Q2ZA", "", MSISDN=hashed("254712345678")))
    await town.post()
    assert await theirs.service(other_john) == ("current", START + PERIOD, 0)
    assert await ours.service(john) == ("walled", None, PRICE)
    assert (await ours.payments(), await ours.callbacks()) == ([], [])
    await town.pass_time(START + PERIOD - timedelta(seconds=1))
    assert (await theirs.service(other_john))[0] == "current"
