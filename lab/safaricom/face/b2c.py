"""B2C, version 3 with the caller's own conversation id and version 1 without: from the organisation to a phone."""

from datetime import UTC, datetime

from lab.safaricom.accounts import Account
from lab.safaricom.bodies import EAST_AFRICA
from lab.safaricom.core import Told
from lab.safaricom.envelope import Ids, Outcome, Parameters, declined
from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import B2C, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.queued import accept, job, known_shortcode, queue_reference, remarks
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import Declined
from lab.safaricom.transactions import Kind, Transaction

COMMANDS = {
    "BusinessPayment": Kind.BUSINESS_PAYMENT,
    "SalaryPayment": Kind.SALARY_PAYMENT,
    "PromotionPayment": Kind.PROMOTION_PAYMENT,
}
REASONS = {
    Kind.BUSINESS_PAYMENT: "Business Payment to Customer via API",
    Kind.SALARY_PAYMENT: "Salary Payment via API",
    Kind.PROMOTION_PAYMENT: "Promotion Payment via API",
}
SEEN_MAX = 1_000_000


def endpoints(rail: Rail) -> Endpoints:
    """Both versions; they share what has been seen."""
    seen: set[str] = set()
    return {
        ("POST", "/mpesa/b2c/v3/paymentrequest"): Endpoint(B2C, _paying(rail, seen, own_id=True)),
        ("POST", "/mpesa/b2c/v1/paymentrequest"): Endpoint(B2C, _paying(rail, seen, own_id=False)),
    }


def _paying(rail: Rail, seen: set[str], *, own_id: bool) -> Handler:
    async def pay(request: Request) -> Answer:
        originator = request.text("OriginatorConversationID", most=100) if own_id else ""
        kind = COMMANDS[request.one_of("CommandID", *COMMANDS)]
        cents, shortcode = request.shillings() * 100, known_shortcode(rail, request, "PartyA")
        msisdn, said = request.msisdn("PartyB"), remarks(request)
        request.optional("Occassion", most=100)  # misspelt by Daraja

        def work(ids: Ids, now_us: int) -> Outcome:
            told = Told(ids.conversation, ids.originator, said, REASONS[kind])
            return _outcome(rail, (shortcode, msisdn, cents, kind), now_us, told, references)

        references = queue_reference(rail, "b2cresults")
        taken = job(request, "b2c", shortcode, references, work, initiator="InitiatorName")
        if originator:
            _once(seen, originator)
        return await accept(rail, taken, originator)

    return pay


def _once(seen: set[str], originator: str) -> None:
    """Refuse an id that was accepted before, whatever became of that request; a refused request uses none up."""
    if originator in seen:
        raise Refusal(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    if len(seen) >= SEEN_MAX:
        raise OverflowError(f"the simulation remembers at most {SEEN_MAX} conversations; start it anew")
    seen.add(originator)


def _outcome(rail: Rail, what: tuple[str, str, int, Kind], now_us: int, told: Told, references: Parameters) -> Outcome:
    shortcode, msisdn, cents, kind = what
    money = rail.manner.organisation.money
    try:
        done = rail.core.pay_out(shortcode, msisdn, cents, kind, now_us, told, money)
    except Declined as refusal:
        failed = rail.core.note_declined(shortcode, msisdn, cents, kind, now_us, told, money)
        return declined(refusal, failed.receipt, references)
    rail.feed.tell("paid-out", receipt=done.receipt, shortcode=shortcode, msisdn=msisdn, amount_cents=cents)
    return Outcome(done.receipt, _parameters(rail, done), references)


def _parameters(rail: Rail, done: Transaction) -> Parameters:
    balances = rail.accounts.of(done.shortcode).balances
    registered = rail.phones.get(done.msisdn).customer == "registered"
    return (
        ("TransactionAmount", done.amount_cents // 100),
        ("TransactionReceipt", done.receipt),
        ("ReceiverPartyPublicName", _receiver(rail, done)),
        ("TransactionCompletedDateTime", dotted_time(done.at_us)),
        ("B2CUtilityAccountAvailableFunds", balances[Account.UTILITY] / 100),
        ("B2CWorkingAccountAvailableFunds", balances[Account.WORKING] / 100),
        ("B2CRecipientIsRegisteredCustomer", "Y" if registered else "N"),
        ("B2CChargesPaidAccountAvailableFunds", balances[Account.CHARGES] / 100),
    )


def _receiver(rail: Rail, done: Transaction) -> str:
    if rail.manner.organisation.results.receiver == "local":
        return f"0{done.credit.identifier[3:]} - {done.credit.name}"
    return str(done.credit)


def dotted_time(at_us: int) -> str:
    """`06.07.2024 22:48:52`, in East Africa Time: the one result that writes it so."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(EAST_AFRICA)
    return at.strftime("%d.%m.%Y %H:%M:%S")
