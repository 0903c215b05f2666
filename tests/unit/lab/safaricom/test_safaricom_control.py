"""The control door: phones scripted, days made bad, the truth told, everything watched."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from lab.clock import SystemClock
from lab.control import answers
from lab.safaricom.control import Desk
from lab.safaricom.face.app import Daraja
from lab.safaricom.organisations import App
from lab.safaricom.rail import Rail
from lab.safaricom.server import serve

PHONE = "254711222126"


@pytest.fixture
def ask(world: Any) -> Any:
    handlers = Desk(world.face).handlers()

    async def ask(do: str, **facts: Any) -> dict[str, Any]:
        async for answer in answers(handlers, json.dumps({"do": do, **facts}).encode()):
            return answer
        raise AssertionError

    return ask


async def test_help_teaches_every_verb(ask: Any) -> None:
    said = await ask("help")
    assert all(words.endswith(".") for words in said["known"].values())
    assert said["watches"] == ["watch"]


async def test_a_phone_is_scripted_and_goes_back_to_its_habit(world: Any, ask: Any) -> None:
    said = await ask(
        "phone", msisdn=PHONE, balance_kes=50, habit="cancel", next=["wrong-pin", {"does": "pay", "after_s": 1}]
    )
    assert said["phone"]["balance_cents"] == 5_000
    for _ in range(3):
        await world.pushed(Amount=10)
        await world.wait(10)
    assert [told["ResultCode"] for told in world.receiver.stk] == [2001, 0, 1032]
    assert (await ask("phone", msisdn=PHONE))["phone"]["balance_cents"] == 4_000
    pushes = (await ask("pushes", msisdn=PHONE))["pushes"]
    assert [push["code"] for push in pushes] == ["2001", "0", "1032"]


async def test_shares_make_the_same_crowd_for_the_same_seed(world: Any, ask: Any) -> None:
    await ask("phones", shares={"pay": 0.5, "cancel": 0.5}, balance_kes=100, limits={"per_payment_cents": 5_000})
    crowd = [(await ask("phone", msisdn=f"2547000000{n:02d}"))["phone"]["habit"]["does"] for n in range(60)]
    assert 15 < crowd.count("pay") < 45
    assert set(crowd) == {"pay", "cancel"}
    assert (await ask("phones"))["brought_in_cents"] == 60 * 10_000


async def test_paying_asks_the_wallet_when_strict(world: Any, ask: Any) -> None:
    world.register()
    paid = await ask("pay", msisdn=PHONE, shortcode="174379", reference="A1", amount_kes=100)
    assert (paid["payment"]["state"], paid["payment"]["amount_cents"]) == ("paid", 10_000)
    refused = await ask("pay", msisdn=PHONE, shortcode="174379", amount_kes=100, strict=True)
    assert refused == {"error": "M-Pesa refuses the payment with code 17"}
    truth = await ask("truth")
    assert (truth["paid_cents"], [each["receipt"] for each in truth["payments"]]) == (
        10_000,
        [paid["payment"]["receipt"]],
    )


async def test_switches_are_set_kept_and_reset(world: Any, ask: Any) -> None:
    await ask("manner", set={"copies": 2})
    assert (await ask("manner", set={"early": True}))["manner"]["copies"] == 2
    assert "no switch" in (await ask("manner", set={"earl": True}))["error"]
    assert (await ask("manner", reset=True))["manner"]["copies"] == 1


async def test_outages_begin_and_end(world: Any, ask: Any) -> None:
    assert (await ask("outage", kind="busy", path="/mpesa/stkpush/"))["outage"]["share"] == 1.0
    assert (await world.push()).status_code == 500
    assert (await ask("outage", on=False)) == {"outage": None}
    assert (await world.push()).status_code == 200
    assert "no outage of kind" in (await ask("outage", kind="rain"))["error"]
    await ask("outage", kind="callbacks")
    await world.wait(10)
    assert (await ask("deliveries"))["deliveries"] == []
    assert (await ask("outage", kind="callbacks", on=False))["sent"] == 1
    await world.wait(1)
    (delivery,) = (await ask("deliveries", kind="stk"))["deliveries"]
    assert (delivery["outcome"], delivery["attempt"]) == ("200", 1)


async def test_shortcodes_and_apps_are_added(world: Any, ask: Any, make_password: Any) -> None:
    made = await ask("shortcode", shortcode="4000001", name="TOWER NET")
    await ask("app", key="k2", secret="s2", products=["stk"])
    order = world.order(BusinessShortCode=4000001, PartyB=4000001, Password=make_password("4000001", made["passkey"]))
    answer = await world.post("/mpesa/stkpush/v1/processrequest", order, await world.bearer("k2", "s2"))
    assert answer.status_code == 200
    assert "no such products" in (await ask("app", key="k3", secret="s", products=["sms"]))["error"]
    assert "5 to 7 digits" in (await ask("shortcode", shortcode="1"))["error"]


async def test_nonsense_gets_an_error_and_nothing_else(ask: Any) -> None:
    for do, facts in [
        ("phone", {}), ("phone", {"msisdn": PHONE, "habit": "sing"}), ("phone", {"msisdn": PHONE, "next": "pay"}),
        ("phone", {"msisdn": PHONE, "habit": {"nods": 1}}), ("phones", {"shares": {"sing": 1}}),
        ("phones", {"shares": {}}), ("phones", {"limits": {"x": 1}}), ("pay", {"msisdn": PHONE}),
        ("pay", {"msisdn": PHONE, "shortcode": "1", "amount_kes": 1}), ("repeat", {"about": "none"}),
        ("pay", {"msisdn": PHONE, "shortcode": "600638", "amount_kes": 0.5}), ("settle", {"limit_s": "long"}),
        ("app", {"key": "k", "secret": "s", "environment": "moon"}), ("outage", {"kind": "busy", "share": "x"}),
    ]:  # fmt: skip
        assert list(await ask(do, **facts)) == ["error"], (do, facts)


async def test_anything_told_can_be_told_again(world: Any, ask: Any) -> None:
    world.register()
    checkout = await world.pushed()
    await world.wait(6)
    (receipt,) = [payment.receipt for payment in world.rail.record.list_paid()]
    assert await ask("repeat", about=checkout, times=2) == {"repeated": 2}
    await ask("repeat", about=receipt)
    await world.wait(1)
    assert (len(world.receiver.stk), len(world.receiver.at("/c"))) == (3, 2)


async def test_a_lost_confirmation_can_still_be_told(world: Any, ask: Any) -> None:
    world.register()
    await ask("manner", set={"lose": 1})
    paid = await ask("pay", msisdn=PHONE, shortcode="174379", amount_kes=10)
    await ask("repeat", about=paid["payment"]["receipt"])
    await world.wait(1)
    assert len(world.receiver.at("/c")) == 1


async def test_settle_waits_for_prompts_and_says_when_it_waited_in_vain(world: Any, ask: Any) -> None:
    await world.pushed()
    assert "still busy" in (await ask("settle", limit_s=0.01))["error"]
    await world.wait(10)
    assert await ask("settle") == {"settled": True}


async def test_watching_tells_pushes_payments_and_deliveries_in_their_order(world: Any) -> None:
    world.register()
    told: list[str] = []

    async def watch() -> None:
        async for event in answers(Desk(world.face).handlers(), b'{"do": "watch"}'):
            told.append(event["event"])

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await world.pushed()
    await world.wait(6)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert told == ["push", "paid", "delivery", "delivery"]


async def test_it_is_served_and_a_reset_is_a_reset(world: Any) -> None:
    rail = Rail(clock=SystemClock(), chance=world.rail.chance)
    rail.directory.add_app(App("key", "secret"))
    face = Daraja(rail)
    grant = "/oauth/v1/generate?grant_type=client_credentials"
    async with serve(face) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get(grant, auth=("key", "secret"))).json()["expires_in"] == "3599"
        desk = Desk(face)
        desk.outage({"kind": "reset"})
        with pytest.raises(httpx.TransportError):
            await client.get(grant, auth=("key", "secret"))
        desk.outage({"on": False})
        assert (await client.get(grant, auth=("key", "secret"))).status_code == 200
    await rail.close()
