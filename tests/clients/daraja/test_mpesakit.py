"""mpesakit as it comes, with only its base URL turned to the simulated Safaricom."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mpesakit import AsyncMpesaClient, MpesaClient
from mpesakit.b2c import B2CCommandIDType
from mpesakit.c2b.schemas import C2BValidationRequest
from mpesakit.errors import MpesaApiException
from mpesakit.security import generate_security_credential
from pydantic import ValidationError

SHORTCODE = 174379
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
INITIATOR, INITIATOR_PASSWORD = "testapi", "Safaricom999!*!"


@pytest.fixture
def client(safaricom: Any) -> MpesaClient:
    app = safaricom.app()
    made = MpesaClient(app.key, app.secret)
    made.http_client.base_url = safaricom.url
    return made


@pytest.fixture
def push(client: MpesaClient, hooks: Any, phone: str) -> Callable[..., Any]:
    def push(**changes: Any) -> Any:
        asked = {
            "business_short_code": SHORTCODE, "transaction_type": "CustomerPayBillOnline", "amount": 10,
            "party_a": phone, "party_b": str(SHORTCODE), "phone_number": phone, "callback_url": f"{hooks.url}/stk",
            "account_reference": "ACC1001", "transaction_desc": "Internet", "passkey": PASSKEY,
        }  # fmt: skip
        return client.stk_push(**asked | changes)

    return push


def told(hooks: Any, checkout: str) -> dict[str, Any]:
    body: dict[str, Any] = hooks.wait("/stk", lambda body: body["Body"]["stkCallback"]["CheckoutRequestID"] == checkout)
    return body


def query(client: MpesaClient, checkout: str) -> Any:
    return client.stk_query(business_short_code=SHORTCODE, checkout_request_id=checkout, passkey=PASSKEY)


@pytest.mark.parametrize("balance", ["bare", "absent", "text"])
def test_a_push_is_paid_and_its_callback_read(
    safaricom: Any, client: MpesaClient, push: Any, hooks: Any, phone: str, balance: str
) -> None:
    safaricom.ask("manner", set={"balance_item": balance, "shuffle_items": True})
    sent = push()
    assert sent.is_successful()
    read = client.process_stk_callback(told(hooks, sent.CheckoutRequestID))
    assert (read.is_successful, read.amount, read.phone_number) == (True, 10.0, phone)
    (truth,) = [each for each in safaricom.ask("truth")["payments"] if each["msisdn"] == phone]
    assert read.mpesa_receipt_number == truth["receipt"]
    assert read.balance == (49_990.0 if balance == "text" else None)
    assert query(client, sent.CheckoutRequestID).ResultCode == "0"


@pytest.mark.parametrize("code", ["1", "1032", "1037", "2001", "SFC_IC0003"])
def test_a_failure_is_read_whatever_the_type_of_its_code(
    safaricom: Any, client: MpesaClient, push: Any, hooks: Any, phone: str, code: str
) -> None:
    safaricom.ask("phone", msisdn=phone, next=[{"does": "fail", "code": code}])
    sent = push()
    read = client.process_stk_callback(told(hooks, sent.CheckoutRequestID))
    assert not read.is_successful
    assert str(read.Body.stkCallback.ResultCode) == code
    answer = query(client, sent.CheckoutRequestID)
    assert str(answer.ResultCode) == code
    # Its trap: `is_successful` of a query only says that the question was taken.
    assert answer.is_successful()


def test_a_query_too_early_is_an_exception_in_one_form_and_a_code_in_the_other(
    safaricom: Any, client: MpesaClient, push: Any, phone: str
) -> None:
    safaricom.ask("phone", msisdn=phone, next=[{"does": "pay", "after_s": 3}])
    checkout = push().CheckoutRequestID
    with pytest.raises(MpesaApiException) as early:
        query(client, checkout)
    assert early.value.error.status_code == 500
    assert early.value.error.error_message == "The transaction is being processed"
    safaricom.ask("manner", set={"pending": "4999"})
    assert query(client, checkout).ResultCode == "4999"


def test_two_pushes_at_once_find_the_subscriber_locked(safaricom: Any, push: Any, phone: str) -> None:
    safaricom.ask("phone", msisdn=phone, next=[{"does": "pay", "after_s": 2}])
    push()
    with pytest.raises(MpesaApiException, match="Unable to lock subscriber"):
        push(amount=11)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": 0}, "Bad Request - Invalid Amount"),
        ({"callback_url": "not an address"}, "Bad Request - Invalid CallBackURL"),
        ({"passkey": "another"}, "[MerchantValidate] - Wrong credentials"),
        ({"business_short_code": 999999}, "Merchant does not exist"),
        ({"party_a": "0711222333"}, "Bad Request - Invalid PartyA"),
    ],
)
def test_refusals_arrive_in_darajas_words(push: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(MpesaApiException) as refused:
        push(**changes)
    assert refused.value.error.error_message == words
    assert refused.value.error.raw_response["errorCode"] in ("400.002.02", "500.001.1001")


def test_a_wrong_secret_is_recognised_by_its_empty_answer(safaricom: Any) -> None:
    client = MpesaClient(safaricom.app().key, "wrong")
    client.http_client.base_url = safaricom.url
    with pytest.raises(MpesaApiException) as refused:
        client.token_manager.get_token()
    assert refused.value.error.error_code == "AUTH_INVALID_CREDENTIALS"


def test_it_does_not_recover_by_itself_from_a_token_that_a_newer_one_put_out(
    safaricom: Any, client: MpesaClient, push: Any
) -> None:
    client.token_manager.get_token()
    other = MpesaClient(client.token_manager.consumer_key, client.token_manager.consumer_secret)
    other.http_client.base_url = safaricom.url
    other.token_manager.get_token()
    with pytest.raises(MpesaApiException) as refused:
        push()
    assert refused.value.error.raw_response["errorCode"] == "404.001.03"
    client.token_manager.get_token(force_refresh=True)
    assert push().is_successful()


@pytest.mark.parametrize("life", ["number", "missing"])
def test_it_reads_every_form_of_a_tokens_life(safaricom: Any, client: MpesaClient, life: str) -> None:
    safaricom.ask("manner", set={"expires_in": life})
    assert len(client.token_manager.get_token()) == 28


@pytest.mark.parametrize("kind", ["html", "empty", "soap", "busy", "spike", "reset"])
def test_every_bad_day_is_its_own_exception_and_nothing_else(
    safaricom: Any, client: MpesaClient, push: Any, kind: str
) -> None:
    client.token_manager.get_token()
    safaricom.ask("outage", kind=kind, path="/mpesa/")
    with pytest.raises(MpesaApiException):
        push()


def test_c2b_is_registered_and_its_confirmation_read(
    safaricom: Any, client: MpesaClient, hooks: Any, phone: str
) -> None:
    registered = client.c2b.register_url(600638, "Completed", f"{hooks.url}/c", f"{hooks.url}/v")
    assert registered.is_successful()
    safaricom.ask("manner", set={"validation": True, "amount": "whole"})
    paid = safaricom.ask("pay", msisdn=phone, shortcode="600638", reference="acc 1001", amount_kes=1500)["payment"]
    for path in ("/v", "/c"):
        read = C2BValidationRequest.model_validate(hooks.wait(path, lambda body: body["TransID"] == paid["receipt"]))
        assert (read.TransAmount, read.BillRefNumber, read.BusinessShortCode) == (1500.0, "acc 1001", 600638)
        # It registers with version 1, which hashes the payer.
        assert len(str(read.MSISDN)) == 64


def test_a_forbidden_word_is_warned_of_and_refused(client: MpesaClient, hooks: Any) -> None:
    with pytest.warns(UserWarning, match="forbidden keyword"), pytest.raises(MpesaApiException) as refused:
        client.c2b.register_url(600638, "Completed", f"{hooks.url}/c", f"{hooks.url}/mpesa/v")
    assert refused.value.error.error_message == "Bad Request - Invalid ValidationURL - URL has the word MPESA"


def test_the_asynchronous_client_does_the_same(safaricom: Any, hooks: Any, phone: str) -> None:
    async def pay() -> Any:
        app = safaricom.app()
        client = AsyncMpesaClient(app.key, app.secret)
        client.http_client._client.base_url = safaricom.url  # it has no door for it
        return await client.express.push(
            business_short_code=SHORTCODE, transaction_type="CustomerPayBillOnline", amount=10, party_a=phone,
            party_b=str(SHORTCODE), phone_number=phone, callback_url=f"{hooks.url}/stk", account_reference="A1",
            transaction_desc="Internet", passkey=PASSKEY,
        )  # fmt: skip

    assert told(hooks, asyncio.run(pay()).CheckoutRequestID)["Body"]["stkCallback"]["ResultCode"] == 0


def test_the_asynchronous_client_takes_a_web_page_for_an_answer_without_fields(safaricom: Any, phone: str) -> None:
    """Where the synchronous one raises its own exception, pydantic's comes out."""

    async def grant() -> None:
        app = safaricom.app()
        client = AsyncMpesaClient(app.key, app.secret)
        client.http_client._client.base_url = safaricom.url  # it has no door for it
        await client.token_manager.get_token()
        safaricom.ask("outage", kind="html", path="/mpesa/")
        await client.c2b.register_url(600638, "Completed", "https://isp.example/c", "https://isp.example/v")

    with pytest.raises(ValidationError):
        asyncio.run(grant())


