"""mpesa-daraja-mcp as it comes, spoken to over stdio as an assistant would."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

HERE = Path(__file__).parent
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
TOKEN = "0123456789abcdef0123"
Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def app(safaricom: Any) -> Any:
    return safaricom.app()


@pytest.fixture
def converse(
    safaricom: Any, app: Any, pems: tuple[Path, Path], ports: dict[str, int], tmp_path: Path
) -> Callable[[Callable[[Call], Awaitable[None]]], None]:
    """Runs a conversation with a server of its own; `call` answers a tool's result, or raises what it says."""
    ((host, port),) = [(host, port) for host, port in ports.items() if host.startswith("mcp")]
    environment = {
        "SAFARICOM": safaricom.url, "TUNNEL_CERTIFICATE": str(pems[0]), "TUNNEL_KEY": str(pems[1]),
        "DARAJA_CONSUMER_KEY": app.key, "DARAJA_CONSUMER_SECRET": app.secret, "DARAJA_SHORTCODE": "174379",
        "DARAJA_PASSKEY": PASSKEY, "DARAJA_INITIATOR_NAME": "testapi",
        "DARAJA_SECURITY_CREDENTIAL": safaricom.credential("Safaricom999!*!"),
        "DARAJA_CALLBACK_BASE_URL": f"https://{host}", "DARAJA_CALLBACK_TOKEN": TOKEN,
        "DARAJA_CALLBACK_LISTEN": f"127.0.0.1:{port}", "DARAJA_STATE_DB": str(tmp_path / "state.db"),
        "DARAJA_OUTPUT_DIR": str(tmp_path), "DARAJA_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path),
    }  # fmt: skip
    server = StdioServerParameters(
        command=sys.executable, args=[str(HERE / "mcp_server.py")], env=environment, cwd=str(tmp_path)
    )

    async def run(talk: Callable[[Call], Awaitable[None]]) -> None:
        async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()

            async def call(name: str, **facts: Any) -> dict[str, Any]:
                answer = await session.call_tool(f"mpesa_{name}", facts)
                if answer.is_error:
                    raise RuntimeError(str(answer.content))
                said: dict[str, Any] = answer.structured_content or {}
                return said.get("result", said)

            await talk(call)

    return lambda talk: asyncio.run(run(talk))


def test_a_push_is_waited_for_and_its_receipt_is_the_true_one(safaricom: Any, converse: Any, phone: str) -> None:
    async def talk(call: Call) -> None:
        assert await call("check_credentials")
        done = await call("stk_push_and_wait", phone=phone, amount=10, account_reference="ACC1001")
        assert done["status"] == "SUCCESS", done
        (truth,) = [each for each in safaricom.ask("truth")["payments"] if each["msisdn"] == phone]
        assert done["receipt"] == truth["receipt"]
        assert (await call("stk_query", checkout_request_id=done["ids"]["checkout_request_id"]))["status"] == "SUCCESS"

    converse(talk)


@pytest.mark.parametrize(("habit", "code"), [("cancel", "1032"), ("wrong-pin", "2001"), ("unreachable", "1037")])
def test_a_failure_is_told_with_its_code_and_its_meaning(
    safaricom: Any, converse: Any, phone: str, habit: str, code: str
) -> None:
    safaricom.ask("phone", msisdn=phone, next=[{"does": habit, "after_s": 0.2}])

    async def talk(call: Call) -> None:
        done = await call("stk_push_and_wait", phone=phone, amount=10, account_reference="A1")
        assert (done["status"], done["result_code"]) == ("FAILED", code)
        assert done["explanation"]

    converse(talk)


def test_the_same_idempotency_key_rings_once(safaricom: Any, converse: Any, phone: str) -> None:
    async def talk(call: Call) -> None:
        push = {"phone": phone, "amount": 10, "account_reference": "A1", "idempotency_key": f"order-{phone}"}
        await call("stk_push", **push)
        assert (await call("stk_push", **push))["duplicate"] is True
        assert len(safaricom.ask("pushes", msisdn=phone)["pushes"]) == 1

    converse(talk)


