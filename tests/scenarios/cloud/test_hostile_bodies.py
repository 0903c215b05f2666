"""Whatever comes by the webhook is stored, answered, listed with a reason, and costs nobody a shilling."""

import json

from cloud.payments.webhooks import RAW_BYTES_MAX
from tests.scenarios.cloud.rig import PERIOD, PRICE, START, Isp, Member, Town, hashed

DEEP = 1_000


async def _refused(town: Town, isp: Isp, *bodies: bytes) -> list[str]:
    """Post bodies that are no payments, and a good one behind them; return the reasons that staff reads."""
    amina = await isp.join("amina")
    await isp.hear(*bodies, isp.body("GOOD00000A", amina.account_number))
    await town.post()
    *bad, good = await isp.callbacks()
    assert good["state"] == "posted"
    assert [one["state"] for one in bad] == ["malformed"] * len(bodies)
    assert all(one["payment_id"] is None for one in bad)
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "revenue": -PRICE}
    assert await isp.service(amina) == ("current", START + PERIOD, 0)
    return [one["reason"] for one in bad]


async def test_a_body_without_a_receipt_books_nothing(town: Town) -> None:
    isp = await town.isp()
    reasons = await _refused(town, isp, *(isp.body(receipt, "100014") for receipt in ("", " ", "\x00", "N/A")))
    assert all("TransID" in reason for reason in reasons)


async def test_empty_strings_where_an_id_should_be_match_nobody(town: Town) -> None:
    isp = await town.isp()
    without_phone = await isp.join("amina")
    empty = {"MSISDN": "", "FirstName": "", "TransTime": "", "InvoiceNumber": "", "OrgAccountBalance": ""}
    await isp.hear(isp.body("EMPTY0000A", "", **empty), isp.body("EMPTY0000B", "   ", **empty))
    await town.post()
    assert [one["receipt"] for one in await isp.get("/v1/suspense")] == ["EMPTY0000A", "EMPTY0000B"]
    assert await isp.service(without_phone) == ("walled", None, PRICE)
    first, second = await isp.payments()
    assert await isp.assign(first["id"], without_phone) == 200
    await isp.hear(isp.body("EMPTY0000C", "", **empty))
    await town.post()
    # Staff said whose the first was; that must not teach the cloud that "nobody" is him.
    assert [one["receipt"] for one in await isp.get("/v1/suspense")] == ["EMPTY0000B", "EMPTY0000C"]
    assert second["matched_by"] is None


async def test_a_body_with_nothing_but_receipt_and_amount_is_money_all_the_same(town: Town) -> None:
    isp = await town.isp()
    bare = {"TransID": "BARE00000A", "TransAmount": "1500.00", "BusinessShortCode": "600638"}
    await isp.hear(json.dumps(bare).encode(), json.dumps(bare | {"TransID": "BARE00000B"}).encode())
    town.clock.move(PERIOD)
    await town.post()
    assert len(await isp.get("/v1/suspense")) == 2
    # Without a time of its own it was paid when it came, however late it was posted.
    assert {one["paid_at"] for one in await isp.payments()} == {f"{START:%Y-%m-%dT%H:%M:%SZ}"}


