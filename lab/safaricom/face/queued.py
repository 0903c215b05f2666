"""The road of an initiator's request: taken at once, worked on later, its result posted to where the caller said."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import sleep
from lab.safaricom.callbacks import Message
from lab.safaricom.envelope import (
    Ids,
    Outcome,
    Parameters,
    acknowledgement,
    declined,
    dummy_receipt,
    envelope,
    new_ids,
    timed_out,
)
from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import Answer
from lab.safaricom.face.request import Request
from lab.safaricom.manner import Manner
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import Declined
from lab.safaricom.switches import ResultSwitches

CREDENTIAL_MAX = 2_000
_INTERNAL = {"sandbox": "https://internalsandbox.safaricom.co.ke", "production": "http://internalapi.safaricom.co.ke"}

Work = Callable[[Ids, int], Outcome]
"""Does it, given its conversations and the instant; may raise Declined."""


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted request."""

    role: str
    shortcode: str
    initiator: str
    credential: str
    result_url: str
    timeout_url: str
    references: Parameters
    failure_parameters: Callable[[Declined, int], Parameters]
    work: Work
    answered: asyncio.Event
    """No result leaves before the acknowledgement has left, unless the day is `early`."""


def _nothing(_refusal: Declined, _at_us: int) -> Parameters:
    return ()


def job(
    request: Request, role: str, shortcode: str, references: Parameters, work: Work, *, initiator: str = "Initiator",
    failure_parameters: Callable[[Declined, int], Parameters] = _nothing,
) -> Job:  # fmt: skip
    """Read what all of them have. B2C calls its initiator InitiatorName."""
    return Job(
        role,
        shortcode,
        request.text(initiator, most=100),
        request.text("SecurityCredential", most=CREDENTIAL_MAX),
        url(request, "ResultURL"),
        url(request, "QueueTimeOutURL"),
        references,
        failure_parameters,
        work,
        request.answered,
    )


async def accept(rail: Rail, taken: Job, originator: str = "") -> Answer:
    """Acknowledge a job and begin it; its result leaves through the rail's one sender of callbacks.

    With the switch `early` the first callback is delivered before the acknowledgement.
    """
    ids = new_ids(rail.chance, rail.clock.now_us(), rail.manner.organisation.results, originator)
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    rail.callbacks.begin(_run(rail, taken, ids, told))
    if rail.manner.early:
        await told
    return 200, acknowledgement(ids)


def url(request: Request, name: str) -> str:
    """An address for callbacks."""
    said = request.text(name)
    if not said.startswith(("http://", "https://")):
        raise request.bad(name)
    return said


def command(request: Request, wanted: str) -> None:
    """CommandID must be the one of the API."""
    request.one_of("CommandID", wanted)


def remarks(request: Request, *, least: int = 1) -> str:
    """Remarks, up to 100 characters."""
    return request.text("Remarks", most=100, least=least)


def queue_reference(rail: Rail, results: str) -> Parameters:
    """What the results of balance, B2C and reversal carry: the gateway's own inner address."""
    host = _INTERNAL[rail.directory.environment]
    return (("QueueTimeoutURL", f"{host}/mpesa/{results}/v1/submit"),)


def known_shortcode(rail: Rail, request: Request, name: str) -> str:
    """A shortcode of this environment, as the organisation's own number."""
    said = request.digits(name, least=5, most=7)
    try:
        return rail.directory.get(said).shortcode
    except KeyError:
        raise Refusal(400, request.bad_code, f"Bad Request - Invalid {name}") from None


async def _run(rail: Rail, taken: Job, ids: Ids, told: asyncio.Future[None]) -> None:
    manner = rail.manner
    switches = manner.organisation.results
    try:
        if not manner.early:
            await taken.answered.wait()
            await sleep(rail.clock, switches.delay_s)
        outcome = _do(rail, taken, ids) if switches.queue in ("prompt", "done-untold") else None
        if switches.queue != "prompt":
            body = timed_out(ids, taken.references, rail.clock.now_us(), switches)
            await _tell(rail, Message("timeout", taken.timeout_url, body, ids.conversation), manner)
        elif outcome:
            await _tell(rail, _result(rail, taken, ids, outcome, switches), manner)
    finally:
        if not told.done():
            told.set_result(None)
    if switches.queue == "result-later":
        await sleep(rail.clock, switches.queue_later_s)
        await _tell(rail, _result(rail, taken, ids, _do(rail, taken, ids), switches), manner)


def _result(rail: Rail, taken: Job, ids: Ids, outcome: Outcome, switches: ResultSwitches) -> Message:
    body = envelope(outcome, ids, rail.clock.now_us(), switches)
    return Message("result", taken.result_url, body, ids.conversation)


async def _tell(rail: Rail, message: Message, manner: Manner) -> None:
    """Send, and wait for the delivery: nothing else hangs on it but an early callback."""
    sending = rail.callbacks.send(message, manner)
    if sending:
        await sending


def _do(rail: Rail, taken: Job, ids: Ids) -> Outcome:
    now_us, money = rail.clock.now_us(), rail.manner.organisation.money
    try:
        rail.initiators.check(taken.shortcode, taken.initiator, taken.credential, taken.role, now_us, money)
        rail.core.decline_if_told(taken.role)
        outcome = taken.work(ids, now_us)
    except Declined as refusal:
        parameters = taken.failure_parameters(refusal, now_us)
        outcome = declined(refusal, dummy_receipt(now_us), taken.references, parameters)
    rail.feed.tell("result", role=taken.role, conversation=ids.conversation, code=outcome.code)
    return outcome
