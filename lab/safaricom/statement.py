"""The organisation's statement as its portal exports it: CSV with a preamble and a running balance that adds up."""

import csv
import io
from datetime import UTC, datetime

from lab.safaricom.accounts import TITLES, Account, Movement, OrganisationAccounts
from lab.safaricom.bodies import EAST_AFRICA
from lab.safaricom.switches import StatementSwitches
from lab.safaricom.transactions import B2C, C2B, Kind, Party, Transaction

COLUMNS = (
    "Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In", "Withdrawn",
    "Balance", "Balance Confirmed", "Reason Type", "Other Party Info", "Linked Transaction ID", "A/C No.",
)  # fmt: skip


def statement_csv(
    accounts: OrganisationAccounts, name: str, account: Account, from_us: int, to_us: int, switches: StatementSwitches
) -> str:
    """Export the lines of one account with `from_us <= completed < to_us`."""
    lines = list(accounts.lines(account, from_us, to_us))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if switches.preamble:
        opening = next((line.balance_cents for line in reversed(list(accounts.lines(account, 0, from_us)))), 0)
        writer.writerows(_preamble(accounts.shortcode, name, account, (from_us, to_us), opening, lines, switches))
        writer.writerow([])
    writer.writerow(COLUMNS)
    for line in reversed(lines) if switches.newest_first else lines:
        writer.writerow(_row(line, switches))
    return out.getvalue()


def portal_time(at_us: int, switches: StatementSwitches) -> str:
    """An instant in East Africa Time, as the export writes it."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(EAST_AFRICA)
    return at.strftime("%Y-%m-%d %H:%M:%S" if switches.dates == "iso" else "%d-%m-%Y %H:%M:%S")


def amount(cents: int, switches: StatementSwitches) -> str:
    """`-1500.00`, or with commas at the thousands."""
    whole, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{whole:,}.{rest:02d}" if switches.thousands else f"{sign}{whole}.{rest:02d}"


def _preamble(
    shortcode: str, name: str, account: Account, period: tuple[int, int], opening_cents: int,
    lines: list[Movement], switches: StatementSwitches,
) -> list[tuple[str, str]]:  # fmt: skip
    closing = lines[-1].balance_cents if lines else opening_cents
    paid_in = sum(line.cents for line in lines if line.cents > 0)
    withdrawn = sum(line.cents for line in lines if line.cents < 0)
    start, end = (portal_time(at_us, switches) for at_us in period)
    return [
        ("Account Holder:", name),
        ("Short Code:", shortcode),
        ("Account:", TITLES[account]),
        ("Time Period:", f"From {start} To {end}"),
        ("Opening Balance:", amount(opening_cents, switches)),
        ("Closing Balance:", amount(closing, switches)),
        ("Total Paid In:", amount(paid_in, switches)),
        ("Total Withdrawn:", amount(withdrawn if switches.withdrawn_negative else -withdrawn, switches)),
    ]


def _row(line: Movement, switches: StatementSwitches) -> list[str]:
    transaction = line.transaction
    withdrawn = line.cents if switches.withdrawn_negative else -line.cents
    charge = f"{transaction.kind} Charge"
    return [
        transaction.receipt,
        portal_time(line.at_us, switches),
        portal_time(transaction.at_us, switches),
        charge if line.charge else details(transaction, masked=switches.masked),
        str(transaction.state),
        amount(line.cents, switches) if line.cents > 0 else "",
        amount(withdrawn, switches) if line.cents < 0 else "",
        amount(line.balance_cents, switches),
        "true",
        charge if line.charge else transaction.reason,
        _party(_other(transaction), masked=switches.masked),
        transaction.linked,
        transaction.reference,
    ]


def details(transaction: Transaction, *, masked: bool) -> str:
    """The sentence of a line."""
    other = _party(_other(transaction), masked=masked)
    if transaction.kind is Kind.PAY_BILL:
        return f"{transaction.kind} from {other} Acc. {transaction.reference}"
    if transaction.kind in C2B:
        return f"{transaction.kind} from {other}"
    if transaction.kind in B2C:
        return f"{transaction.kind} to {other}"
    if transaction.kind is Kind.REVERSAL:
        return f"Reversal of {transaction.linked} to {other}"
    return transaction.reason


def _other(transaction: Transaction) -> Party:
    return transaction.debit if transaction.kind in C2B or transaction.kind is Kind.DEPOSIT else transaction.credit


def _party(party: Party, *, masked: bool) -> str:
    known = party.identifier
    if masked and len(known) == 12 and known.isdecimal():
        known = f"{known[:4]}*****{known[-3:]}"
    return f"{known} - {party.name}"
