"""What happens to an organisation's money: reversed, sent twice, lost from sight and found again, told too late."""

import pytest

from lab.safaricom.rail import Shop
from tests.support.organisation import (
    B2C,
    BALANCE,
    PHONE,
    REVERSAL,
    SHORTCODE,
    STATUS,
    STORE,
    TILL,
    Office,
    parameters,
)  # fmt: skip


async def balance_of(office: Office, account: str, shortcode: str = SHORTCODE) -> int:
    shown = await office.door("accounts", shortcode=shortcode)
    return int(shown["accounts"][account])


async def test_a_payment_already_used_is_reversed_once_and_the_money_is_back_on_the_phone(office: Office) -> None:
    receipt = await office.pay(1_500)
    await office.pay(1)
    before_cents = office.rail.phones.get(PHONE).balance_cents
    result = await office.result(REVERSAL, office.reversal(receipt, 1_500))
    assert result["TransactionID"] != receipt
    assert parameters(result) == {
        "DebitAccountBalance": "Utility Account|KES|1.00|1.00|0.00|0.00",
        "Amount": "1500",
        "TransCompletedTime": "20251121120000",
        "OriginalTransactionID": receipt,
        "Charge": "0",
        "CreditPartyPublicName": f"{PHONE} - JANE WANJIKU DOE",
        "DebitPartyPublicName": f"{SHORTCODE} - MNARA NET",
    }
    assert office.rail.phones.get(PHONE).balance_cents == before_cents + 150_000
    again = await office.result(REVERSAL, office.reversal(receipt, 1_500))
    assert (again["ResultCode"], again["ResultDesc"]) == ("R000001", "The transaction has already been reversed.")
    assert "ResultParameters" not in again
    assert await balance_of(office, "utility") == 100
    assert office.posted("/confirm")[-1]["TransAmount"] == "1.00"  # no callback tells of a reversal


@pytest.mark.parametrize("switch", ["Reversed", "Completed"])
async def test_a_reversed_payment_reads_as_the_switch_says(office: Office, switch: str) -> None:
    office.switch(results={"reversed_status": switch})
    receipt = await office.pay(100)
    await office.result(REVERSAL, office.reversal(receipt, 40))
    part = parameters(await office.result(STATUS, office.status(TransactionID=receipt)))
    assert part["TransactionStatus"] == "Completed"
    await office.result(REVERSAL, office.reversal(receipt, 60))
    whole = parameters(await office.result(STATUS, office.status(TransactionID=receipt)))
    assert whole["TransactionStatus"] == switch


async def test_parts_are_reversed_until_nothing_is_left(office: Office) -> None:
    receipt = await office.pay(100)
    codes = [(await office.result(REVERSAL, office.reversal(receipt, kes)))["ResultCode"] for kes in (40, 61, 60, 1)]
    assert codes == [0, 3, 0, "R000001"]
    assert await balance_of(office, "utility") == 0


async def test_only_own_receipts_of_customers_are_reversed(office: Office) -> None:
    theirs = await office.pay(100, shortcode=TILL)
    await office.pay(100)
    sent = (await office.result(B2C, office.b2c(10)))["TransactionID"]
    for receipt in (theirs, sent, "TKL1111111"):
        result = await office.result(REVERSAL, office.reversal(receipt, 10))
        assert (result["ResultCode"], result["ResultDesc"]) == ("R000002", "The OriginalTransactionID is invalid.")
    assert (await office.result(REVERSAL, office.reversal(theirs, 10, ReceiverParty=STORE)))["ResultCode"] == 0
    assert await balance_of(office, "merchant", STORE) == 9_000


async def test_money_that_was_withdrawn_cannot_be_reversed(office: Office) -> None:
    receipt = await office.pay(1_000)
    await office.door("transfer", shortcode=SHORTCODE, amount_kes=900)
    await office.door("withdraw", shortcode=SHORTCODE, amount_kes=800)
    result = await office.result(REVERSAL, office.reversal(receipt, 1_000))
    assert (result["ResultCode"], result["ResultDesc"]) == (1, "The balance is insufficient for the transaction.")
    said = parameters(await office.result(BALANCE, office.balance()))["AccountBalance"]
    assert "Working Account|KES|100.00" in said
    assert "Utility Account|KES|100.00" in said
    assert (await office.door("accounts", shortcode=SHORTCODE))["banked_cents"] == 80_000
    assert "error" in await office.door("withdraw", shortcode=SHORTCODE, amount_kes=101)


