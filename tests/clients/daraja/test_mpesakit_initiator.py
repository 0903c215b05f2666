"""What mpesakit makes of the initiator's results: in the forms that were recorded, and in those that it expects."""

import base64
from typing import Any

import pytest
from mpesakit import MpesaClient
from mpesakit.b2c import B2CCommandIDType
from mpesakit.errors import MpesaApiException
from mpesakit.security import generate_security_credential
from pydantic import ValidationError

SHORTCODE, INITIATOR, PASSWORD = 600996, "testapi", "Safaricom999!*!"


@pytest.fixture
def client(safaricom: Any) -> MpesaClient:
    app = safaricom.app()
    made = MpesaClient(app.key, app.secret)
    made.http_client.base_url = safaricom.url
    return made


@pytest.fixture
def who(safaricom: Any, hooks: Any) -> dict[str, Any]:
    """What every request of an initiator has."""
    safaricom.ask("initiator", shortcode=SHORTCODE, name=INITIATOR, password=PASSWORD)
    return {
        "security_credential": safaricom.credential(PASSWORD), "result_url": f"{hooks.url}/result",
        "queue_timeout_url": f"{hooks.url}/timeout", "remarks": "as agreed",
    }  # fmt: skip


@pytest.fixture
def receipt(safaricom: Any, phone: str) -> str:
    paid = safaricom.ask("pay", msisdn=phone, shortcode=str(SHORTCODE), reference="A1", amount_kes=2_000)["payment"]
    return str(paid["receipt"])


def told(hooks: Any, asked: Any, path: str = "/result") -> dict[str, Any]:
    body: dict[str, Any] = hooks.wait(path, lambda body: body["Result"]["ConversationID"] == asked.ConversationID)
    return body


def forms(safaricom: Any, **results: str) -> None:
    safaricom.ask("manner", set={"organisation": {"results": results}})


def status(client: MpesaClient, who: dict[str, Any], receipt: str) -> Any:
    return client.transactions.query_status(
        initiator=INITIATOR, command_id="TransactionStatusQuery", transaction_id=receipt, party_a=SHORTCODE,
        identifier_type=4, occasion="x", **who,
    )  # fmt: skip


def payout(client: MpesaClient, who: dict[str, Any], own_id: str, phone: str, kes: int = 100) -> Any:
    return client.b2c.send_payment(
        originator_conversation_id=own_id, initiator_name=INITIATOR, command_id=B2CCommandIDType.BusinessPayment,
        amount=kes, party_a=str(SHORTCODE), party_b=phone, occasion="x", **who,
    )  # fmt: skip


def test_a_status_is_read_only_when_its_parameters_lie_flat_and_all_have_values(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any], receipt: str
) -> None:
    body = told(hooks, status(client, who, receipt))
    with pytest.raises(ValidationError):
        client.process_transactions_callback(body)
    forms(safaricom, shape="flat", blank="empty")
    read = client.process_transactions_callback(told(hooks, status(client, who, receipt)))
    assert read.is_successful()
    said = {each.Key: each.Value for each in read.Result.ResultParameters}
    assert (said["ReceiptNo"], said["TransactionStatus"]) == (receipt, "Completed")
    # It looks for keys of other names.
    assert (read.Result.transaction_receipt, read.Result.transaction_status) == (None, None)


def test_a_status_that_failed_is_read_as_recorded(client: MpesaClient, hooks: Any, who: dict[str, Any]) -> None:
    read = client.process_transactions_callback(told(hooks, status(client, who, "TKL1111111")))
    assert (read.Result.ResultCode, read.is_successful()) == (2032, False)


@pytest.mark.usefixtures("receipt")
def test_a_payout_is_read_only_when_its_parameters_lie_flat(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any], phone: str
) -> None:
    with pytest.raises(ValidationError):
        client.process_b2c_callback(told(hooks, payout(client, who, f"first-{phone}", phone)))
    forms(safaricom, shape="flat")
    read = client.process_b2c_callback(told(hooks, payout(client, who, f"second-{phone}", phone, 200))).Result
    assert (read.transaction_amount, read.recipient_is_registered) == (200, True)
    assert read.charges_paid_account_available_funds < 0
    assert str(read.receiver_party_public_name).startswith(f"{phone} - ")


@pytest.mark.usefixtures("receipt")
def test_a_payout_sent_again_is_refused_and_paid_once(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any], phone: str
) -> None:
    told(hooks, payout(client, who, f"once-{phone}", phone))
    with pytest.raises(MpesaApiException) as refused:
        payout(client, who, f"once-{phone}", phone)
    assert refused.value.error.raw_response["errorCode"] == "500.002.1001"
    assert safaricom.ask("phone", msisdn=phone)["phone"]["balance_cents"] == 5_000_000 - 200_000 + 10_000


@pytest.mark.usefixtures("receipt")
def test_a_balance_as_recorded_is_taken_for_one_without_any_balance(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any]
) -> None:
    def ask() -> Any:
        asked = client.balance.query(
            initiator=INITIATOR, command_id="AccountBalance", party_a=SHORTCODE, identifier_type=4, **who
        )
        return client.process_account_balance_callback(told(hooks, asked)).Result

    assert (ask().ResultCode, ask().ResultParameter) == (0, None)
    forms(safaricom, shape="swapped")
    said, _completed = ask().ResultParameter.ResultParameters
    assert said.Value.startswith("Working Account|KES|")


def test_a_reversal_is_read_only_when_its_code_is_text(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any], receipt: str
) -> None:
    def reverse(kes: int) -> dict[str, Any]:
        asked = client.reversal.reverse(
            initiator=INITIATOR, transaction_id=receipt, amount=kes, receiver_party=SHORTCODE, occasion="x", **who
        )
        return told(hooks, asked)

    with pytest.raises(ValidationError):
        client.process_reversal_callback(reverse(500))
    forms(safaricom, code="string")
    assert client.process_reversal_callback(reverse(1_500)).is_successful()
    forms(safaricom, code="number")
    again = client.process_reversal_callback(reverse(1_500))
    assert (again.Result.ResultCode, again.is_successful()) == ("R000001", False)


def test_a_queue_that_gave_up_is_told_to_its_own_address(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any], receipt: str
) -> None:
    forms(safaricom, queue="not-done")
    body = told(hooks, status(client, who, receipt), "/timeout")
    assert body["Result"]["ResultDesc"] == "The service request timed out."


def test_its_own_credential_is_let_in_only_where_the_time_is_tolerated(
    safaricom: Any, client: MpesaClient, hooks: Any, who: dict[str, Any]
) -> None:
    own = generate_security_credential(PASSWORD, cert_path=str(safaricom.certificate))
    codes = []
    for tolerated in (False, True):
        safaricom.ask("manner", set={"organisation": {"money": {"credential_timestamp": tolerated}}})
        asked = status(client, who | {"security_credential": own}, "TKL1111111")
        codes.append(told(hooks, asked)["Result"]["ResultCode"])
    assert codes == [2001, 2032]


@pytest.mark.parametrize(("code", "party"), [("BG", "600997"), ("PB", "600996"), ("SM", "0722000000")])
def test_a_qr_comes_as_a_picture(client: MpesaClient, code: str, party: str) -> None:
    made = client.dynamic_qr.generate("MNARA NET", "ACC 1001", 10, code, party, "300")
    assert made.ResponseCode == "00"
    assert base64.b64decode(made.QRCode).startswith(b"\x89PNG")
