"""Whatever is typed or sent, the talkers and the SMS gateway answer or refuse; they never break."""

import asyncio
import contextlib
import json
import random
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from lab.clock import SystemClock
from lab.control import answers
from lab.sms.app import SmsFace
from lab.sms.control import Control
from lab.sms.gateway import Gateway
from lab.sms.segments import cut
from lab.talk.script import ScriptWrong, read_script
from lab.talk.words import line_of, readable, value_of
from lab.web import Asked, Said

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["at", "until", "expect", "wait", "gives", "within", "d", "2s", "a=1", "a.b>=2", "#", "'", "="])
PATHS = ["/version1/messaging", "/version1/messaging/bulk", "/version1/user"] + [
    f"/api/services/{name}" for name in ("sendsms", "sendbulk", "getdlr", "getbalance", "sendotp", "x")
]
FIELDS = [
    "mobile",
    "message",
    "messageID",
    "smslist",
    "to",
    "phoneNumbers",
    "maskedNumber",
    "telco",
    "shortcode",
    "hashed",
]
KEYS = {"username": "sandbox", "apikey": "lab-key", "partnerID": "1"}


@given(st.lists(st.lists(WORDS | st.text(max_size=6), max_size=7).map(" ".join), max_size=4).map("\n".join))
def test_a_script_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ScriptWrong):
        lines = read_script(text, {"d"})
        assert [line.number for line in lines] == sorted({line.number for line in lines})


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_any_answer_can_be_shown(answer: dict[str, Any]) -> None:
    assert readable(answer, 80)
    assert "\n" not in line_of(answer)
    for value in answer.values():
        assert value_of(json.dumps(value)) == value


@given(st.text(max_size=400))
def test_segments_hold_the_text_and_no_more_than_they_need(text: str) -> None:
    found = cut(text)
    alone, each = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert (found.segments == 1) == (found.units <= alone)
    if found.segments > 1:
        assert (found.segments - 1) * (each - 1) < found.units <= found.segments * each


def asked_of(method: str, path: str, fields: dict[str, Any], raw: bytes | None) -> Asked:
    body = json.dumps(KEYS | fields).encode() if raw is None else raw
    query = KEYS | {name: str(value) for name, value in fields.items()}
    return Asked(method, path, query, {"apikey": "lab-key", "accept": "application/json"}, body)


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
    st.none() | st.binary(max_size=40),
)
def test_the_gateway_answers_whatever_it_is_sent(
    method: str, path: str, fields: dict[str, Any], raw: bytes | None
) -> None:
    async def act() -> tuple[Said, int]:
        gateway = Gateway(clock=SystemClock(), chance=random.Random(1))
        before = gateway.account.balance
        said = await SmsFace(gateway).answer(asked_of(method, path, fields, raw))
        await gateway.settle()
        paid = sum(message.cost for message in gateway.messages.values())
        assert gateway.account.balance == before - paid
        assert len(gateway.inboxes.list_received()) == len(gateway.messages)
        await gateway.close()
        return said, paid

    said, paid = asyncio.run(act())
    assert said.status in {200, 201, 400, 401, 404, 405}
    assert not paid or said.status in {200, 201}


@given(
    st.sampled_from(["inbox", "messages", "phone", "manner", "balance", "sender", "reports", "events", "stats"]),
    st.dictionaries(
        st.sampled_from(
            ["number", "since", "state", "lose", "outage", "interim", "set", "name", "telcos", "to", "family"]
        ),
        JSON,
        max_size=3,
    ),
)
@example("inbox", {"since": float("inf")})
def test_the_gateways_control_door_answers_whatever_it_is_asked(do: str, facts: dict[str, Any]) -> None:
    async def act() -> list[dict[str, Any]]:
        gateway = Gateway(clock=SystemClock(), chance=random.Random(1))
        line = json.dumps({**facts, "do": do}).encode()
        found = [answer async for answer in answers(Control(gateway).verbs, line)]
        await gateway.close()
        return found

    [answer] = asyncio.run(act())
    assert json.dumps(answer)
