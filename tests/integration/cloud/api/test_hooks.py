"""The webhooks: whatever comes is stored before it is answered, and the answer is the one the rail expects."""

import asyncio
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import connect

from cloud.db.engine import Database
from cloud.db.inbox import DatabaseGone, InboxRow, InboxWriter
from cloud.ids import new_id
from cloud.payments.mpesa.sources import parse_sources
from cloud.payments.mpesa.webhooks import MpesaWebhooks
from tests.support.api import ApiUnderTest, confirmation, path_of, post_all, raw, running_api

SUCCESS = {"ResultCode": 0, "ResultDesc": "Success"}


class DeadWriter:
    """A database that is gone, until a test brings it back."""

    def __init__(self) -> None:
        self.tried = 0

    async def write(self, rows: list[InboxRow]) -> None:
        self.tried += 1
        raise DatabaseGone("unplugged")

    async def ping(self) -> None:
        raise DatabaseGone("unplugged")


async def _hook(api: ApiUnderTest, kind: str = "confirmation") -> tuple[str, str]:
    owner = await api.tenant()
    made = await api.made(owner.token, "/v1/shortcodes", {"rail": "mpesa", "shortcode": "600638"})
    return owner.token, path_of(made[f"{kind}_url"])


async def _post(api: ApiUnderTest, path: str, body: bytes) -> httpx.Response:
    return await api.client.post(path, content=body)


async def _inbox(api: ApiUnderTest, token: str, state: str | None = None) -> list[dict[str, Any]]:
    answer = await api.call(token, "GET", "/v1/callbacks" + (f"?state={state}" if state else ""))
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_confirmation_is_stored_as_it_came(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    body = raw(confirmation("TKL4X9Q2ZA"))
    answer = await _post(api, path, body)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    [row] = await _inbox(api, token)
    assert (row["raw"], row["state"], row["kind"]) == (body.decode(), "new", "confirmation")
    assert row["source"] == "203.0.113.7"


async def test_fifty_doubles_at_once_are_fifty_rows_and_fifty_yeses(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    body = raw(confirmation("TKL4X9Q2ZA"))
    answers = await asyncio.gather(*(_post(api, path, body) for _ in range(50)))
    assert [answer.json() for answer in answers] == [SUCCESS] * 50
    assert len(await _inbox(api, token)) == 50


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"not json", b"\xff\xfe\x00", b"[" * 60_000, b"\x00" * 100, b'{"TransAmount": 1e999}'],
    ids=["empty", "null", "text", "bytes", "deep", "nul", "huge-number"],
)
async def test_nonsense_is_stored_and_answered_as_the_rail_expects(api: ApiUnderTest, body: bytes) -> None:
    token, path = await _hook(api)
    answer = await _post(api, path, body)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert len(await _inbox(api, token)) == 1