async def test_a_reversal_at_the_care_line_tells_nobody_and_shows_in_status_and_statement(office: Office) -> None:
    receipt = await office.pay(300)
    heard = len(office.posted(""))
    done = (await office.door("reverse", receipt=receipt))["done"]
    assert len(office.posted("")) == heard
    said = parameters(await office.result(STATUS, office.status(TransactionID=receipt)))
    assert said["TransactionStatus"] == "Reversed"
    lines = (await office.door("statement", shortcode=SHORTCODE))["csv"].splitlines()
    assert any(line.startswith(f"{done['receipt']},") and receipt in line for line in lines)
    assert (await office.door("reverse", receipt=receipt))["declined"] == "R000001"


async def test_b2c_sent_twice_is_refused_and_pays_once(office: Office) -> None:
    await office.pay(500)
    first = await office.ask(B2C, office.b2c(100))
    second = await office.ask(B2C, office.b2c(100))
    assert first.status_code == 200
    assert (second.status_code, second.json()["errorCode"]) == (500, "500.002.1001")
    assert second.json()["errorMessage"] == "Duplicate OriginatorConversationID."
    assert await balance_of(office, "utility") == 40_000
    # A request that was refused for a field has used no id up; one that was declined later has.
    assert (await office.ask(B2C, office.b2c(100, "ours-2", Remarks=""))).status_code == 400
    assert (await office.result(B2C, office.b2c(9, "ours-2")))["ResultCode"] == 2
    assert (await office.ask(B2C, office.b2c(100, "ours-2"))).status_code == 500


async def test_a_lost_confirmation_is_found_by_status(office: Office) -> None:
    office.rail.manner = office.rail.manner.changed({"lose": 1})
    receipt = await office.pay(250, "ACC 7")
    assert office.posted("/confirm") == []
    office.rail.manner = office.rail.manner.changed({"lose": 0})
    said = parameters(await office.result(STATUS, office.status(TransactionID=receipt)))
    assert (said["Amount"], said["TransactionStatus"]) == (250, "Completed")


async def test_a_rejected_payment_was_cancelled_and_moved_nothing(office: Office) -> None:
    office.rail.register(Shop(SHORTCODE, "http://office.example/hooks/confirm", "http://office.example/hooks/reject"))
    office.rail.manner = office.rail.manner.changed({"validation": True})
    receipt = await office.pay(100)
    said = parameters(await office.result(STATUS, office.status(TransactionID=receipt)))
    assert said["TransactionStatus"] == "Cancelled"
    assert await balance_of(office, "utility") == 0
    assert (await office.result(REVERSAL, office.reversal(receipt, 100)))["ResultCode"] == "R000002"


async def test_a_timed_out_request_is_found_by_its_conversation_and_its_result_comes_later(office: Office) -> None:
    await office.pay(5_000)
    office.switch(results={"queue": "result-later", "queue_later_s": 600})
    sent = (await office.ask(B2C, office.b2c(1_000))).json()
    assert office.results == []
    (timeout,) = office.timeouts
    assert timeout["ConversationID"] == sent["ConversationID"]
    assert "ResultParameters" not in timeout
    office.switch(results={"queue": "prompt"})
    early = await office.result(STATUS, office.status(OriginalConversationID="ours-1"))
    assert early["ResultCode"] == 2032  # not done yet: unknown, which is not failed
    await office.clock.advance(600)
    result = office.results[-1]
    assert (result["ConversationID"], result["ResultCode"]) == (sent["ConversationID"], 0)
    for conversation in ("ours-1", sent["ConversationID"]):
        said = parameters(await office.result(STATUS, office.status(OriginalConversationID=conversation)))
        assert (said["ReceiptNo"], said["OriginatorConversationID"]) == (result["TransactionID"], "ours-1")
        assert said["DebitPartyCharges"] == "Fee For B2C Payment|KES|5.00"
    assert await balance_of(office, "utility") == 400_000


