"""One payment seen by four roads (confirmation, Pull, status, statement) is the same payment by all of them."""

import asyncio
import csv
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.safaricom.statement import COLUMNS
from tests.support.organisation import (
    B2C,
    PULL,
    PULL_REGISTER,
    REVERSAL,
    SHORTCODE,
    STATUS,
    Office,
    open_office,
    parameters,
)  # fmt: skip

PHONES = ("254722000001", "254722000002")
references = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
steps = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from(PHONES), references, st.integers(1, 20_000)),
    st.tuples(st.just("reverse"), st.integers(0, 9), st.integers(1, 100)),
    st.tuples(st.just("b2c"), st.sampled_from(PHONES), st.integers(1, 5_000)),
    st.tuples(st.just("transfer"), st.integers(1, 5_000)),
    st.tuples(st.just("wait"), st.integers(1, 7_200)),
)


class Story:
    """Does the steps; remembers what was paid, and how much of it was given back."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.paid: dict[str, tuple[str, str, int]] = {}
        self.back: dict[str, int] = {}
        self.payouts = 0

    async def do(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(*step[1:])

    async def pay(self, msisdn: str, reference: str, kes: int) -> None:
        receipt = await self.office.pay(kes, reference, msisdn)
        self.paid[receipt] = (msisdn, reference, kes)

    async def reverse(self, pick: int, percent: int) -> None:
        if not self.paid:
            return
        receipt = list(self.paid)[pick % len(self.paid)]
        kes = max(1, self.paid[receipt][2] * percent // 100)
        result = await self.office.result(REVERSAL, self.office.reversal(receipt, kes))
        if result["ResultCode"] == 0:
            self.back[receipt] = self.back.get(receipt, 0) + kes

    async def b2c(self, msisdn: str, kes: int) -> None:
        self.payouts += 1
        await self.office.result(B2C, self.office.b2c(kes, f"ours-{self.payouts}", PartyB=msisdn))

    async def transfer(self, kes: int) -> None:
        await self.office.door("transfer", shortcode=SHORTCODE, amount_kes=kes)

    async def wait(self, seconds: int) -> None:
        await self.office.clock.advance(seconds)


async def pulled(office: Office) -> dict[str, dict[str, Any]]:
    body = {"ShortCode": SHORTCODE, "StartDate": "2025-11-20 12:00:00", "EndDate": "2025-11-23 12:00:00"}
    found: dict[str, dict[str, Any]] = {}
    while rows := (await office.ask(PULL, body | {"OffSetValue": len(found)})).json()["Response"][0]:
        found |= {row["transactionId"]: row for row in rows}
    return found


async def exported(office: Office) -> dict[str, dict[str, str]]:
    text = (await office.door("statement", shortcode=SHORTCODE))["csv"]
    lines = list(csv.reader(text.splitlines()))
    start = lines.index(list(COLUMNS))
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in lines[start + 1 :]}


async def live(story: list[tuple[Any, ...]]) -> None:
    async with open_office() as office:
        await office.ask(PULL_REGISTER, {"ShortCode": SHORTCODE, "RequestType": "Pull",
                                         "NominatedNumber": PHONES[0], "CallBackURL": "http://a.example"})  # fmt: skip
        office.switch(pull={"page": 3})
        told = Story(office)
        for step in story:
            await told.do(step)
        rows, lines = await pulled(office), await exported(office)
        confirmed = {body["TransID"]: body for body in office.posted("/confirm")}
        assert list(rows) == list(confirmed) == list(told.paid)
        assert [receipt for receipt in reversed(lines) if receipt in told.paid] == list(told.paid)
        for receipt, (msisdn, reference, kes) in told.paid.items():
            row, line, body = rows[receipt], lines[receipt], confirmed[receipt]
            result = await office.result(STATUS, office.status(TransactionID=receipt))
            said = parameters(result)
            assert (row["msisdn"], row["billreference"]) == (int(msisdn), reference)
            assert (body["BillRefNumber"], line["A/C No."]) == (reference, reference)
            assert {f"{kes}.00"} == {row["amount"], line["Paid In"], body["TransAmount"], f"{said['Amount']:.2f}"}
            assert body["OrgAccountBalance"] == line["Balance"]
            digits = "".join(filter(str.isdigit, line["Completion Time"]))
            assert digits == body["TransTime"] == str(said["FinalisedTime"])
            assert digits == "".join(filter(str.isdigit, row["trxDate"]))
            whole = told.back.get(receipt) == kes
            assert said["TransactionStatus"] == ("Reversed" if whole else "Completed")


@settings(max_examples=60, deadline=None)
@given(story=st.lists(steps, min_size=2, max_size=15))
def test_all_roads_tell_of_the_same_payment(story: list[tuple[Any, ...]]) -> None:
    asyncio.run(live(story))