def test_pending_in_the_error_form_is_pending_and_in_the_success_form_a_failure_it_never_takes_back(
    safaricom: Any, converse: Any, phone: str
) -> None:
    """Its trap: 4999 is stored as final, and later queries answer from the store."""

    async def talk(call: Call) -> None:
        safaricom.ask("phone", msisdn=phone, next=[{"does": "pay", "after_s": 4}])
        sent = await call("stk_push", phone=phone, amount=10, account_reference="A1")
        checkout = sent["ids"]["checkout_request_id"]
        assert (await call("stk_query", checkout_request_id=checkout))["status"] == "ACCEPTED"
        safaricom.ask("manner", set={"pending": "4999"})
        assert (await call("stk_query", checkout_request_id=checkout))["status"] == "FAILED"

    converse(talk)


def test_a_token_that_a_newer_one_put_out_is_an_error_it_does_not_refresh(
    safaricom: Any, app: Any, converse: Any, phone: str
) -> None:
    """It refreshes on 401 only; STK says 404."""

    async def talk(call: Call) -> None:
        await call("check_credentials")
        newer = f"{safaricom.url}/oauth/v1/generate?grant_type=client_credentials"
        await asyncio.to_thread(httpx.get, newer, auth=(app.key, app.secret))
        with pytest.raises(RuntimeError, match=r"404\.001\.03"):
            await call("stk_push", phone=phone, amount=10, account_reference="A1")

    converse(talk)


def test_c2b_is_registered_simulated_and_received(safaricom: Any, converse: Any, hooks: Any, phone: str) -> None:
    async def talk(call: Call) -> None:
        await call(
            "c2b_register_urls", confirmation_url=f"{hooks.url}/c", validation_url=f"{hooks.url}/v", shortcode="600639"
        )
        await call("c2b_simulate", amount=10, phone=phone, bill_ref="ACC1001", shortcode="600639")
        told = await asyncio.to_thread(hooks.wait, "/c", lambda body: body["BusinessShortCode"] == "600639")
        assert (told["BillRefNumber"], told["MSISDN"]) == ("ACC1001", f"{phone[:4]} ***** {phone[-3:]}")

    converse(talk)


def test_balance_status_payout_and_reversal_end_in_its_store(safaricom: Any, converse: Any, phone: str) -> None:
    paid = safaricom.ask("pay", msisdn=phone, shortcode="174379", reference="A1", amount_kes=2000)["payment"]

    async def finished(call: Call, sent: dict[str, Any]) -> dict[str, Any]:
        known = next(iter(sent["ids"].values()))
        for _ in range(200):
            found = await call("get_result", id=known, refresh=False)
            if found["status"] != "ACCEPTED":
                return found
            await asyncio.sleep(0.1)
        raise AssertionError((sent, safaricom.ask("deliveries", limit=5)))

    async def talk(call: Call) -> None:
        for_balance = await finished(call, await call("account_balance"))
        assert for_balance["status"] == "SUCCESS", for_balance
        asked = await call("transaction_status", transaction_id=paid["receipt"])
        ended = await finished(call, asked)
        assert ended["status"] == "SUCCESS", ended
        payout = await call("b2c_payment", phone=phone, amount=100, remarks="refund", idempotency_key=f"refund-{phone}")
        ended = await finished(call, payout)
        assert ended["status"] == "SUCCESS", ended
        back = await call("reverse_transaction", transaction_id=paid["receipt"], amount=500, remarks="wrong account")
        ended = await finished(call, back)
        assert ended["status"] == "SUCCESS", ended
        assert safaricom.ask("phone", msisdn=phone)["phone"]["balance_cents"] == 5_000_000 - 200_000 + 10_000 + 50_000

    converse(talk)


def test_a_code_to_scan_is_saved(converse: Any) -> None:
    paths: list[Path] = []

    async def talk(call: Call) -> None:
        made = await call("generate_dynamic_qr", merchant_name="LAB ISP", ref_no="INV-1", amount=10, cpi="600638",
                          trx_code="PB")  # fmt: skip
        paths.append(Path(made["path"]))

    converse(talk)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