async def test_an_oversized_body_is_kept_as_far_as_the_bound(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    answer = await _post(api, path, b'{"TransID":"' + b"A" * 300_000 + b'"}')
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    [row] = await _inbox(api, token, "malformed")
    assert "larger than 65536 bytes" in row["reason"]


async def test_a_body_that_never_ends_is_kept_as_far_as_the_bound(api: ApiUnderTest) -> None:
    token, path = await _hook(api)

    async def endless() -> Any:
        for _ in range(1000):
            yield b"x" * 1024

    answer = await api.client.post(path, content=endless())
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert len(await _inbox(api, token, "malformed")) == 1


async def test_a_body_that_breaks_off_is_kept_and_asked_for_again(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    messages = [{"type": "http.request", "body": b'{"TransID":"TKL', "more_body": True}, {"type": "http.disconnect"}]
    answered: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    await api.app({**scope, "headers": [], "client": ("203.0.113.7", 1), "http_version": "1.1"}, receive, send)
    assert answered[0]["status"] == 408
    [row] = await _inbox(api, token, "malformed")
    assert (row["raw"], "broke off" in row["reason"]) == ('{"TransID":"TKL', True)


async def test_an_unknown_path_is_404_and_stores_nothing(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    last = "1" if path.removesuffix("/confirm").endswith("0") else "0"
    almost = path.removesuffix("/confirm")[:-1] + last + "/confirm"
    for other in ("/hooks/p/nothing/confirm", almost, "/hooks/p/" + "0" * 80 + "/confirm"):
        answer = await _post(api, other, b"{}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert await _inbox(api, token) == []


async def test_a_foreign_shortcode_waits_for_finance_and_is_released_with_a_reason(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    await _post(api, path, raw(confirmation("TKL4X9Q2ZA", BusinessShortCode="600999")))
    [row] = await _inbox(api, token, "quarantined")
    assert "600999" in row["reason"]
    answer = await api.call(token, "POST", f"/v1/callbacks/{row['id']}/release", {"reason": "on the statement"})
    assert (answer.status_code, answer.json()["state"]) == (200, "new")
    again = await api.call(token, "POST", f"/v1/callbacks/{row['id']}/release", {"reason": "on the statement"})
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")


async def test_a_released_confirmation_is_posted_under_the_webhooks_own_shortcode(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    who = await api.made(token, "/v1/subscribers", {"name": "Amina"})
    body = confirmation("TKL4X9Q2ZA", BusinessShortCode="600999", BillRefNumber=who["account_number"])
    await _post(api, path, raw(body))
    [row] = await _inbox(api, token, "quarantined")
    await api.call(token, "POST", f"/v1/callbacks/{row['id']}/release", {"reason": "on the statement"})
    await post_all(api)
    [paid] = (await api.call(token, "GET", "/v1/payments")).json()["items"]
    assert (paid["subscriber_id"], paid["shortcode"], paid["amount_cents"]) == (who["id"], "600638", 150_000)
    [row] = await _inbox(api, token)
    assert (row["state"], row["payment_id"]) == ("posted", paid["id"])


async def test_a_connection_that_the_server_closed_is_replaced_at_once(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    await _post(api, path, raw(confirmation("BEFORE0001")))
    writer = api.inbox._writer
    assert isinstance(writer, InboxWriter)
    assert writer._connection is not None
    with socket.socket(fileno=os.dup(writer._connection.fileno())) as link:
        link.shutdown(socket.SHUT_RDWR)
    answer = await _post(api, path, raw(confirmation("AFTER00001")))
    assert (answer.json(), api.spool.is_empty()) == (SUCCESS, True)
    assert len(await _inbox(api, token)) == 2


async def test_a_server_that_cannot_be_reached_is_an_outage(tmp_path: Path) -> None:
    writer = InboxWriter("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseGone):
        await writer.ping()


async def test_a_row_that_the_database_refuses_holds_up_no_other(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    await _post(api, path, raw(confirmation("FIRST00001")))
    hook = await api.directory.get(path.split("/")[3])
    unheard = InboxRow(hook.tenant_id, new_id(), "confirmation", b"{}", None, "new", None, datetime.now(UTC))
    good = replace(unheard, shortcode_id=hook.shortcode_id)
    await asyncio.gather(*(api.inbox.store(row) for row in (good, unheard, good)))
    assert len(await _inbox(api, token)) == 3
    assert not api.spool.is_empty()
    await api.inbox.drain()
    assert [found.suffix for found in api.spool._folder.iterdir()] == [".damaged"]


async def test_what_comes_from_off_the_list_is_quarantined_not_dropped(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    rail = MpesaWebhooks(sources=parse_sources(["196.201.214.0/24"]))
    async with running_api(database, database_url, tmp_path, mpesa=rail) as api:
        token, path = await _hook(api)
        answer = await _post(api, path, raw(confirmation("TKL4X9Q2ZA")))
        assert answer.json() == SUCCESS
        [row] = await _inbox(api, token, "quarantined")
        assert "203.0.113.7" in row["reason"]


async def test_a_validation_is_noted_and_accepted_whatever_it_says(api: ApiUnderTest) -> None:
    token, path = await _hook(api, "validation")
    for body in (raw(confirmation("", BillRefNumber="nobody")), b"nonsense"):
        assert (await _post(api, path, body)).json() == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert [row["state"] for row in await _inbox(api, token)] == ["noted", "noted"]


async def test_a_validation_is_refused_only_where_the_tenant_asks_for_it(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async with running_api(database, database_url, tmp_path, mpesa=MpesaWebhooks(reject_unknown=True)) as api:
        token, path = await _hook(api, "validation")
        known = await api.made(token, "/v1/subscribers", {"name": "Amina", "phones": ["0712345678"]})

        async def ask(**changes: Any) -> str:
            answer = await _post(api, path, raw(confirmation("TKL4X9Q2ZA", **changes)))
            code: str = answer.json()["ResultCode"]
            return code

        assert await ask(BillRefNumber=known["account_number"]) == "0"
        assert await ask(BillRefNumber="0712 345678") == "0"
        assert await ask(BillRefNumber="nobody") == "C2B00012"
        assert await ask(BillRefNumber=known["account_number"], TransAmount="0") == "C2B00013"
        assert await ask(BusinessShortCode="1") == "C2B00015"


async def test_the_poster_is_woken_with_the_commit(api: ApiUnderTest, database_url: str) -> None:
    _, path = await _hook(api)
    with connect(database_url, autocommit=True) as listener:
        listener.execute("listen mnara_inbox")
        await _post(api, path, raw(confirmation("TKL4X9Q2ZA")))
        assert [note.channel for note in listener.notifies(timeout=2, stop_after=1)] == ["mnara_inbox"]


async def test_callbacks_wait_in_the_spool_while_the_database_is_gone_and_come_in_once(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    await _post(api, path, raw(confirmation("FIRST00001")))
    alive, dead = api.inbox._writer, DeadWriter()
    api.inbox._writer = api.inbox._drain_writer = dead
    bodies = [raw(confirmation(f"OUTAGE{n:04d}")) for n in range(20)]
    answers = await asyncio.gather(*(_post(api, path, body) for body in bodies))
    assert [answer.json() for answer in answers] == [SUCCESS] * 20
    with pytest.raises(DatabaseGone):
        await api.inbox.drain()
    api.inbox._writer = api.inbox._drain_writer = alive
    assert await api.inbox.drain() == 20
    assert await api.inbox.drain() == 0
    assert len(await _inbox(api, token, "new")) == 21


async def test_a_drain_killed_before_it_forgot_the_segment_stores_nothing_twice(api: ApiUnderTest) -> None:
    token, path = await _hook(api)
    alive = api.inbox._writer
    api.inbox._writer = DeadWriter()
    await _post(api, path, raw(confirmation("TKL4X9Q2ZA")))
    folder = api.spool._folder
    [segment] = folder.glob("*.spool")
    copy = segment.read_bytes()
    api.inbox._writer = alive
    assert await api.inbox.drain() == 1
    segment.write_bytes(copy)  # as if the process had died between the commit and the unlink
    assert await api.inbox.drain() == 1
    assert len(await _inbox(api, token)) == 1


async def test_an_outage_costs_one_failed_try_not_one_per_callback(api: ApiUnderTest) -> None:
    _, path = await _hook(api)
    await _post(api, path, b"{}")
    dead = DeadWriter()
    api.inbox._writer = dead
    for _ in range(10):
        assert (await _post(api, path, b"{}")).status_code == 200
    assert dead.tried == 1


async def test_with_neither_database_nor_disk_the_rail_is_told_to_send_again(api: ApiUnderTest) -> None:
    _, path = await _hook(api)
    api.inbox._writer = DeadWriter()
    api.spool._folder.rmdir()
    answer = await _post(api, path, raw(confirmation("TKL4X9Q2ZA")))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_known_webhook_works_without_asking_the_database(api: ApiUnderTest) -> None:
    _, path = await _hook(api)
    await api.directory.refresh()
    await api.database.close()
    assert (await _post(api, path, b"{}")).status_code == 200


async def test_the_log_holds_neither_the_webhooks_secret_nor_a_phone(api: ApiUnderTest, logs: list[Any]) -> None:
    _, path = await _hook(api)
    await _post(api, path, raw(confirmation("TKL4X9Q2ZA", MSISDN="254712345678")))
    text = repr(logs)
    assert path.split("/")[3] not in text
    assert "254712345678" not in text
    assert "/hooks/p/…/confirm" in text