def results(hooks: Any) -> dict[str, str]:
    return {"result_url": f"{hooks.url}/result", "queue_timeout_url": f"{hooks.url}/timeout"}


def result_of(hooks: Any, answer: Any) -> dict[str, Any]:
    wanted = answer.ConversationID
    body: dict[str, Any] = hooks.wait("/result", lambda body: body["Result"]["ConversationID"] == wanted)
    return body


def unreadable(read: Callable[[dict[str, Any]], Any], body: dict[str, Any]) -> None:
    """A success, in the portal's own shape, which its models of status and payouts refuse: they want a list."""
    assert str(body["Result"]["ResultCode"]) == "0"
    with pytest.raises(ValidationError, match=r"Result\.ResultParameters"):
        read(body)


@pytest.fixture
def credential(safaricom: Any) -> str:
    safaricom.ask("shortcode", shortcode="600997", name="LAB ISP")
    return str(safaricom.credential(INITIATOR_PASSWORD))


def test_balance_status_payout_and_reversal_come_back_as_results(
    safaricom: Any, client: MpesaClient, hooks: Any, phone: str, credential: str
) -> None:
    paid = safaricom.ask("pay", msisdn=phone, shortcode="600997", reference="A1", amount_kes=2000)["payment"]
    who = {"initiator": INITIATOR, "security_credential": credential}
    asked = client.balance.query(
        command_id="AccountBalance", party_a=600997, identifier_type=4, remarks="ok", **who, **results(hooks)
    )
    assert client.process_account_balance_callback(result_of(hooks, asked)).Result.ResultCode in (0, "0")
    asked = client.transactions.query_status(
        transaction_id=paid["receipt"], party_a=600997, identifier_type=4, remarks="ok", occasion="x",
        command_id="TransactionStatusQuery", **who, **results(hooks),
    )  # fmt: skip
    unreadable(client.process_transactions_callback, result_of(hooks, asked))
    asked = client.reversal.reverse(
        transaction_id=paid["receipt"], amount=2000, receiver_party=600997, remarks="wrong account", occasion="x",
        **who, **results(hooks),
    )  # fmt: skip
    assert result_of(hooks, asked)["Result"]["ResultCode"] in (0, "0")
    assert safaricom.ask("phone", msisdn=phone)["phone"]["balance_cents"] == 5_000_000


