"""Reports late, doubled, lost and out of order; texts that never arrive; a gateway that is down; its control door."""

import asyncio
from typing import Any

import httpx
import pytest

from lab.control import open_door
from lab.door import Door
from lab.errors import LabError, Refused
from lab.sms.control import Control
from lab.sms.manner import Manner, changed
from tests.unit.lab.sms.conftest import Rig

SAF = "+254711000001"


async def test_a_report_is_a_form_and_says_what_became_of_it(rig: Rig) -> None:
    rig.gateway.switch("+254711000002", "absent")
    first, second = await rig.recipients(f"{SAF},+254711000002")
    await rig.gateway.settle()
    told = {(report["id"], report["status"]): report for report in rig.told}
    assert told[first["messageId"], "Success"] == {
        "id": first["messageId"], "status": "Success", "phoneNumber": SAF, "networkCode": "63902", "retryCount": "0",
    }  # fmt: skip
    assert told[second["messageId"], "Failed"]["failureReason"] == "UserDoesNotExist"
    assert (first["messageId"], "Sent") in told


async def test_reports_keep_their_order_however_late_unless_told_otherwise(rig: Rig) -> None:
    rig.manner(interim=["Sent", "Submitted", "Buffered"], reports_delay_s=[0, 0.02])
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert rig.statuses() == ["Sent", "Submitted", "Buffered", "Success"]
    rig.told.clear()
    rig.manner(reports_order="reversed", reports_delay_s=0)
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert sorted(rig.statuses()) == ["Buffered", "Sent", "Submitted", "Success"]


async def test_reports_are_doubled_lost_and_tried_again(rig: Rig) -> None:
    rig.manner(interim=[], reports_copies=2)
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert rig.statuses() == ["Success", "Success"]
    rig.manner(reports_copies=1, reports_retries=2, reports_retry_wait_s=0.001)
    rig.answers[:] = [500, 503]
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert [report.outcome for report in rig.gateway.reports.kept][2:] == ["500", "503", "200"]
    rig.manner(reports_lose=1.0)
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert len(rig.texts(SAF)) == 3
    assert len(rig.told) == 5


async def test_reports_are_held_and_released(rig: Rig) -> None:
    rig.manner(reports_hold=True)
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert (rig.told, rig.gateway.reports.held) == ([], 2)
    assert rig.gateway.reports.release() == 2
    await rig.gateway.settle()
    assert rig.statuses() == ["Sent", "Success"]


async def test_what_is_lost_was_paid_for_and_nobody_hears_of_it(rig: Rig) -> None:
    rig.manner(lose=1.0)
    [found] = await rig.recipients(SAF)
    await rig.gateway.settle()
    assert (found["statusCode"], rig.texts(SAF), rig.told) == (101, [], [])
    assert rig.gateway.account.balance == 10_000 * 10_000 - 8_000


async def test_a_phone_that_is_off_gets_its_texts_when_it_is_on(rig: Rig) -> None:
    rig.gateway.switch(SAF, "off")
    await rig.recipients(SAF, "one")
    await rig.recipients(SAF, "two")
    await rig.gateway.settle()
    assert (rig.texts(SAF), rig.statuses().count("Buffered")) == ([], 2)
    rig.gateway.switch(SAF, "on")
    await rig.gateway.settle()
    assert sorted(rig.texts(SAF)) == ["one", "two"]
    assert [report["retryCount"] for report in rig.told if report["status"] == "Success"] == ["1", "1"]


async def test_failing_is_a_switch_with_a_reason(rig: Rig) -> None:
    rig.manner(fail=1.0, fail_status="Rejected", fail_reason="UserIsInactive", interim=[])
    await rig.recipients(SAF)
    await rig.gateway.settle()
    assert [(report["status"], report["failureReason"]) for report in rig.told] == [("Rejected", "UserIsInactive")]


@pytest.mark.parametrize(
    ("outage", "seen"),
    [
        ("500", 500),
        ("html", 502),
        ("reset", httpx.ReadError),
        ("close", httpx.RemoteProtocolError),
        ("cut", httpx.RemoteProtocolError),
        ("hang", httpx.ReadTimeout),
    ],
)
@pytest.mark.parametrize("after", [False, True])
async def test_an_outage_hides_whether_it_was_sent(rig: Rig, outage: str, seen: Any, after: bool) -> None:
    rig.manner(outage=outage, outage_after=after)
    rig.client.timeout = httpx.Timeout(0.2)
    if isinstance(seen, int):
        assert (await rig.send(SAF)).status_code == seen
    else:
        with pytest.raises(seen):
            await rig.send(SAF)
    await rig.gateway.settle()
    assert len(rig.texts(SAF)) == after


async def test_too_many_requests_are_throttled(rig: Rig) -> None:
    rig.manner(throttle_per_s=2)
    assert [(await rig.send(SAF)).status_code for _ in range(3)] == [201, 201, 429]


@pytest.mark.parametrize(
    "facts",
    [
        {"lose": 2}, {"lose": "many"}, {"frob": 1}, {"outage": "flood"}, {"delivery_s": [3, 1]}, {"delivery_s": "soon"},
        {"reports_copies": 0}, {"accepted_code": 7}, {"pushed": 1}, {"bulk_max": True}, {"spelling": "odd"},
    ],
)  # fmt: skip
def test_no_such_manner(facts: dict[str, Any]) -> None:
    with pytest.raises(LabError):
        changed(Manner(), facts)


def test_a_manner_takes_what_json_has() -> None:
    manner = changed(Manner(), {"outage": 500, "delivery_s": 2, "interim": ["Buffered"], "lose": 1})
    assert (manner.outage, manner.delivery_s, manner.interim, manner.lose) == ("500", (2.0, 2.0), ("Buffered",), 1.0)


async def test_the_control_door_shows_and_changes_everything(rig: Rig) -> None:
    async with open_door(Control(rig.gateway).verbs, "127.0.0.1", 0) as port, Door("127.0.0.1", port) as door:
        watching = door.watch("watch", kind="received")
        first = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0.05)
        await rig.recipients(SAF, "Habari yako")
        assert (await asyncio.wait_for(first, 2))["text"] == "Habari yako"
        await watching.aclose()
        await rig.gateway.settle()
        assert (await door.ask("inbox", number="0711000001", text="yako"))["count"] == 1
        assert (await door.ask("phone", number=SAF, state="off"))["telco"] == "Safaricom"
        assert (await door.ask("manner", lose=0.5))["lose"] == 0.5
        assert (await door.ask("manner", reset=True))["lose"] == 0.0
        assert (await door.ask("balance", set=0.5, price=1))["balance_kes"] == 0.5
        assert (await door.ask("sender", name="MNARA"))["senders"]["MNARA"].startswith("Abroad, Airtel")
        assert len((await door.ask("reports", to="", family="white-label"))["reports"]) == 2
        assert (await door.ask("stats"))["messages"] == {"delivered": 1}
        assert (await door.ask("messages", state="lost"))["count"] == 0
        assert [event["kind"] for event in (await door.ask("events"))["events"]][:2] == ["asked", "accepted"]
        for wrong in ({"do": "phone", "number": "x"}, {"do": "phone", "number": SAF, "state": "lit"},
                      {"do": "sender", "name": "A", "telcos": ["Moon"]}, {"do": "reports", "to": "", "family": "x"},
                      {"do": "balance", "set": "much"}):  # fmt: skip
            with pytest.raises(Refused):
                await door.ask(wrong.pop("do"), **wrong)
