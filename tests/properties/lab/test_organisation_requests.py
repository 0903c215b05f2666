"""Whatever an organisation asks, it is refused in documented words or accepted, and what is accepted has one result."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.organisation import (
    B2C,
    B2C_V1,
    BALANCE,
    PULL,
    PULL_REGISTER,
    QR,
    REVERSAL,
    SHORTCODE,
    STATUS,
    Office,
    open_office,
)  # fmt: skip

GOOD: dict[str, Callable[[Office], dict[str, Any]]] = {
    STATUS: lambda office: office.status(TransactionID="TKL0000001", OriginalConversationID="AG_1"),
    BALANCE: lambda office: office.balance(),
    REVERSAL: lambda office: office.reversal("TKL0000001", 10, Occasion="x"),
    B2C: lambda office: office.b2c(10),
    B2C_V1: lambda office: office.b2c(10),
    PULL_REGISTER: lambda _office: {
        "ShortCode": SHORTCODE,
        "RequestType": "Pull",
        "NominatedNumber": "254722111111",
        "CallBackURL": "http://office.example/hooks/pull",
    },
    PULL: lambda _office: {
        "ShortCode": SHORTCODE,
        "StartDate": "2025-11-21 00:00:00",
        "EndDate": "2025-11-21 12:00:00",
        "OffSetValue": "0",
    },
    QR: lambda _office: {
        "MerchantName": "MNARA NET",
        "RefNo": "A1",
        "Amount": 1,
        "TrxCode": "PB",
        "CPI": SHORTCODE,
        "Size": "300",
    },
}
DOCUMENTED = {"400.002.02", "400.002.05", "400.001", "405.001", "500.002.1001", "500.003.1001"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
spoils = st.one_of(
    anything, st.sampled_from(["0", "-1", "1e3", "١٢٣٤٥٦", "999999999999", "254700000000", "2025-11-21"])
)


async def ask_all(path: str, bodies: list[dict[str, Any]]) -> None:
    async with open_office() as office:
        if path == PULL:
            await office.ask(PULL_REGISTER, GOOD[PULL_REGISTER](office))
        await office.pay(500)
        accepted = 0
        for change in bodies:
            answer = await office.ask(path, GOOD[path](office) | change)
            if answer.status_code == 200:
                accepted += "ConversationID" in answer.json()
            else:
                said = answer.json()
                assert said["errorCode"] in DOCUMENTED, said
                assert said["errorMessage"]
        await office.clock.advance(1)
        results = [message for message, _ in office.rail.callbacks.recorded if message.kind == "result"]
        assert len(results) == accepted
        assert office.rail.phones.total_cents + office.rail.accounts.total_cents == office.rail.phones.brought_in_cents


@settings(max_examples=120, deadline=None)
@given(data=st.data(), path=st.sampled_from(sorted(GOOD)))
def test_a_good_request_with_fields_turned_to_anything(data: st.DataObject, path: str) -> None:
    change = st.dictionaries(st.sampled_from(FIELDS[path]), spoils, min_size=1, max_size=2)
    asyncio.run(ask_all(path, data.draw(st.lists(change, max_size=4))))


FIELDS = {
    STATUS: ["CommandID", "TransactionID", "OriginalConversationID", "PartyA", "IdentifierType", "Initiator",
             "SecurityCredential", "Remarks", "Occasion"],
    BALANCE: ["CommandID", "PartyA", "IdentifierType", "Initiator", "SecurityCredential", "Remarks", "ResultURL"],
    REVERSAL: ["CommandID", "TransactionID", "Amount", "ReceiverParty", "RecieverIdentifierType", "Remarks"],
    B2C: ["OriginatorConversationID", "InitiatorName", "CommandID", "Amount", "PartyA", "PartyB", "Occassion"],
    B2C_V1: ["InitiatorName", "CommandID", "Amount", "PartyA", "PartyB", "QueueTimeOutURL"],
    PULL_REGISTER: ["ShortCode", "RequestType", "NominatedNumber", "CallBackURL"],
    PULL: ["ShortCode", "StartDate", "EndDate", "OffSetValue"],
    QR: ["MerchantName", "RefNo", "Amount", "TrxCode", "CPI", "Size"],
}  # fmt: skip
