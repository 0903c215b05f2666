"""What the sandbox has by itself: initiators of the portal's pages, money in its test shortcodes, a good day."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.control import ControlError
from lab.safaricom.command import RESULT_DELAY_S, rail_of
from lab.safaricom.control import Desk
from lab.safaricom.face.app import Daraja
from lab.safaricom.result_codes import Declined


def credential(world: Any, secret: str) -> str:
    key = x509.load_pem_x509_certificate(world.rail.initiators.key.certificate_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(secret.encode(), padding.PKCS1v15())).decode()


def let_in(world: Any, shortcode: str, name: str, secret: str, **money: Any) -> str:
    """Which code an initiator gets; 0 when let in."""
    world.rail.manner = world.rail.manner.changed({"organisation": {"money": money}})
    said, now_us = secret if money else credential(world, secret), world.clock.now_us()
    try:
        world.rail.initiators.check(shortcode, name, said, "b2c", now_us, world.rail.manner.organisation.money)
    except Declined as refusal:
        return refusal.code
    return "0"


@pytest.mark.parametrize(
    ("shortcode", "name", "secret", "code"),
    [
        ("174379", "testapi", "Safaricom999!*!", "0"),
        ("600998", "testapi", "Safaricom123!!", "0"),
        ("600111", "testapi111", "Safaricom111!", "0"),
        ("600111", "testapi112", "Safaricom112!", "2001"),
        ("600111", "testapi", "Safaricom111!", "2001"),
        ("174379", "testapi379", "Safaricom379!", "2001"),
    ],
)
async def test_the_portals_initiators_are_let_in(world: Any, shortcode: str, name: str, secret: str, code: str) -> None:
    assert let_in(world, shortcode, name, secret) == code


async def test_a_password_that_was_set_ends_the_published_ones(world: Any) -> None:
    Desk(world.face).handlers()["initiator"]({"shortcode": 600998, "name": "testapi", "password": "Own#1"})
    assert [let_in(world, "600998", "testapi", each) for each in ("Safaricom123!!", "Own#1")] == ["2001", "0"]


async def test_any_credential_passes_only_where_switched_so(world: Any) -> None:
    assert let_in(world, "600998", "testapi", "of another key", credential="checked") == "2001"
    assert let_in(world, "600998", "testapi", "of another key", credential="any") == "0"


async def test_a_deposit_is_brought_in_and_stands_in_the_statement(world: Any) -> None:
    desk = Desk(world.face).handlers()
    before = world.rail.phones.brought_in_cents
    desk["deposit"]({"shortcode": "600998", "amount_kes": 700})
    assert world.rail.phones.brought_in_cents - before == world.rail.accounts.total_cents == 70_000
    said: Any = desk["statement"]({"shortcode": "600998"})
    assert "Organization Deposit of Funds,Completed,700.00,,700.00," in said["csv"]
    assert "BANK - LAB ISP" in said["csv"]
    with pytest.raises(ValueError, match="a deposit puts"):
        desk["deposit"]({"shortcode": "600998", "amount_kes": 700, "to": "charges"})


async def test_the_command_gives_its_test_shortcodes_money_and_comes_back_to_its_own_good_day() -> None:
    rail = rail_of(manner='{"copies": 3}')
    desk: Any = Desk(Daraja(rail)).handlers()
    shown = desk["accounts"]({"shortcode": 600000})["accounts"]
    assert (shown["utility"], shown["working"]) == (70_000_000, 70_000_000)
    assert rail.phones.total_cents + rail.accounts.total_cents == rail.phones.brought_in_cents
    assert desk["manner"]({"reset": True})["manner"]["copies"] == 1
    assert rail.manner.organisation.results.delay_s == RESULT_DELAY_S
    await rail.close()


async def test_production_begins_with_nothing() -> None:
    rail = rail_of(environment="production", shortcodes=["400001:secret"])
    desk: Any = Desk(Daraja(rail)).handlers()
    assert desk["accounts"]({"shortcode": 400001})["accounts"]["utility"] == 0
    with pytest.raises(ControlError, match="no such shortcode: 174379"):
        await desk["pay"]({"shortcode": 174379, "msisdn": 254708374149, "amount_kes": 1})
    await rail.close()


async def test_digits_typed_at_the_door_find_what_they_name(world: Any) -> None:
    desk: Any = Desk(world.face).handlers()
    paid = (await desk["pay"]({"shortcode": 600998, "msisdn": 254708374149, "amount_kes": 1}))["payment"]
    assert [each["receipt"] for each in desk["truth"]({"shortcode": 600998})["payments"]] == [paid["receipt"]]
    with pytest.raises(ControlError, match="nothing was told about 'TKL"):
        desk["repeat"]({"about": "TKL0000001"})
    pushed = desk["push"](
        {"shortcode": 600998, "msisdn": 254708374149, "amount_kes": 5, "callback_url": "http://127.0.0.1/s"}
    )
    assert desk["pushes"]({"msisdn": 254708374149})["pushes"][0]["checkout"] == pushed["checkout"]
    assert (
        "Unable to lock"
        in desk["push"](
            {"shortcode": 600998, "msisdn": 254708374149, "amount_kes": 5, "callback_url": "http://127.0.0.1/s"}
        )["refused"]
    )


async def test_a_registration_at_the_door_keeps_darajas_rules(world: Any) -> None:
    desk: Any = Desk(world.face).handlers()
    register = {"shortcode": 600998, "confirmation_url": "https://isp.example/mpesa"}
    with pytest.raises(ControlError, match="URL has the word MPESA"):
        desk["register"](register)
    with pytest.raises(ControlError, match="Completed or Cancelled"):
        desk["register"](register | {"response_type": "completed"})
    desk["register"]({"shortcode": 600998, "confirmation_url": "http://127.0.0.1/c", "version": "v1"})
    await desk["pay"]({"shortcode": 600998, "msisdn": 254708374149, "amount_kes": 1})
    await world.rail.settle(5)
    assert len(world.receiver.at("/c")[0]["MSISDN"]) == 64
