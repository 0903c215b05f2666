"""Transaction Status: what became of a receipt or a conversation, with the names of both parties in full."""

from lab.safaricom.bodies import trans_time
from lab.safaricom.envelope import Ids, Outcome, Parameters, dummy_receipt
from lab.safaricom.face.families import STATUS, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.queued import accept, command, job, known_shortcode, remarks
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import UNKNOWN_RECEIPT, Declined
from lab.safaricom.switches import ResultSwitches
from lab.safaricom.transactions import B2C, State, Transaction


def endpoints(rail: Rail) -> Endpoints:
    """One endpoint."""
    return {("POST", "/mpesa/transactionstatus/v1/query"): Endpoint(STATUS, _querying(rail))}


def _querying(rail: Rail) -> Handler:
    async def query(request: Request) -> Answer:
        command(request, "TransactionStatusQuery")
        receipt = request.optional("TransactionID", most=20)
        # The portal's newer text says OriginalConversationID, its older one OriginatorConversationID.
        conversation = request.optional("OriginalConversationID") or request.optional("OriginatorConversationID")
        if not receipt and not conversation:
            raise request.bad("TransactionID")
        shortcode = known_shortcode(rail, request, "PartyA")
        request.one_of("IdentifierType", "1", "2", "4")
        remarks(request)
        occasion = request.optional("Occasion", most=100)

        def work(_ids: Ids, now_us: int) -> Outcome:
            found = _find(rail, shortcode, receipt, conversation)
            parameters = status_parameters(found, rail.manner.organisation.results)
            return Outcome(dummy_receipt(now_us), parameters, references)

        references = (("Occasion", occasion or None),)
        return await accept(rail, job(request, "status", shortcode, references, work))

    return query


def status_parameters(transaction: Transaction, switches: ResultSwitches) -> Parameters:
    """Everything a status result says of a transaction."""
    charge, cents = transaction.charge_cents, transaction.amount_cents
    fee = f"Fee For {'B2C Payment' if transaction.kind in B2C else 'C2B Payment'}|KES|{charge / 100:.2f}"
    conversation, originator = "ConversationID", "OriginatorConversationID"
    if switches.spaced_keys:
        conversation, originator = "Conversation ID", "Originator Conversation ID"
    return (
        ("DebitPartyName", str(transaction.debit)),
        ("DebitPartyName" if switches.debit_twice else "CreditPartyName", str(transaction.credit)),
        (originator, transaction.originator_id or None),
        ("InitiatedTime", int(trans_time(transaction.at_us))),
        ("DebitAccountType", _debit_account(transaction)),
        ("DebitPartyCharges", fee if charge else None),
        ("TransactionReason", transaction.remarks or None),
        ("ReasonType", transaction.reason),
        ("TransactionStatus", _state(transaction, switches)),
        ("FinalisedTime", int(trans_time(transaction.finalised_at_us))),
        ("Amount", cents // 100 if cents % 100 == 0 else cents / 100),
        (conversation, transaction.conversation_id or None),
        ("ReceiptNo", transaction.receipt),
    )


def _find(rail: Rail, shortcode: str, receipt: str, conversation: str) -> Transaction:
    journal = rail.core.journal
    found = journal.find(receipt) if receipt else journal.find_conversation(conversation)
    if found is None or found.shortcode != shortcode:  # somebody else's receipt is none of its business
        raise Declined(UNKNOWN_RECEIPT)
    return found


def _state(transaction: Transaction, switches: ResultSwitches) -> str:
    if transaction.state is State.COMPLETED and transaction.reversed_in_full:
        return switches.reversed_status
    return str(transaction.state)


def _debit_account(transaction: Transaction) -> str:
    """The account of whoever paid: a customer pays from his MMF account."""
    return "MMF Account For Customer" if transaction.paid_by_customer else transaction.account
