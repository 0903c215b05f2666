"""The asynchronous `Result` envelope of status, balance, reversal and B2C, and the ids around it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.safaricom.bodies import trans_time
from lab.safaricom.receipts import receipt_of
from lab.safaricom.result_codes import DONE, DONE_WORDS, Declined
from lab.safaricom.switches import ResultSwitches

Parameters = Sequence[tuple[str, object | None]]
"""Key and value; None is a parameter without a value."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The two conversations of one request."""

    originator: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request. `receipt` is the transaction's own, or a dummy with seven zeros for a mere question."""

    receipt: str
    parameters: Parameters = ()
    references: Parameters = field(default=(("Occasion", None),))
    code: str = DONE
    words: str = DONE_WORDS
    failure_parameters: Parameters = ()
    """What this API says even when it failed."""


def declined(refusal: Declined, receipt: str, references: Parameters, parameters: Parameters = ()) -> Outcome:
    """The outcome of a request that the core declined."""
    return Outcome(receipt, (), references, refusal.code, refusal.words, parameters)


def dummy_receipt(at_us: int) -> str:
    """What stands as TransactionID where no money moved: `TKL0000000`."""
    return receipt_of(at_us, 0)


def envelope(outcome: Outcome, ids: Ids, at_us: int, switches: ResultSwitches) -> dict[str, Any]:
    """Write a result. ResultParameters are absent on failure, unless switched otherwise."""
    result: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": int(outcome.code) if switches.code == "number" and outcome.code.isdecimal() else outcome.code,
        "ResultDesc": outcome.words,
        "OriginatorConversationID": ids.originator,
        "ConversationID": ids.conversation,
        "TransactionID": outcome.receipt,
    }
    parameters = outcome.parameters
    if outcome.code != DONE:
        told = switches.failure_parameters == "completed-time"
        parameters = outcome.failure_parameters or ((("BOCompletedTime", int(trans_time(at_us))),) if told else ())
    if parameters:
        outer, inner = "ResultParameters", "ResultParameter"
        if switches.shape == "swapped":
            outer, inner = inner, outer
        items = _items(parameters, switches)
        result[outer] = items if switches.shape == "flat" else {inner: items}
    if outcome.references:
        result["ReferenceData"] = {"ReferenceItem": _items(outcome.references, switches)}
    return {"Result": result}


def timed_out(ids: Ids, references: Parameters, at_us: int, switches: ResultSwitches) -> dict[str, Any]:
    """What goes to QueueTimeOutURL: the same envelope, which says that the queue gave up, not that the work failed."""
    outcome = Outcome(dummy_receipt(at_us), (), references, "1", "The service request timed out.")
    return envelope(outcome, ids, at_us, switches)


def new_ids(chance: random.Random, at_us: int, switches: ResultSwitches, originator: str = "") -> Ids:
    """Deal conversation ids; `originator` is the caller's own, where the API takes one."""
    if not originator:
        if switches.originator == "hex":
            tail = f"{chance.getrandbits(48):012x}"
            originator = f"{chance.getrandbits(16):04x}-{chance.getrandbits(16):04x}-4b64-97ff-{tail}"
        else:
            originator = f"{chance.randint(1_000, 99_999)}-{chance.randint(1_000_000, 99_999_999)}-1"
    return Ids(originator, f"AG_{trans_time(at_us)[:8]}_{chance.getrandbits(80):020x}")


def acknowledgement(ids: Ids) -> dict[str, str]:
    """The synchronous answer: taken, not done."""
    return {
        "OriginatorConversationID": ids.originator,
        "ConversationID": ids.conversation,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def _items(parameters: Parameters, switches: ResultSwitches) -> list[dict[str, Any]] | dict[str, Any]:
    items = [_item(key, value, switches) for key, value in parameters]
    return items[0] if len(items) == 1 and switches.single == "object" else items


def _item(key: str, value: object | None, switches: ResultSwitches) -> dict[str, Any]:
    if value is None:
        return {"Key": key} if switches.blank == "absent" else {"Key": key, "Value": ""}
    return {"Key": key, "Value": value}
