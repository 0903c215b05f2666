"""django-daraja and daraja-sdk as they come: what they make of answers, of newer tokens and of web pages."""

import asyncio
from pathlib import Path
from typing import Any

import daraja_sdk.auth
import daraja_sdk.stk
import django
import httpx
import pytest
from daraja_sdk import MpesaClient
from daraja_sdk.exceptions import MpesaQueryError, MpesaSTKError
from django.conf import settings
from django.core.management import call_command

PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
OAUTH = "/oauth/v1/generate?grant_type=client_credentials"


@pytest.fixture(scope="module")
def app(safaricom: Any) -> Any:
    return safaricom.app()


@pytest.fixture(scope="module")
def daraja(safaricom: Any, app: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """django-daraja's client in a Django of its own."""
    base: Path = tmp_path_factory.mktemp("django")
    (base / "certs").mkdir()
    (base / "certs/sandbox.cer").write_bytes(safaricom.certificate.read_bytes())
    settings.configure(
        BASE_DIR=str(base), INSTALLED_APPS=["django_daraja"], USE_TZ=True, MPESA_ENVIRONMENT="sandbox",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField", MPESA_CONSUMER_KEY=app.key, MPESA_CONSUMER_SECRET=app.secret,
        MPESA_SHORTCODE="600995", MPESA_EXPRESS_SHORTCODE="174379", MPESA_PASSKEY=PASSKEY,
        MPESA_INITIATOR_USERNAME="testapi", MPESA_INITIATOR_SECURITY_CREDENTIAL="Safaricom123!!",
    )  # fmt: skip
    django.setup()
    from django_daraja.mpesa import core, utils  # noqa: PLC0415  # its models want Django's settings first

    call_command("migrate", verbosity=0)
    core.api_base_url = utils.api_base_url = lambda: f"{safaricom.url}/"
    return core.MpesaClient()


def test_django_daraja_pushes_reads_the_callback_and_pays_out(daraja: Any, hooks: Any, phone: str) -> None:
    pushed = daraja.stk_push(phone, 1, "reference", "Description", f"{hooks.url}/django")
    assert (pushed.response_code, pushed.error_code) == ("0", None)
    told = hooks.wait("/django")
    assert told["Body"]["stkCallback"]["CheckoutRequestID"] == pushed.checkout_request_id
    paid = daraja.business_payment(phone, 10, "Description", f"{hooks.url}/django-b2c", "Occassion")
    assert paid.response_description == "Accept the service request successfully."
    result = hooks.wait("/django-b2c")["Result"]
    assert (result["ResultCode"], result["ConversationID"]) == (0, paid.conversation_id)


def test_django_daraja_keeps_a_dead_token_for_fifty_minutes(
    safaricom: Any, daraja: Any, app: Any, phone: str, hooks: Any
) -> None:
    daraja.access_token()
    httpx.get(f"{safaricom.url}{OAUTH}", auth=(app.key, app.secret))
    for _ in range(2):
        refused = daraja.stk_push(phone, 2, "reference", "Description", f"{hooks.url}/django")
        assert (refused.status_code, refused.error_code) == (404, "404.001.03")


def test_daraja_sdk_pushes_in_both_manners_and_takes_processing_for_an_error(
    safaricom: Any, hooks: Any, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (daraja_sdk.auth, daraja_sdk.stk):
        for name, value in vars(module).items():
            if name.startswith("SANDBOX_"):
                monkeypatch.setattr(module, name, value.replace("https://sandbox.safaricom.co.ke", safaricom.url))
    other = safaricom.app()
    client = MpesaClient(other.key, other.secret, "174379", PASSKEY, f"{hooks.url}/sdk")
    safaricom.ask("phone", msisdn=phone, next=[{"does": "pay", "after_s": 1}])

    async def talk() -> None:
        async with client:
            pushed = await client.stk_push(phone, 3)
            with pytest.raises(MpesaQueryError, match="being processed"):
                await client.query_stk(pushed["CheckoutRequestID"])
            with pytest.raises(MpesaSTKError, match="Unable to lock subscriber"):
                await client.stk_push(phone, 3)

    asyncio.run(talk())
    told = hooks.wait("/sdk")["Body"]["stkCallback"]
    with client:
        assert client.query_stk_sync(told["CheckoutRequestID"])["ResultCode"] == "0"
        safaricom.ask("outage", kind="html", path="/mpesa/stkpushquery")
        with pytest.raises(ValueError, match="Expecting value"):  # json's own error, not one of the client's
            client.query_stk_sync(told["CheckoutRequestID"])
