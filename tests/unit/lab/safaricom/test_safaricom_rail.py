"""The simulated rail tells what the real one is known to tell, and keeps its own record."""

import asyncio
import json
import random
from dataclasses import replace

import httpx
import pytest

from lab.safaricom.bodies import callback
from lab.safaricom.manner import Manner
from lab.safaricom.rail import BadRegistration, Rail, Shop
from lab.safaricom.receipts import Receipts, receipt_of
from lab.safaricom.record import PhonePayment

NOON_US = 1_763_715_600_000_000  # 2025-11-21 12:00 in Nairobi


class StoppedClock:
    def now_us(self) -> int:
        return NOON_US

    def monotonic_us(self) -> int:
        return 0


class Receiver:
    """Takes callbacks; answers from a list of statuses, then always 200."""

    def __init__(self, *statuses: int, validation: dict[str, str] | None = None) -> None:
        self.bodies: list[dict[str, str]] = []
        self.validations: list[dict[str, str]] = []
        self._statuses = list(statuses)
        self._validation = validation or {"ResultCode": "0", "ResultDesc": "Accepted"}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("/validate"):
            self.validations.append(body)
            return httpx.Response(200, json=self._validation)
        self.bodies.append(body)
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, json={"ResultCode": 0, "ResultDesc": "Success"})


def rail_to(receiver: Receiver, manner: Manner) -> Rail:
    client = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    rail = Rail(clock=StoppedClock(), chance=random.Random(7), client=client)
    rail.manner = manner
    rail.register(Shop("600638", "http://127.0.0.1/hooks/p/ab/confirm", "http://127.0.0.1/hooks/p/ab/validate"))
    return rail


async def paid(rail: Rail, cents: int = 150_000) -> PhonePayment:
    payment = await rail.pay("254711222126", "600638", "acc 1001", cents, name="John Kamau Mwangi")
    await rail.settle(5)
    return payment


async def test_a_confirmation_is_all_strings_masked_and_says_the_new_balance() -> None:
    receiver = Receiver()
    rail = rail_to(receiver, Manner())
    await paid(rail)
    await paid(rail, 100)
    first, second = receiver.bodies
    assert all(isinstance(value, str) for value in first.values())
    assert first["MSISDN"] == "2547 ***** 126"
    assert first["TransTime"] == "20251121120000"
    assert first["TransAmount"] == "1500.00"
    assert (first["OrgAccountBalance"], second["OrgAccountBalance"]) == ("1500.00", "1501.00")
    assert "MiddleName" not in first
    assert "LastName" not in first
    await rail.close()


async def test_version_one_hashes_the_number_and_may_write_whole_shillings() -> None:
    receiver = Receiver()
    rail = rail_to(receiver, Manner(version="v1", amount="whole", names="all"))
    await paid(rail)
    assert len(receiver.bodies[0]["MSISDN"]) == 64
    assert receiver.bodies[0]["TransAmount"] == "1500"
    assert receiver.bodies[0]["MiddleName"] == "KAMAU"
    await rail.close()


async def test_copies_carry_one_receipt_and_the_record_counts_the_money_once() -> None:
    receiver = Receiver()
    rail = rail_to(receiver, Manner(copies=4, at_once=True))
    payment = await paid(rail)
    rail.repeat(payment, times=2)
    await rail.settle(5)
    assert {body["TransID"] for body in receiver.bodies} == {payment.receipt}
    assert len(receiver.bodies) == 6
    assert rail.record.paid_cents == 150_000
    await rail.close()


async def test_an_answer_that_is_not_2xx_is_tried_again_as_often_as_the_manner_says() -> None:
    receiver = Receiver(500, 0)
    rail = rail_to(receiver, Manner(retries=3, retry_wait_s=0))
    payment = await paid(rail)
    assert [each.outcome for each in payment.deliveries] == ["500", "ConnectError", "200"]
    assert payment.told
    never = rail_to(Receiver(500), Manner())
    assert not (await paid(never)).told
    await rail.close()
    await never.close()


async def test_a_lost_confirmation_is_in_the_statement_only() -> None:
    receiver = Receiver()
    rail = rail_to(receiver, Manner(lose=1.0))
    payment = await paid(rail)
    assert receiver.bodies == []
    (line,) = rail.record.statement("600638")
    assert (line.receipt, line.paid_in_cents, line.balance_cents) == (payment.receipt, 150_000, 150_000)
    await rail.close()


async def test_held_confirmations_leave_out_of_order() -> None:
    receiver = Receiver()
    rail = rail_to(receiver, Manner(hold=True))
    receipts = [(await paid(rail)).receipt for _ in range(20)]
    assert rail.release(shuffled=True) == 20
    await rail.settle(5)
    arrived = [body["TransID"] for body in receiver.bodies]
    assert arrived != receipts
    assert sorted(arrived) == sorted(receipts)
    await rail.close()


async def test_a_rejected_validation_moves_no_money() -> None:
    receiver = Receiver(validation={"ResultCode": "C2B00012", "ResultDesc": "Rejected"})
    rail = rail_to(receiver, Manner(validation=True))
    payment = await paid(rail)
    assert payment.state == "rejected"
    assert (receiver.bodies, rail.record.paid_cents) == ([], 0)
    assert receiver.validations[0]["OrgAccountBalance"] == ""
    await rail.close()


async def test_when_validation_cannot_be_reached_the_registered_default_decides() -> None:
    async def stuck(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        raise AssertionError

    for response_type, state in (("Completed", "paid"), ("Cancelled", "rejected")):
        client = httpx.AsyncClient(transport=httpx.MockTransport(stuck))
        rail = Rail(clock=StoppedClock(), chance=random.Random(7), client=client)
        rail.register(Shop("600638", "http://127.0.0.1/c", "http://127.0.0.1/v", response_type))
        rail.manner = Manner(validation=True, timeout_s=0.02, lose=1.0)
        assert (await paid(rail)).state == state
        await rail.close()


@pytest.mark.parametrize("word", ["MPESA", "SafariCom", "query", "cmd"])
async def test_addresses_with_forbidden_words_are_refused(word: str) -> None:
    rail = rail_to(Receiver(), Manner())
    with pytest.raises(BadRegistration, match=word.upper()):
        rail.register(Shop("600000", f"https://isp.example/{word}/x", None))
    await rail.close()


def test_receipts_look_like_receipts_and_never_repeat() -> None:
    assert receipt_of(NOON_US, 0) == "TKL0000000"
    dealer = Receipts(random.Random(3))
    dealt = [dealer.deal(NOON_US) for _ in range(5_000)]
    assert len(set(dealt)) == 5_000
    assert all(len(receipt) == 10 and receipt.startswith("TKL") for receipt in dealt)


def test_a_long_reference_is_cut_where_the_phone_stops_taking_letters() -> None:
    payment = PhonePayment("R", "1", "254711222126", "A", 100, "x" * 40, NOON_US)
    assert len(callback(payment, replace(Manner(), type_blank=True), balance_cents=None)["BillRefNumber"]) == 20