def test_a_payout_with_a_used_conversation_id_is_refused(
    safaricom: Any, client: MpesaClient, hooks: Any, phone: str, credential: str
) -> None:
    safaricom.ask("pay", msisdn=phone, shortcode="600997", reference="A1", amount_kes=2000)
    payout = {
        "originator_conversation_id": f"refund-{phone}", "initiator_name": INITIATOR,
        "security_credential": credential, "command_id": B2CCommandIDType.BusinessPayment, "amount": 100,
        "party_a": "600997", "party_b": phone, "remarks": "refund", "occasion": "x",
    }  # fmt: skip
    sent = client.b2c.send_payment(**payout, **results(hooks))
    unreadable(client.process_b2c_callback, result_of(hooks, sent))
    with pytest.raises(MpesaApiException):
        client.b2c.send_payment(**payout, **results(hooks))


def test_its_own_credential_has_the_time_in_it_and_is_turned_away(
    safaricom: Any, client: MpesaClient, hooks: Any, credential: str
) -> None:
    """It encrypts password and timestamp; the portal's own encrypts the password alone."""
    own = generate_security_credential(INITIATOR_PASSWORD, cert_path=str(safaricom.certificate))
    asked = client.balance.query(
        initiator=INITIATOR, security_credential=own, command_id="AccountBalance", party_a=600997,
        identifier_type=4, remarks="ok", **results(hooks),
    )  # fmt: skip
    assert str(result_of(hooks, asked)["Result"]["ResultCode"]) == "2001"


def test_a_code_to_scan_is_made(client: MpesaClient) -> None:
    made = client.dynamic_qr.generate("LAB ISP", "INV-1", 10, "PB", "600638", "300")
    assert made.QRCode