@pytest.mark.parametrize(("queue", "kes_left"), [("done-untold", 4_000), ("not-done", 5_000)])
async def test_a_timeout_says_nothing_of_whether_it_was_done(office: Office, queue: str, kes_left: int) -> None:
    await office.pay(5_000)
    office.switch(results={"queue": queue})
    await office.ask(B2C, office.b2c(1_000))
    await office.clock.advance(3_600)
    assert (len(office.timeouts), office.results) == (1, [])
    assert await balance_of(office, "utility") == kes_left * 100
    office.switch(results={"queue": "prompt"})
    found = await office.result(STATUS, office.status(OriginalConversationID="ours-1"))
    assert found["ResultCode"] == (0 if queue == "done-untold" else 2032)


async def test_a_declined_payment_is_found_by_its_conversation(office: Office) -> None:
    assert (await office.result(B2C, office.b2c(100)))["ResultCode"] == 1
    said = parameters(await office.result(STATUS, office.status(OriginatorConversationID="ours-1")))
    assert (said["TransactionStatus"], said["Amount"]) == ("Declined", 100)


async def test_a_result_waits_and_is_lost_as_other_callbacks(office: Office) -> None:
    office.switch(results={"delay_s": 85})
    await office.ask(BALANCE, office.balance())
    await office.clock.advance(84)
    assert office.results == []
    await office.clock.advance(1)
    assert len(office.results) == 1
    office.switch(results={"delay_s": 0})
    office.rail.callbacks.outage = True
    await office.ask(BALANCE, office.balance())
    assert len(office.results) == 1
    office.rail.callbacks.outage = False
    await office.door("release")
    await office.clock.advance(0)
    assert len(office.results) == 2


async def test_the_door_tells_what_makes_no_sense(office: Office) -> None:
    for verb, what in (
        ("transfer", {"shortcode": SHORTCODE, "amount_kes": 5, "to": "utility"}),
        ("transfer", {"shortcode": "999999", "amount_kes": 5}),
        ("transfer", {"shortcode": SHORTCODE, "amount_kes": 5, "to": "cellar"}),
        ("initiator", {"shortcode": SHORTCODE, "name": "nobody"}),
        ("initiator", {"shortcode": SHORTCODE, "name": "testapi", "roles": ["king"]}),
        ("reverse", {"receipt": "TKL1111111"}),
        ("customer", {"msisdn": PHONE, "is": "rich"}),
        ("statement", {"shortcode": SHORTCODE, "account": "cellar"}),
        ("statement", {"shortcode": SHORTCODE, "from": "yesterday"}),
        ("manner", {"set": {"organisation": {"results": {"code": "roman"}}}}),
        ("manner", {"set": {"organisation": {"pull": {"page": 0}}}}),
        ("manner", {"set": {"organisation": {"pull": {"methods": ["PUT"]}}}}),
        ("manner", {"set": {"organisation": {"money": {"b2c_charges": [[1]]}}}}),
        ("manner", {"set": {"organisation": {"weather": {}}}}),
    ):
        assert list(await office.door(verb, **what)) == ["error"], verb


async def test_switches_are_set_at_the_door_group_by_group(office: Office) -> None:
    values = {"pull": {"page": 5, "methods": ["GET"]}, "money": {"b2c_charges": [[10_000, 100]]}}
    shown = (await office.door("manner", set={"organisation": values}))["manner"]["organisation"]
    assert (shown["pull"]["page"], shown["pull"]["methods"]) == (5, ("GET",))
    assert shown["money"]["b2c_charges"] == ((10_000, 100),)
    assert shown["statement"]["preamble"] is True


@pytest.mark.parametrize(("queue", "kind"), [("prompt", "result"), ("result-later", "timeout")])
async def test_a_result_may_be_there_before_the_acknowledgement(office: Office, queue: str, kind: str) -> None:
    heard: list[str] = []
    office.hear = lambda path: heard.append(path.rsplit("/", 1)[-1])
    office.rail.manner = office.rail.manner.changed({"early": True})
    office.switch(results={"queue": queue, "queue_later_s": 60, "delay_s": 30})
    answer = await office.ask(BALANCE, office.balance(), then=lambda: heard.append("answer"))
    assert answer.status_code == 200
    assert heard == [kind, "answer"]