BODIES = {
    "empty": b"",
    "form": b"TransID=TKL4X9Q2ZA&TransAmount=1500.00",
    "xml": b"<xml><TransID>TKL4X9Q2ZA</TransID></xml>",
    "bytes": b"\xff\xfe\x00\x00",
    "text": b'"TKL4X9Q2ZA"',
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"TransID":' * DEEP + b"1" + b"}" * DEEP,
    "deepest": b"[" * (RAW_BYTES_MAX // 2) + b"]" * (RAW_BYTES_MAX // 2),
    "64 KiB": b"x" * RAW_BYTES_MAX,
    "over 64 KiB": b"x" * (RAW_BYTES_MAX + 1),
}
NOTHING = [None, True, [], {}, ["x"], {"x": {}}, -1, 0, float("inf"), float("nan"), "\u0663", "\ud800"]
"""What is neither a receipt nor an amount."""
ODD = [None, True, ["x"], {"x": {"y": []}}, -1, float("inf"), "\x00", "\ud800", "A" * 5_000]


async def test_bodies_that_are_no_json_objects_are_listed_as_malformed_and_the_next_is_posted(town: Town) -> None:
    reasons = await _refused(town, await town.isp(), *BODIES.values())
    assert all(reason and len(reason) < 200 for reason in reasons)


async def test_wrong_types_in_receipt_or_amount_book_nothing(town: Town) -> None:
    isp = await town.isp()
    bodies = [isp.body("WRONG0000A", "100014", **{name: one}) for name in ("TransID", "TransAmount") for one in NOTHING]
    reasons = await _refused(town, isp, *bodies)
    assert ["TransID" in reason for reason in reasons] == [True] * len(NOTHING) + [False] * len(NOTHING)


async def test_wrong_types_elsewhere_cost_the_payer_nothing(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    names = ("TransactionType", "TransTime", "InvoiceNumber", "OrgAccountBalance", "ThirdPartyTransID", "MSISDN")
    for n, odd in enumerate(ODD):
        changes = dict.fromkeys((*names, "FirstName", "MiddleName", "LastName", "Unheard of"), odd)
        await isp.hear(isp.body(f"KNOWN0000{n}", amina.account_number, **changes))
        await isp.hear(isp.body(f"NOBODY000{n}", "", **changes | {"BillRefNumber": odd}))
    await town.post()
    assert set(await isp.states()) == {"posted"}
    assert await isp.service(amina) == ("current", START + len(ODD) * PERIOD, 0)
    assert [one["receipt"] for one in await isp.get("/v1/suspense")] == [f"NOBODY000{n}" for n in range(len(ODD))]


async def test_numbers_where_texts_are_usual_are_understood(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    numbers = {"TransAmount": 1500.0, "BillRefNumber": int(amina.account_number), "BusinessShortCode": 600638}
    await isp.hear(isp.body("TKL4X9Q2ZA", "", MSISDN=254700000000, **numbers))
    await town.post()
    assert await isp.service(amina) == ("current", START + PERIOD, 0)


async def test_a_payment_in_a_body_of_exactly_the_bound_is_booked(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    body = isp.body("TKL4X9Q2ZA", amina.account_number)
    await isp.hear(body + b" " * (RAW_BYTES_MAX - len(body)))
    await town.post()
    assert await isp.service(amina) == ("current", START + PERIOD, 0)


async def _quarantined(isp: Isp) -> int:
    [waiting] = await isp.callbacks("quarantined")
    return int(waiting["id"])


async def test_a_confirmation_released_from_quarantine_connects_and_its_double_does_not_pay_again(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina")
    foreign = isp.body("TKL4X9Q2ZA", amina.account_number, BusinessShortCode="600999")
    await isp.hear(foreign)
    await town.post()
    assert (await isp.states(), await isp.payments()) == (["quarantined"], [])
    assert await isp.service(amina) == ("walled", None, PRICE)
    town.clock.move(PERIOD)
    await isp.release(await _quarantined(isp))
    await town.post()
    assert await isp.service(amina) == ("current", START + 2 * PERIOD, 0)
    await isp.hear(foreign, isp.body("TKL4X9Q2ZA", amina.account_number))
    await isp.release(await _quarantined(isp))
    await town.post()
    assert await isp.states() == ["posted", "duplicate", "duplicate"]
    assert await isp.service(amina) == ("current", START + 2 * PERIOD, 0)


async def test_a_success_after_a_refused_body_of_the_same_receipt_is_booked(town: Town) -> None:
    isp = await town.isp()
    amina = await isp.join("amina", phone="0712345678")
    await isp.hear(isp.body("TKL4X9Q2ZA", amina.account_number, "0"))
    await town.post()
    await isp.hear(isp.body("TKL4X9Q2ZA", "", MSISDN=hashed("254712345678")))
    await town.post()
    assert await isp.states() == ["malformed", "posted"]
    assert await isp.service(amina) == ("current", START + PERIOD, 0)


async def test_a_receipt_with_another_amount_is_never_booked_twice_however_often_it_is_released(town: Town) -> None:
    isp = await town.isp()
    amina: Member = await isp.join("amina")
    await isp.hear(*(isp.body("TKL4X9Q2ZA", amina.account_number, amount) for amount in ("1500", "9000")))
    await town.post()
    for _ in range(2):
        [waiting] = await isp.callbacks("quarantined")
        assert "another amount" in waiting["reason"]
        await isp.release(waiting["id"])
        await town.post()
    assert await isp.states() == ["posted", "quarantined"]
    assert await isp.accounts() == {"mpesa_clearing": PRICE, "revenue": -PRICE}
