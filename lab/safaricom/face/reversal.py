"""Reversal: a payment, or a part of it, back to the phone that made it."""

from lab.safaricom.accounts import TITLES, Account
from lab.safaricom.bodies import shillings, trans_time
from lab.safaricom.core import Told
from lab.safaricom.envelope import Ids, Outcome, Parameters, declined
from lab.safaricom.face.balance import record
from lab.safaricom.face.families import REVERSAL, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.queued import accept, command, job, known_shortcode, queue_reference, remarks
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import Declined
from lab.safaricom.transactions import Kind, Transaction


def endpoints(rail: Rail) -> Endpoints:
    """One endpoint."""
    return {("POST", "/mpesa/reversal/v1/request"): Endpoint(REVERSAL, _reversing(rail))}


def _reversing(rail: Rail) -> Handler:
    async def reverse(request: Request) -> Answer:
        command(request, "TransactionReversal")
        receipt, cents = request.text("TransactionID", most=20), request.shillings() * 100
        shortcode = known_shortcode(rail, request, "ReceiverParty")
        request.one_of("RecieverIdentifierType", "11", "4")  # misspelt by Daraja; 4 is in its older samples
        said = remarks(request, least=2)
        request.optional("Occasion", most=100)

        def work(ids: Ids, now_us: int) -> Outcome:
            told = Told(ids.conversation, ids.originator, said)
            try:
                done = rail.core.reverse(shortcode, receipt, cents, now_us, told)
            except Declined as refusal:
                return declined(refusal, rail.receipts.deal(now_us), references)
            rail.feed.tell("reversed", receipt=receipt, by=done.receipt, amount_cents=cents)
            return Outcome(done.receipt, _parameters(rail, done), references)

        references = queue_reference(rail, "reversalresults")
        return await accept(rail, job(request, "reversal", shortcode, references, work))

    return reverse


def _parameters(rail: Rail, done: Transaction) -> Parameters:
    original = rail.core.journal.find(done.linked)
    till = original is not None and original.kind is Kind.BUY_GOODS
    account = Account.MERCHANT if till else Account.UTILITY
    balance_cents = rail.accounts.of(done.shortcode).balances[account]
    return (
        ("DebitAccountBalance", record(TITLES[account], balance_cents)),
        ("Amount", shillings(done.amount_cents, "whole")),
        ("TransCompletedTime", trans_time(done.at_us)),
        ("OriginalTransactionID", done.linked),
        ("Charge", "0"),
        ("CreditPartyPublicName", str(done.credit)),
        ("DebitPartyPublicName", str(done.debit)),
    )
