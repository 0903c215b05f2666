"""Account Balance: every account of the shortcode in one string."""

from lab.safaricom.accounts import TITLES, Account, OrganisationAccounts
from lab.safaricom.bodies import trans_time
from lab.safaricom.envelope import Ids, Outcome, Parameters, dummy_receipt
from lab.safaricom.face.families import BALANCE, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.queued import accept, command, job, known_shortcode, queue_reference, remarks
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import LOCKED, Declined


def endpoints(rail: Rail) -> Endpoints:
    """One endpoint."""
    return {("POST", "/mpesa/accountbalance/v1/query"): Endpoint(BALANCE, _querying(rail))}


def _querying(rail: Rail) -> Handler:
    async def query(request: Request) -> Answer:
        command(request, "AccountBalance")
        shortcode = known_shortcode(rail, request, "PartyA")
        request.one_of("IdentifierType", "1", "2", "4")
        remarks(request)

        def work(_ids: Ids, now_us: int) -> Outcome:
            said = balance_text(rail.accounts.of(shortcode), with_float=rail.manner.organisation.results.float_account)
            parameters = (("AccountBalance", said), ("BOCompletedTime", int(trans_time(now_us))))
            return Outcome(dummy_receipt(now_us), parameters, references)

        references = queue_reference(rail, "abresults")
        taken = job(request, "balance", shortcode, references, work, failure_parameters=_failed)
        return await accept(rail, taken)

    return query


def balance_text(accounts: OrganisationAccounts, *, with_float: bool = False) -> str:
    """`Name|KES|current|available|reserved|uncleared`, joined by `&`."""
    records = [record(TITLES[account], accounts.balances[account]) for account in Account]
    if with_float:
        records.insert(1, record("Float Account", 0))
    return "&".join(records)


def record(title: str, cents: int) -> str:
    """One account: nothing is ever reserved or uncleared here, so current is available."""
    return f"{title}|KES|{cents / 100:.2f}|{cents / 100:.2f}|0.00|0.00"


def _failed(refusal: Declined, now_us: int) -> Parameters:
    """Recorded in the sandbox: the failure of a balance carries parameters, that of the others none."""
    words = "API Password is locked. " if refusal.code == LOCKED else refusal.words
    completed = ("BOCompletedTime", int(trans_time(now_us)))
    return (("ActionType", "AccountBalance"), ("ErrorMsg", words), completed)
