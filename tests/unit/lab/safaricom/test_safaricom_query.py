"""The STK query: pending in two forms, string codes, the limit, and its lies."""

from typing import Any

import pytest

from lab.safaricom.manner import Manner
from lab.safaricom.organisations import Organisation


async def test_while_the_prompt_is_open_it_is_an_error_or_a_success_with_4999(world: Any) -> None:
    checkout = await world.pushed()
    refused = await world.query(checkout)
    assert refused.status_code == 500
    assert refused.json()["errorCode"] == "500.001.1001"
    assert refused.json()["errorMessage"] == "The transaction is being processed"
    world.rail.manner = Manner(pending="4999", queries_per_minute=0)
    pending = await world.query(checkout)
    assert (pending.status_code, pending.json()["ResultCode"]) == (200, "4999")


async def test_a_paid_push_says_so_without_receipt_amount_or_phone(world: Any) -> None:
    checkout = await world.pushed()
    await world.wait(6)
    said = (await world.query(checkout)).json()
    assert said["ResultCode"] == "0"
    assert said["ResponseDescription"] == "The service request has been accepted successsfully"
    assert set(said) == {
        "ResponseCode", "ResponseDescription", "MerchantRequestID", "CheckoutRequestID", "ResultCode", "ResultDesc"
    }  # fmt: skip
    assert all(isinstance(value, str) for value in said.values())


async def test_it_may_call_a_paid_push_failed(world: Any) -> None:
    world.rail.manner = Manner(query_lies=True)
    checkout = await world.pushed()
    await world.wait(6)
    assert (await world.query(checkout)).json()["ResultCode"] == "1037"
    assert world.rail.record.paid_cents == 150_000


async def test_an_unknown_id_and_somebody_elses_are_invalid(world: Any, make_password: Any) -> None:
    world.rail.manner = Manner(queries_per_minute=0)
    world.rail.directory.add(Organisation("600123"))
    checkout = await world.pushed()
    own = {"BusinessShortCode": 600123, "Password": make_password("600123")}
    for answer in (await world.query("ws_CO_nothing"), await world.query(checkout, **own), await world.query("")):
        assert answer.status_code == 400
        assert answer.json()["errorMessage"] == "Bad Request - Invalid CheckoutRequestID"


async def test_a_wrong_password_is_refused(world: Any) -> None:
    checkout = await world.pushed()
    answer = await world.query(checkout, Password="d3Jvbmc=")
    assert answer.json()["errorMessage"] == "[MerchantValidate] - Wrong credentials"


async def test_the_sandbox_lets_five_a_minute_through_one_every_twelve_seconds(world: Any) -> None:
    checkout = await world.pushed()
    await world.wait(20)
    statuses = []
    for _ in range(60):
        statuses.append((await world.query(checkout)).status_code)
        await world.wait(1)
    assert statuses.count(200) == 5
    assert set(statuses) == {200, 429}


async def test_the_gateways_fault_names_the_rate(world: Any) -> None:
    await world.query("ws_CO_x")
    fault = (await world.query("ws_CO_x")).json()["fault"]
    assert fault["faultstring"].startswith("Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5,")
    assert fault["detail"] == {"errorcode": "policies.ratelimit.SpikeArrestViolation"}


@pytest.mark.parametrize(("per_minute", "second"), [(0, 400), (60, 429), (None, 400)])
async def test_production_has_no_limit_unless_told(production: Any, per_minute: int | None, second: int) -> None:
    production.rail.directory.add(Organisation("174379"))
    production.rail.manner = Manner(queries_per_minute=per_minute)
    await production.query("ws_CO_x")
    assert (await production.query("ws_CO_x")).status_code == second
